"""The listeners: TLS 1.3 with a client certificate or nothing; and clients that
hold connections without reading."""

import contextlib
import json
import socket
import ssl
import subprocess
import tempfile
import urllib.request

import harness
import http2
import validators
from harness import claims, make_issuer, make_key, sign

SILENT_CLIENTS = 40
UNREAD_REQUESTS = 4000


def address(listen):
    host, _, port = listen.removeprefix("https://").rpartition(":")
    return host, int(port)


class Transport(harness.Case):

    @classmethod
    def prepare(cls):
        harness.make_tenant(cls.server)
        make_issuer(cls.server, "login")
        cls.jwks_uri = cls.server.cli("viewer", "issuers", "get", "demo/login").data["jwksUri"]
        make_key(cls.server, "main", "login")

    def context(self, role="issuer"):
        context = ssl.create_default_context(cafile=self.state.tls / "ca.pem")
        if role:
            context.load_cert_chain(self.state.tls / f"{role}.pem", self.state.tls / f"{role}.key")
        context.set_alpn_protocols(["h2"])
        return context

    def connect(self, listener, context):
        raw = socket.create_connection(address(self.server.ready[listener]), timeout=30)
        try:
            return context.wrap_socket(raw, server_hostname="localhost")
        except BaseException:
            raw.close()
            raise

    def first_bytes(self, connection):
        """What the server says to an HTTP/2 client; b"" or an error if nothing."""
        with connection:
            connection.sendall(http2.opening())
            return connection.recv(9)

    def test_a_good_client_is_served(self):
        # The positive control of what is refused below.
        for listener in ("signing", "admin"):
            connection = self.connect(listener, self.context())
            self.assertEqual(connection.version(), "TLSv1.3")
            self.assertEqual(self.first_bytes(connection)[3], http2.SETTINGS)

    def test_plaintext_is_refused(self):
        for listener in ("signing", "admin"):
            raw = socket.create_connection(address(self.server.ready[listener]), timeout=30)
            try:
                answer = self.first_bytes(raw)
            except ConnectionError:
                answer = b""
            # Either nothing, or a TLS alert (record type 21): never HTTP/2.
            self.assertNotEqual(answer[3:4], bytes([http2.SETTINGS]))
            self.assertIn(answer[:1], (b"", b"\x15"))

    def test_tls_1_2_is_refused(self):
        for listener in ("signing", "admin"):
            context = self.context()
            context.minimum_version = ssl.TLSVersion.TLSv1_2
            context.maximum_version = ssl.TLSVersion.TLSv1_2
            with self.assertRaises((ssl.SSLError, ConnectionError)):
                self.first_bytes(self.connect(listener, context))

    def test_a_client_without_certificate_is_refused(self):
        for listener in ("signing", "admin"):
            with self.assertRaises((ssl.SSLError, ConnectionError)):
                # TLS 1.3 tells it with the first read after the handshake.
                if self.first_bytes(self.connect(listener, self.context(role=None))) == b"":
                    raise ConnectionError("closed")

    def test_a_certificate_of_another_ca_is_refused(self):
        with tempfile.TemporaryDirectory() as directory:
            subprocess.run([harness.SOURCE / "tools" / "dev_ca.sh", directory], check=True)
            context = self.context(role=None)
            context.load_cert_chain(f"{directory}/issuer.pem", f"{directory}/issuer.key")
            with self.assertRaises((ssl.SSLError, ConnectionError)):
                if self.first_bytes(self.connect("signing", context)) == b"":
                    raise ConnectionError("closed")

    def test_metrics_want_a_client_certificate_with_a_role(self):
        url = self.server.ready["metrics"] + "/metrics"
        for role, served in ((None, False), ("stranger", False), ("issuer", False),
                             ("admin", True)):
            context = self.context(role)
            context.set_alpn_protocols(["http/1.1"])
            opener = urllib.request.build_opener(
                urllib.request.HTTPSHandler(context=context))
            with self.subTest(role=role):
                if served:
                    text = opener.open(url, timeout=30).read().decode()
                    self.assertIn("sealward", text)
                else:
                    with self.assertRaises((OSError, ssl.SSLError)):
                        opener.open(url, timeout=30).read()

    def test_jwks_and_grpc_certificates_differ(self):
        # A JWKS front-end that is hijacked must not be able to pose as gRPC.
        def certificate(listen):
            context = self.context()
            context.set_alpn_protocols(["h2", "http/1.1"])
            with socket.create_connection(address(listen), timeout=30) as raw:
                with context.wrap_socket(raw, server_hostname="localhost") as tls:
                    return tls.getpeercert(binary_form=True)
        self.assertNotEqual(certificate(self.server.ready["https"]),
                            certificate(self.server.ready["signing"]))

    def memory_kib(self):
        with open(f"/proc/{self.server.pid}/status", encoding="ascii") as file:
            return next(int(line.split()[1]) for line in file if line.startswith("VmRSS:"))

    def test_clients_that_never_read_do_not_stop_the_others(self):
        with contextlib.ExitStack() as stack:
            # Connected and silent, before and after the TLS handshake.
            for listener in ("signing", "admin", "https"):
                for _ in range(SILENT_CLIENTS):
                    stack.enter_context(socket.create_connection(
                        address(self.server.ready[listener]), timeout=30))
            before = self.memory_kib()
            # Thousands of requests whose answers nobody reads.
            message = b"\x0a\x16tenants/demo/keys/main"
            unread = stack.enter_context(self.connect("signing", self.context()))
            unread.settimeout(5)
            with contextlib.suppress(OSError):  # the server may stop taking more
                unread.sendall(http2.opening() + b"".join(
                    http2.request(1 + 2 * i, "/sealward.v1.SigningService/GetSigningKey", message)
                    for i in range(UNREAD_REQUESTS)))
            slow = stack.enter_context(self.connect("https", self.context(role=None)))
            slow.sendall(b"GET / HTTP/1.1\r\nHost: localhost\r\n")  # and never ends
            for _ in range(5):
                sign(self.server, "main", claims("login"), timeout="20s")
                validators.fetch(self.state, self.jwks_uri)
            # 1024 streams a connection is the server's limit, not what a client sends.
            self.assertLess(self.memory_kib() - before, 160 * 1024)

    def test_an_oversized_request_is_refused_and_the_server_goes_on(self):
        big = json.dumps(claims("login", pad="x" * 900_000))
        refused = self.server.cli("issuer", "jwt", "sign", "demo/main", "--claims", "-", stdin=big,
                                  check=False)
        self.assertEqual(refused.code, 2, refused)
        sign(self.server, "main", claims("login"))


if __name__ == "__main__":
    harness.main()
