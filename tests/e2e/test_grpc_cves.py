"""What is known against Debian 12's gRPC 1.51, tried on the server. SECURITY.md has the list.

If this goes, nobody notices that an answer in that list is wrong, or became wrong with another
gRPC. Each attack comes from a client with a certificate, since without one nobody gets as far
as HTTP/2 (test_transport.py); afterwards the server has to sign for another client.
"""

import contextlib
import resource
import socket
import ssl
import struct

import harness
import http2
from harness import claims, make_issuer, make_key, sign, wait_until

RST_STREAM, CONTINUATION = 3, 9
CANCEL = 8  # RFC 9113 section 7
RAPID_RESETS = 20_000
MOST_KIB_PER_RESET = 40  # of a development build
PATH = "/sealward.v1.SigningService/GetSigningKey"
MESSAGE = b"\x0a\x16tenants/demo/keys/main"


def address(listen):
    host, _, port = listen.rpartition(":")
    return host, int(port)


def headers(stream, *more, scheme="https", te="trailers"):
    pairs = ((":method", "POST"), (":scheme", scheme), (":path", PATH), (":authority", "localhost"),
             ("content-type", "application/grpc"), ("te", te), *more)
    return http2.frame(http2.HEADERS, http2.END_HEADERS, stream,
                       b"".join(http2.literal(*pair) for pair in pairs))


def reset(stream):
    return http2.frame(RST_STREAM, 0, stream, struct.pack(">I", CANCEL))


class KnownAttacks(harness.Case):

    @classmethod
    def prepare(cls):
        harness.make_tenant(cls.server)
        make_issuer(cls.server, "login")
        make_key(cls.server, "main", "login")

    def connect(self):
        context = ssl.create_default_context(cafile=self.state.tls / "ca.pem")
        context.load_cert_chain(self.state.tls / "issuer.pem", self.state.tls / "issuer.key")
        context.set_alpn_protocols(["h2"])
        raw = socket.create_connection(address(self.server.ready["signing"]), timeout=30)
        return context.wrap_socket(raw, server_hostname="localhost")

    def attack(self, *frames):
        """Sends them and reads until the server hangs up or has nothing more to say."""
        with self.connect() as connection:
            connection.settimeout(2)
            with contextlib.suppress(OSError):
                connection.sendall(http2.opening())
                for each in frames:
                    connection.sendall(each)
                while connection.recv(65536):
                    pass

    def assert_serves(self):
        self.assertIsNone(self.server.process.poll(), self.server.log()[-2000:])
        self.assertEqual(sign(self.server, "main", claims("login"), timeout="30s").code, 0)

    def memory_kib(self):
        with open(f"/proc/{self.server.pid}/status", encoding="ascii") as file:
            return next(int(line.split()[1]) for line in file if line.startswith("VmRSS:"))

    def test_the_frames_are_understood(self):
        """The control: such a request, made right, is answered."""
        with self.connect() as connection:
            connection.settimeout(30)
            connection.sendall(http2.opening() + http2.request(1, PATH, MESSAGE))
            received = b""
            while b"grpc-status" not in received and b"application/grpc" not in received:
                chunk = connection.recv(65536)
                self.assertTrue(chunk, "no answer")
                received += chunk

    def test_cve_2023_1428_headers_that_abort(self):
        # Together with more than 8 KB of others, which makes it sum up their sizes.
        rest = [(f"x-{i}", "y" * 100) for i in range(100)]
        self.attack(headers(1, *rest, te="x"))
        self.assert_serves()
        self.attack(headers(1, *rest, scheme="x"))
        self.assert_serves()
        self.attack(headers(1, ("grpclb_client_stats", "x"), *rest))
        self.assert_serves()

    def test_cve_2023_32732_bin_headers_that_are_no_base64(self):
        for value in ("=", "a", "!!!!", "abc", "====", "a=b="):
            self.attack(headers(1, ("x-bin", value)))
        self.assert_serves()

    def test_cve_2023_33953_headers_without_end(self):
        before = self.memory_kib()
        start = http2.frame(http2.HEADERS, 0, 1, http2.literal("a", "b"))
        piece = http2.frame(CONTINUATION, 0, 1, http2.literal("x" * 100, "y" * 100) * 80)
        self.attack(start, *[piece] * 2000)  # 32 MB of header block
        # An HPACK integer that goes on and on: RFC 7541 section 5.1.
        self.attack(start, http2.frame(CONTINUATION, 0, 1, b"\x00\x7f" + b"\x80" * 16000))
        self.assert_serves()
        self.assertLess(self.memory_kib() - before, 64 * 1024)

    def test_cve_2023_44487_rapid_reset(self):
        before = self.memory_kib()
        self.attack(b"".join(headers(1 + 2 * i) + reset(1 + 2 * i) for i in range(RAPID_RESETS)))
        self.assert_serves()
        # 20 KB each until it catches up, so this says only that it does.
        self.assertLess(self.memory_kib() - before, RAPID_RESETS * MOST_KIB_PER_RESET)

    def test_cve_2023_4785_more_connections_than_descriptors(self):
        """A listener that runs out of descriptors does not come back in gRPC 1.51, so there are
        as many as the hard limit lets it have; and the other listeners go on."""
        limits = open(f"/proc/{self.server.pid}/limits", encoding="ascii").read()
        soft, hard = next(line.split()[3:5] for line in limits.splitlines()
                          if line.startswith("Max open files"))
        self.assertEqual(soft, hard)
        server = harness.Server(
            self.new_state(),
            preexec=lambda: resource.setrlimit(resource.RLIMIT_NOFILE, (256, 256)))
        with contextlib.ExitStack() as stack:
            for _ in range(400):
                with contextlib.suppress(OSError):
                    stack.enter_context(
                        socket.create_connection(address(server.ready["signing"]), timeout=2))
        self.assertIsNone(server.process.poll())
        wait_until(lambda: server.cli("admin", "status", check=False).code == 0,
                   "the server to be itself again")
        harness.make_tenant(server)
        self.assertEqual(make_issuer(server, "login")["name"], "tenants/demo/issuers/login")
        self.assertEqual(server.stop(), 0)


if __name__ == "__main__":
    harness.main()
