"""Algorithms change by rotation, and raw keys sign for openssl.

If these go, a team that moves from one algorithm to another has JWTs refused on the way, and a
certificate or image that was signed here cannot be verified by anybody's tools.
"""

import base64
import hashlib
import json
import subprocess

import harness
import jwt as pyjwt
import validators
from harness import claims, header_of, issuer_url, make_issuer, make_key, sign, wait_until
from jwcrypto import jwk


class Migration(harness.Case):
    start_server = False

    def setUp(self):
        self.state = self.new_state(short_margins=True)
        self.server = harness.Server(self.state)
        harness.make_tenant(self.server)

    def published(self):
        return json.loads(validators.fetch(self.state, self.jwks_uri)[0])["keys"]

    def verifies(self, token):
        keys = {key["kid"]: key for key in self.published()}
        key = keys[header_of(token)["kid"]]
        pyjwt.decode(token, pyjwt.PyJWK(key).key, algorithms=[key["alg"]],
                     audience=harness.AUDIENCE, issuer=issuer_url("login"))

    def test_old_and_new_are_published_together_and_no_jwt_is_refused(self):
        self.jwks_uri = make_issuer(self.server, "login", "--max-age", "1s",
                                    "--propagation-time", "2s")["jwksUri"]
        make_key(self.server, "main", "login", "ES256", "--max-jwt-lifetime", "1h")
        first = sign(self.server, "main", claims("login")).data["jwt"]
        self.server.cli("operator", "keys", "update", "demo/main", "--algorithm", "PS256-2048")

        def signs_with_the_new_one():
            # The successor that was staged before is of the old algorithm, the next one new.
            self.server.cli("operator", "keys", "rotate", "demo/main", check=False)
            token = sign(self.server, "main", claims("login")).data["jwt"]
            self.verifies(token)
            return token if header_of(token)["alg"] == "PS256" else None

        second = wait_until(signs_with_the_new_one, "a JWT of the new algorithm", 120)
        self.assertGreaterEqual({key["alg"] for key in self.published()}, {"ES256", "PS256"})
        for token in (first, second):
            self.verifies(token)


class RawKeys(harness.Case):

    @classmethod
    def prepare(cls):
        harness.make_tenant(cls.server)
        cls.jwks_uri = make_issuer(cls.server, "login")["jwksUri"]
        make_key(cls.server, "main", "login")
        for name, algorithm in (("images", "ES384"), ("packages", "PS256-2048"),
                                ("documents", "RS512-2048")):
            cls.server.cli("operator", "keys", "create", f"demo/{name}", "--purpose", "raw",
                           "--algorithm", algorithm, "--retire-after", "30d",
                           "--propagation-time", "0s")

    def raw(self, key, *arguments, **keywords):
        return self.server.cli("issuer", "raw", "sign", f"demo/{key}", *arguments, **keywords)

    def openssl(self, key, hash_name, message, signature, *options):
        """Whether openssl verifies the signature with the key that Sealward names."""
        told = self.server.cli("issuer", "signing-key", f"demo/{key}").data["jwk"]
        members = {k: v for k, v in told.items() if k in ("kty", "crv", "x", "y", "n", "e") and v}
        directory = self.state.dir / "openssl"
        directory.mkdir(exist_ok=True)
        files = {"pem": jwk.JWK(**members).export_to_pem(), "sig": signature, "msg": message}
        for name, content in files.items():
            (directory / name).write_bytes(content)
        done = subprocess.run(
            ["openssl", "dgst", f"-{hash_name}", *options, "-verify", directory / "pem",
             "-signature", directory / "sig", directory / "msg"], capture_output=True, check=False)
        return done.returncode == 0

    def test_openssl_verifies_what_was_signed(self):
        message = b"an image\n"
        cases = (("images", "sha384", ("--encoding", "der"), ()),
                 ("documents", "sha512", (), ()),
                 ("packages", "sha256", (), ("-sigopt", "rsa_padding_mode:pss", "-sigopt",
                                             "rsa_pss_saltlen:32")),
                 ("packages", "sha256", ("--pss-salt", "0"),
                  ("-sigopt", "rsa_padding_mode:pss", "-sigopt", "rsa_pss_saltlen:0")))
        for key, hash_name, flags, options in cases:
            digest = hashlib.new(hash_name, message).hexdigest()
            for given in (("--message", "-"), ("--digest", digest)):
                with self.subTest(key=key, flags=flags, given=given[0]):
                    signed = self.raw(key, *given, *flags, stdin=message.decode())
                    signature = base64.b64decode(signed.data["signature"])
                    self.assertTrue(self.openssl(key, hash_name, message, signature, *options))
                    self.assertFalse(self.openssl(key, hash_name, b"other", signature, *options))

    def test_the_signature_goes_to_a_file_too(self):
        out = self.state.dir / "image.sig"
        signed = self.raw("images", "--message", "-", "--out", str(out), stdin="x")
        self.assertEqual(out.read_bytes(), base64.b64decode(signed.data["signature"]))

    def test_each_door_takes_its_own_keys(self):
        self.assertEqual(self.raw("main", "--message", "-", stdin="x", check=False)
                         .error.get("reason"), "PURPOSE_MISMATCH")
        self.assertEqual(sign(self.server, "images", claims("login"), check=False)
                         .error.get("reason"), "PURPOSE_MISMATCH")
        kids = {key["kid"] for key in
                json.loads(validators.fetch(self.state, self.jwks_uri)[0])["keys"]}
        told = self.server.cli("issuer", "signing-key", "demo/images").data
        self.assertNotIn(told["kid"], kids)

    def test_a_raw_key_rotates_and_shows_what_it_promises(self):
        shown = self.server.cli("viewer", "keys", "get", "demo/images", json_output=False).out
        self.assertRegex(shown, r"Purpose +raw: any bytes, no JWTs, in no JWKS\n")
        self.assertRegex(shown, r"Retire after +30d\n")
        before = self.server.cli("issuer", "signing-key", "demo/images").data["kid"]
        said = self.server.cli("operator", "keys", "rotate", "demo/images", json_output=False).out
        self.assertRegex(said, r"stays VERIFY_ONLY for signatures that still count")
        self.assertNotIn("JWKS", said)
        wait_until(lambda: self.server.cli("issuer", "signing-key", "demo/images").data["kid"]
                   != before, "another version that signs", 60)
        states = [version["state"] for version in
                  self.server.cli("viewer", "keys", "versions", "demo/images").data["keyVersions"]]
        self.assertIn("VERIFY_ONLY", states)

    def test_mistakes_are_explained(self):
        for arguments, says in (
                ((), "either --message or --digest"),
                (("--message", "-", "--digest", "00"), "either --message or --digest"),
                (("--digest", "xyz"), "hexadecimal"),
                (("--message", "/no/such/file"), "/no/such/file"),
                (("--message", "/"), "cannot read /"),  # not the signature of nothing
                (("--message", "-", "--encoding", "pem"), "p1363, der")):
            with self.subTest(arguments):
                refused = self.raw("images", *arguments, stdin="x", check=False)
                self.assertEqual(refused.code, 2, refused)
                self.assertIn(says, refused.err)
        short = self.raw("images", "--digest", "00" * 32, check=False)
        self.assertEqual(short.error.get("reason"), "RAW_INPUT_INVALID", short)
        for flags, says in ((("--purpose", "raw"), "--retire-after"),
                            (("--purpose", "raw", "--issuer", "login", "--retire-after", "1d"),
                             "--issuer"),
                            (("--issuer", "login"), "--audience"),
                            (("--purpose", "cooked"), "jwt, raw")):
            with self.subTest(flags):
                refused = self.server.cli("operator", "keys", "create", "demo/x", "--algorithm",
                                          "ES256", *flags, check=False)
                self.assertEqual(refused.code, 2, refused)
                self.assertIn(says, refused.err)


if __name__ == "__main__":
    harness.main()
