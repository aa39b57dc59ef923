"""Whom the server lets in: trust domains, denied certificates, certificates that are
replaced while it serves, and users of the machine."""

import os
import pathlib
import shutil
import signal
import socket
import ssl
import stat
import subprocess

import certificates
import harness
import http2
from certificates import HOUR, Ca
from harness import make_issuer, make_key, wait_until

READ_KEY = "/sealward.v1.SigningService/GetSigningKey"
MESSAGE = b"\x0a\x16tenants/demo/keys/main"


class Identity(harness.Case):

    @classmethod
    def make_state(cls, **keywords):
        state = super().make_state(**keywords)
        with open(state.dir / "server.toml", encoding="utf-8") as file:
            text = file.read()
        text = text.replace('trust_domain = "sealward.test"\n',
                            'trust_domain = "sealward.test"\nlocal_listen = "admin.sock"\n')
        (state.dir / "server.toml").write_text(text, encoding="utf-8")
        return state

    @classmethod
    def prepare(cls):
        cls.ca = Ca.load(cls.state.tls / "ca.pem", cls.state.tls / "ca.key")
        harness.make_tenant(cls.server)
        make_issuer(cls.server, "login")
        make_key(cls.server, "main", "login")

    def client(self, name):
        """A TLS connection to the signing listener; SSLError or OSError if refused."""
        host, _, port = self.server.ready["signing"].rpartition(":")
        context = ssl.create_default_context(cafile=self.state.tls / "roots.pem")
        context.load_cert_chain(self.state.tls / f"{name}.pem", self.state.tls / f"{name}.key")
        context.set_alpn_protocols(["h2"])
        connection = context.wrap_socket(socket.create_connection((host, int(port)), timeout=30),
                                         server_hostname="localhost")
        connection.sendall(http2.opening())
        self.addCleanup(connection.close)
        return connection

    def setUp(self):
        # What a client of these tests trusts: the CA that the server's certificate has.
        shutil.copy(self.state.tls / "ca.pem", self.state.tls / "roots.pem")

    def frames(self, connection):
        buffer = b""
        while True:
            while len(buffer) < 9 or len(buffer) < 9 + int.from_bytes(buffer[:3], "big"):
                more = connection.recv(65536)
                if not more:
                    raise ConnectionError("closed")
                buffer += more
            size = int.from_bytes(buffer[:3], "big")
            yield buffer[3], buffer[4], int.from_bytes(buffer[5:9], "big")
            buffer = buffer[9 + size:]

    def served(self, connection, stream):
        """Whether a call is answered with a message, and not with a status alone."""
        connection.sendall(http2.request(stream, READ_KEY, MESSAGE))
        data = False
        for kind, flags, number in self.frames(connection):
            data = data or (kind == http2.DATA and number == stream)
            if kind == http2.HEADERS and number == stream and flags & http2.END_STREAM:
                return data

    def comes_in(self, name):
        try:
            return self.served(self.client(name), 1)
        except (ssl.SSLError, OSError):
            return False

    def issue(self, name, uris=("spiffe://sealward.test/issuer",), ca=None, **keywords):
        (ca or self.ca).issue(self.state.tls, name, uris, **keywords)
        return name

    def test_who_is_let_in(self):
        other = Ca()
        for name, good in (
                (self.issue("good"), True),
                (self.issue("good-no-subject", subject=""), True),
                (self.issue("expired", dates=(-2 * HOUR, -HOUR)), False),
                (self.issue("not-yet", dates=(HOUR, 2 * HOUR)), False),
                (self.issue("wrong-ca", ca=other), False),
                (self.issue("wrong-domain", ("spiffe://other.test/issuer",)), False),
                (self.issue("no-san", ()), False),  # it is subject:CN=x, bound to nothing
                (self.issue("no-name", (), subject=""), False),
                (self.issue("two-sans", ("spiffe://sealward.test/issuer",
                                         "spiffe://sealward.test/viewer")), False),
                (self.issue("a-server", server=True), False)):
            with self.subTest(name=name):
                self.assertEqual(self.comes_in(name), good)

    def test_health_and_reflection_are_closed_to_them_too(self):
        # Refused in the handshake: not even a SETTINGS frame comes back.
        for name in (self.issue("foreign", ("spiffe://other.test/issuer",)),
                     self.issue("two", ("spiffe://sealward.test/a", "spiffe://sealward.test/b"))):
            with self.assertRaises((ssl.SSLError, OSError)):
                next(self.frames(self.client(name)))
        self.assertEqual(next(self.frames(self.client(self.issue("good"))))[0], http2.SETTINGS)
        # On record like every other refusal, with the certificate that was shown.
        fingerprint = certificates.fingerprint(self.state.tls / "foreign.pem")
        wait_until(lambda: any('"verb":"connect"' in line and fingerprint in line
                               for line in self.server.log().splitlines()), "the record")

    def test_a_subject_is_a_principal(self):
        self.issue("named", (), subject="named issuer")
        self.server.cli("admin", "bindings", "create", "demo/named", "--role", "token-issuer",
                        "--principal", "subject:CN=named issuer")
        self.assertTrue(self.comes_in("named"))

    def test_a_denied_certificate_is_out_on_its_open_connection_too(self):
        stolen, renewed = self.issue("stolen"), self.issue("renewed")
        connection = self.client(stolen)
        self.assertTrue(self.served(connection, 1))
        denied = self.server.cli("operator", "certificates", "deny", "--file",
                                 self.state.tls / "stolen.pem", check=False)
        self.assertEqual(denied.code, 3, denied)  # an operator of the tenant, not of the service
        self.server.cli("admin", "certificates", "deny", "--file", self.state.tls / "stolen.pem",
                        "--reason", "laptop lost")
        self.assertFalse(self.served(connection, 3))
        self.assertFalse(self.comes_in(stolen))
        self.assertTrue(self.comes_in(renewed))  # the same principal
        listed = self.server.cli("admin", "certificates", "list").data["deniedCertificates"]
        self.assertEqual([d["reason"] for d in listed], ["laptop lost"])
        digits = certificates.fingerprint(self.state.tls / "stolen.pem")
        colons = ":".join(digits[i:i + 2] for i in range(0, 64, 2)).upper()
        self.assertEqual(self.server.cli("admin", "certificates", "get", colons).data["denier"],
                         "spiffe://sealward.test/admin")
        self.server.cli("admin", "certificates", "readmit", digits)
        self.assertTrue(self.served(connection, 5))

    def test_nobody_denies_the_certificate_in_hand(self):
        own = self.server.cli("admin", "certificates", "deny", "--file",
                              self.state.tls / "admin.pem", check=False)
        self.assertEqual(own.error["reason"], "OWN_CERTIFICATE")
        self.server.cli("admin", "tenants", "list")

    def test_a_trust_domain_comes_changes_and_goes(self):
        partner, successor = Ca("Partner"), Ca("Successor")
        member = ("spiffe://partner.test/issuer",)
        for name, ca in (("old", partner), ("new", successor)):
            self.issue(name, member, ca=ca)
            (self.state.tls / f"{name}-ca.pem").write_bytes(ca.pem)
        self.server.cli("admin", "bindings", "create", "demo/partner", "--role", "token-issuer",
                        "--principal", member[0])
        self.assertFalse(self.comes_in("old"))
        self.server.cli("admin", "trust-domains", "create", "partner.test", "--bundle",
                        self.state.tls / "old-ca.pem")
        wait_until(lambda: self.comes_in("old"), "the new trust domain")
        connection = self.client("old")
        self.assertTrue(self.served(connection, 1))
        # A partner's CA cannot make up members of ours.
        self.assertFalse(self.comes_in(self.issue("forged", ca=partner)))
        self.server.cli("admin", "trust-domains", "update", "partner.test", "--bundle",
                        self.state.tls / "new-ca.pem")
        self.assertFalse(self.served(connection, 3))
        self.assertFalse(self.comes_in("old"))
        wait_until(lambda: self.comes_in("new"), "the new CA")
        connection = self.client("new")
        self.assertTrue(self.served(connection, 1))
        self.server.cli("admin", "trust-domains", "delete", "partner.test")
        self.assertFalse(self.served(connection, 3))
        self.assertFalse(self.comes_in("new"))

    def test_a_ca_of_a_bundle_need_not_be_a_root(self):
        # Trusting a partner's issuing CA must not mean trusting all that its root signs.
        root = Ca("Root")
        issuing = Ca("Issuing", above=root)
        sibling = Ca("Sibling", above=root)
        (self.state.tls / "issuing-ca.pem").write_bytes(issuing.pem)
        self.issue("member", ("spiffe://issuing.test/issuer",), ca=issuing)
        self.issue("cousin", ("spiffe://issuing.test/issuer",), ca=sibling)
        self.server.cli("admin", "bindings", "create", "demo/issuing", "--role", "token-issuer",
                        "--principal", "spiffe://issuing.test/issuer")
        self.server.cli("admin", "trust-domains", "create", "issuing.test", "--bundle",
                        self.state.tls / "issuing-ca.pem")
        wait_until(lambda: self.comes_in("member"), "the issuing CA", seconds=20)
        self.assertFalse(self.comes_in("cousin"))

    def test_a_private_key_in_a_bundle_is_refused_and_not_echoed(self):
        bad = self.server.cli("admin", "trust-domains", "create", "leak.test", "--bundle",
                              self.state.tls / "ca.key", check=False)
        self.assertEqual(bad.error["reason"], "CA_BUNDLE_INVALID")
        secret = (self.state.tls / "ca.key").read_text().splitlines()[1]
        self.assertNotIn(secret, bad.err + self.server.log())

    def server_certificate(self, listen="signing"):
        host, _, port = self.server.ready[listen].removeprefix("https://").rpartition(":")
        context = ssl.create_default_context(cafile=self.state.tls / "ca.pem")
        context.load_cert_chain(self.state.tls / "admin.pem", self.state.tls / "admin.key")
        context.set_alpn_protocols(["h2", "http/1.1"])
        with socket.create_connection((host, int(port)), timeout=30) as raw:
            with context.wrap_socket(raw, server_hostname="localhost") as tls:
                return tls.getpeercert(binary_form=True)

    def alarms(self):
        return self.server.log().count('"tls_reload_failed"')

    def test_certificates_reload_and_the_last_good_ones_stay(self):
        for name, listens in (("server", ("signing", "admin")), ("jwks", ("https", "metrics"))):
            with self.subTest(name=name):
                before = self.server_certificate(listens[0])
                alarms = self.alarms()
                path = self.state.tls / f"{name}.pem"
                path.write_text("garbage", encoding="utf-8")
                wait_until(lambda: self.alarms() > alarms, "the alarm")
                self.assertIn(str(path), self.server.log())
                for listen in listens:
                    self.assertEqual(self.server_certificate(listen), before)
                alarms = self.alarms()
                # A certificate whose key is another one, and one that has expired.
                self.issue(name, server=True, dates=(-2 * HOUR, -HOUR))
                wait_until(lambda: self.alarms() > alarms, "the second alarm")
                self.assertEqual(self.server_certificate(listens[0]), before)
                self.issue(name, server=True)
                for listen in listens:
                    wait_until(lambda: self.server_certificate(listen) != before, "the new one")
                self.assertIn('"tls_reload_recovered"', self.server.log())
                self.server.cli("admin", "tenants", "list")

    def test_a_bundle_that_is_removed_or_bad_changes_nothing(self):
        path = self.state.tls / "ca.pem"
        good = path.read_bytes()
        for break_it in (path.unlink, lambda: path.write_text("garbage", encoding="utf-8")):
            alarms = self.alarms()
            break_it()
            wait_until(lambda: self.alarms() > alarms, "the alarm")
            self.assertTrue(self.comes_in(self.issue("good")))
        # Another CA beside the old one, then alone.
        extra = Ca("Extra")
        self.issue("extra", ca=extra)
        path.write_bytes(good + extra.pem)
        wait_until(lambda: self.comes_in("extra"), "the added CA")
        self.assertTrue(self.comes_in("good"))
        path.write_bytes(good)
        wait_until(lambda: not self.comes_in("extra"), "the CA is gone")
        self.assertTrue(self.comes_in("good"))

    def test_production_refuses_a_development_ca(self):
        state = self.make_state(make_partition=False)
        config = state.dir / "server.toml"
        config.write_text(config.read_text().replace('"development"', '"production"'))
        server = harness.Server(state, wait=False)
        self.assertEqual(server.process.wait(timeout=harness.PATIENCE_S), 78)
        self.assertIn("development CA", server.log())

    def local(self, uid, *arguments):
        """Runs the CLI on the UNIX socket as another user of the socket's group."""
        def become():
            os.setgroups([])
            os.setuid(uid)
        target = f"unix:{self.state.dir}/admin.sock"
        done = subprocess.run(
            [harness.BIN / "sealward", "--server", target, "-o", "json", *arguments],
            capture_output=True, text=True, timeout=harness.PATIENCE_S, check=False,
            preexec_fn=become if uid != os.getuid() else None)
        return harness.Result(done)

    def test_the_socket_knows_its_callers_by_their_user(self):
        socket_mode = (self.state.dir / "admin.sock").stat().st_mode
        self.assertTrue(stat.S_ISSOCK(socket_mode))
        self.assertEqual(stat.S_IMODE(socket_mode), 0o660)
        own = os.getuid()
        uids = [own, 4242] if own == 0 else [own]
        for uid in uids:
            self.assertEqual(self.local(uid, "tenants", "list").code, 3)  # bound to nothing
        self.server.cli("admin", "bindings", "create", f"local-{own}", "--role", "admin",
                        "--principal", f"uid:{own}")
        self.assertEqual(self.local(own, "tenants", "get", "demo").data["name"], "tenants/demo")
        for uid in uids[1:]:
            self.assertEqual(self.local(uid, "tenants", "list").code, 3)
        # Admin services only.
        self.assertNotEqual(self.local(own, "jwt", "sign", "demo/main", "--claims",
                                       "/dev/null").code, 0)

    def test_a_killed_servers_socket_is_replaced_and_a_live_ones_is_not(self):
        state = self.make_state()
        first = harness.Server(state)
        path = pathlib.Path(state.dir / "admin.sock")
        second = harness.Server(state, wait=False)
        self.assertNotEqual(second.process.wait(timeout=harness.PATIENCE_S), 0)
        first.stop(signal.SIGKILL)
        self.assertTrue(path.exists())
        again = harness.Server(state)
        self.assertEqual(again.stop(), 0)
        self.assertFalse(path.exists())


if __name__ == "__main__":
    harness.main()
