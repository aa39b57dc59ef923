"""Rules for sub and jti, from the flag of the CLI to the refusal of a JWT."""

import harness
from harness import claims, make_issuer, make_key, sign


class ClaimRules(harness.Case):

    @classmethod
    def prepare(cls):
        harness.make_tenant(cls.server)
        make_issuer(cls.server, "login")
        cls.key = make_key(cls.server, "main", "login", "ES256", "--subject-prefix", "user:",
                           "--subject-prefix", "svc/", "--require-subject", "--require-jti")

    def test_the_key_shows_its_rules(self):
        rules = {"subjectRequired": True, "subjectPrefixes": ["user:", "svc/"],
                 "jwtIdRequired": True}
        self.assertEqual(self.key["scope"]["claimRules"], rules)
        shown = self.server.cli("viewer", "keys", "get", "demo/main")
        self.assertEqual(shown.data["scope"]["claimRules"], rules)
        text = self.server.cli("viewer", "keys", "get", "demo/main", json_output=False).out
        self.assertRegex(text, r"Subject +required, begins with user: or svc/\n")
        self.assertRegex(text, r"JWT id +required\n")

    def test_what_keeps_them_is_signed(self):
        for subject in ("user:alice", "svc/mail"):
            sign(self.server, "main", claims("login", sub=subject, jti="1"))

    def test_what_breaks_one_is_refused(self):
        for more, claim in (({"sub": "root", "jti": "1"}, "sub"), ({"sub": "user:", "jti": "1"}, "sub"),
                            ({"sub": "", "jti": "1"}, "sub"), ({"sub": "user:a", "jti": ""}, "jti"),
                            ({"sub": "user:a"}, "jti"), ({"jti": "1"}, "sub"),
                            ({"sub": "user:a", "jti": "1", "iat": 0}, "iat")):
            with self.subTest(more):
                asked = claims("login")
                del asked["sub"]
                refused = sign(self.server, "main", asked | more, check=False)
                self.assertEqual(refused.error.get("reason"), "CLAIMS_OUT_OF_SCOPE", refused)
                self.assertIn(claim, refused.error["message"])
                self.assertNotIn("root", refused.error["message"])

    def test_rules_that_are_none_are_refused(self):
        make_issuer(self.server, "other")
        for flags in (("--subject-prefix", ""), ("--subject-prefix", "x" * 257),
                      ("--subject-prefix", "a", "--subject-prefix", "a")):
            with self.subTest(flags):
                refused = self.server.cli(
                    "operator", "keys", "create", "demo/x", "--issuer", "other", "--algorithm",
                    "ES256", "--audience", harness.AUDIENCE, *flags, check=False)
                self.assertEqual(refused.error.get("reason"), "SCOPE_INVALID", refused)


if __name__ == "__main__":
    harness.main()
