"""Bad input: a clear error that names what is wrong, and nothing signed."""

import json
import subprocess

import harness
from harness import AUDIENCE, claims, issuer_url, make_issuer, make_key

INVALID = (2, "CLAIMS_INVALID")
OUT_OF_SCOPE = (4, "CLAIMS_OUT_OF_SCOPE")


class BadClaims(harness.Case):

    @classmethod
    def prepare(cls):
        harness.make_tenant(cls.server)
        make_issuer(cls.server, "login")
        make_key(cls.server, "main", "login", "ES256", "--max-jwt-lifetime", "1h")

    def refuse(self, text):
        result = self.server.cli("issuer", "jwt", "sign", "demo/main", "--claims", "-", stdin=text,
                                 check=False)
        self.assertEqual(result.out, "")
        return (result.code, result.error.get("reason")), result.error.get("message", "")

    def good(self, **more):
        return claims("login") | more

    def test_the_good_claims_of_these_tests_are_good(self):
        # The positive control: what follows is refused for its one fault.
        harness.sign(self.server, "main", self.good())

    def test_malformed_claims(self):
        good = json.dumps(self.good())
        deep = json.dumps(self.good())[:-1] + ',"x":' + "[" * 20 + "]" * 20 + "}"
        table = {
            "no JSON": "hello",
            "empty": "",
            "an array": f"[{good}]",
            "a number": "1",
            "two objects": good + good,
            "cut off": good[:-1],
            "a member twice": good[:-1] + ',"sub":"other"}',
            "a member twice by an escape": good[:-1] + ',"s\\u0075b":"other"}',
            "a nested member twice": good[:-1] + ',"x":{"a":1,"a":2}}',
            "a byte order mark": b"\xef\xbb\xbf" + good.encode(),
            "invalid UTF-8": good.encode()[:-1] + b',"x":"\xff"}',
            "an overlong encoding": good.encode()[:-1] + b',"x":"\xc0\xaf"}',
            "a lone surrogate": good.encode()[:-1] + b',"x":"\xed\xa0\x80"}',
            "a NUL": good.encode()[:-1] + b',"x":"\x00"}',
            "too deep": deep,
            "exp as text": json.dumps(self.good(exp="1")),
            "exp negative": json.dumps(self.good(exp=-1)),
            "exp beyond 2^53": json.dumps(self.good(exp=2**53 + 2)),
            "exp null": json.dumps(self.good(exp=None)),
            "exp true": json.dumps(self.good(exp=True)),
            "exp infinite": good[:-1] + ',"exp":1e999}',
            "NaN": good[:-1] + ',"x":NaN}',
            "nbf as text": json.dumps(self.good(nbf="1")),
            "iat an array": json.dumps(self.good(iat=[1])),
            "iss a number": json.dumps(self.good(iss=1)),
            "sub an object": json.dumps(self.good(sub={})),
            "aud a number": json.dumps(self.good(aud=7)),
            "aud with a number": json.dumps(self.good(aud=[AUDIENCE, 7])),
            "over 64 KiB": json.dumps(self.good(pad="x" * 65536)),
        }
        for what, text in table.items():
            with self.subTest(what):
                outcome, message = self.refuse(text)
                self.assertEqual(outcome, INVALID, message)
                self.assertTrue(message)

    def test_claims_out_of_scope(self):
        now = self.good()["iat"]
        table = {
            "another issuer": self.good(iss="https://other.test"),
            "an issuer with a slash more": self.good(iss=issuer_url("login") + "/"),
            "another audience": self.good(aud="https://other.test"),
            "an audience too many": self.good(aud=[AUDIENCE, "https://other.test"]),
            "no audience": {k: v for k, v in self.good().items() if k != "aud"},
            "an empty audience": self.good(aud=[]),
            "no exp": {k: v for k, v in self.good().items() if k != "exp"},
            "expired": self.good(exp=now - 1),
            "a lifetime too long": self.good(exp=now + 2 * 3600),
            "from the future": self.good(nbf=now + 1800, exp=now + 3000),
        }
        for what, claim_set in table.items():
            with self.subTest(what):
                outcome, message = self.refuse(json.dumps(claim_set))
                self.assertEqual(outcome, OUT_OF_SCOPE, message)
                # The rule, never the value: messages end up in logs.
                self.assertNotIn("other.test", message)

    def test_the_longest_claims_are_signed(self):
        head = json.dumps(self.good(pad=""))
        text = json.dumps(self.good(pad="x" * (65536 - len(head))))
        self.assertEqual(len(text), 65536)
        self.server.cli("issuer", "jwt", "sign", "demo/main", "--claims", "-", stdin=text)

    def test_the_server_goes_on_after_all_that(self):
        harness.sign(self.server, "main", self.good())


class BadRequests(harness.Case):

    @classmethod
    def prepare(cls):
        harness.make_tenant(cls.server)
        make_issuer(cls.server, "login")
        make_key(cls.server, "main", "login")

    def outcome(self, role, *arguments, **keywords):
        result = self.server.cli(role, *arguments, check=False, **keywords)
        return result.code, result.error.get("reason")

    def test_what_exists_already_is_not_made_again(self):
        # The same id, and the same iss URL under another name: whose would a JWT be?
        self.assertEqual(self.outcome("admin", "tenants", "create", "demo")[0], 4)
        self.assertEqual(self.outcome("admin", "issuers", "create", "demo/again", "--issuer-url",
                                      issuer_url("login"))[0], 4)
        self.assertEqual(self.outcome("operator", "keys", "create", "demo/main", "--issuer",
                                      "login", "--algorithm", "ES256", "--audience", AUDIENCE)[0],
                         4)

    def test_an_issuer_that_is_not_shared_takes_one_key(self):
        self.assertEqual(
            self.outcome("operator", "keys", "create", "demo/second", "--issuer", "login",
                         "--algorithm", "ES256", "--audience", AUDIENCE),
            (4, "ISSUER_NOT_SHARED"))

    def test_issuer_urls_and_cache_promises_are_checked(self):
        for url in ("http://plain.test", "https://with.test?query", "https://with.test#fragment",
                    "not a url", "https://" + "x" * 600):
            with self.subTest(url):
                self.assertEqual(self.outcome("admin", "issuers", "create", "demo/bad",
                                              "--issuer-url", url), (2, "ISSUER_URL_INVALID"))
        for flags in (("--max-age", "25h"), ("--max-age", "10m", "--propagation-time", "5m"),
                      ("--propagation-time", "31d")):
            with self.subTest(flags):
                self.assertEqual(self.outcome("admin", "issuers", "create", "demo/bad",
                                              "--issuer-url", "https://bad.test", *flags),
                                 (2, "CACHE_PROMISE_INVALID"))

    def test_scopes_are_checked(self):
        for flags in (("--audience", ""), ("--audience", "x" * 513),
                      ("--audience", AUDIENCE, "--typ", "bad typ"),
                      ("--audience", AUDIENCE, "--max-jwt-lifetime", "31d")):
            with self.subTest(flags):
                self.assertEqual(self.outcome("operator", "keys", "create", "demo/bad", "--issuer",
                                              "login", "--algorithm", "ES256", *flags)[0], 2)

    def test_the_last_admin_stays(self):
        # Otherwise nobody could ever grant a role again.
        self.assertEqual(self.outcome("admin", "bindings", "delete", "first-admin"),
                         (4, "LAST_ADMIN"))

    def test_an_admin_of_a_tenant_does_not_exist(self):
        self.assertEqual(self.outcome("admin", "bindings", "create", "demo/boss", "--role",
                                      "admin", "--principal", "spiffe://sealward.test/x"),
                         (2, "ROLE_INVALID"))


class AlgorithmUnavailable(harness.Case):
    """A partition that lacks an algorithm: SoftHSM2 with a list of mechanisms."""

    start_server = False

    def test_the_error_says_so_and_the_others_work(self):
        state = self.new_state()
        config = state.partition / "softhsm2.conf"
        text = config.read_text(encoding="utf-8")
        self.assertIn("slots.mechanisms = ALL", text)
        with open(config, "r+", encoding="utf-8") as file:
            file.write(text.replace("slots.mechanisms = ALL",
                                    "slots.mechanisms = CKM_EC_KEY_PAIR_GEN,CKM_ECDSA"))
            file.truncate()
        server = harness.Server(state)
        harness.make_tenant(server)
        make_issuer(server, "login")
        refused = server.cli("operator", "keys", "create", "demo/ed", "--issuer", "login",
                             "--algorithm", "EdDSA", "--audience", AUDIENCE, check=False)
        self.assertEqual((refused.code, refused.error["reason"]), (4, "ALGORITHM_UNAVAILABLE"))
        self.assertNotIn("ALGORITHM_EDDSA_ED25519",
                         server.cli("admin", "status").data["partition"]["algorithms"])
        make_key(server, "main", "login")
        harness.sign(server, "main", claims("login"))
        self.assertEqual(server.stop(), 0)


class Cli(harness.Case):
    """What the CLI itself says; no server."""

    start_server = False

    def run_cli(self, *arguments):
        return subprocess.run([harness.BIN / "sealward", *arguments], capture_output=True,
                              text=True, timeout=60, check=False)

    def test_nobody_listens(self):
        state = self.new_state(make_partition=False, make_store=False)
        tls = [f"--{flag}={state.tls}/{name}" for flag, name in
               (("ca", "ca.pem"), ("cert", "admin.pem"), ("key", "admin.key"))]
        done = self.run_cli("status", "--server", "127.0.0.1:1", *tls)
        self.assertEqual(done.returncode, 5)
        self.assertIn("127.0.0.1:1", done.stderr)
        self.assertIn("check that sealward-server runs", done.stderr)


if __name__ == "__main__":
    harness.main()
