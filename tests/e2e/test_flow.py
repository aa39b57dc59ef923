"""The main job: a JWT signed inside the HSM, published, verified elsewhere."""

import base64
import json

import harness
import validators
from harness import AUDIENCE, claims, header_of, issuer_url, make_issuer, make_key, sign

ALGORITHMS = {
    "ES256": ("ES256", "EC"),
    "RS256-2048": ("RS256", "RSA"),
    "RS256-3072": ("RS256", "RSA"),
    "RS256-4096": ("RS256", "RSA"),
    "EdDSA": ("EdDSA", "OKP"),
}
PRIVATE_MEMBERS = {"d", "p", "q", "dp", "dq", "qi", "oth", "k", "priv"}


class Flow(harness.Case):

    @classmethod
    def prepare(cls):
        harness.make_tenant(cls.server)

    def assert_accepted_everywhere(self, jwks_uri, url, token):
        """Three independent validators, each fetching by itself."""
        jose = validators.Jose(self.state, jwks_uri, url)
        self.assertEqual(jose.check(token)["iss"], url)
        self.assertEqual(jose.close(), 0)
        self.assertEqual(validators.PyJwt(self.state, jwks_uri, url).check(token)["iss"], url)
        jwks, _ = validators.fetch(self.state, jwks_uri)
        self.assertEqual(validators.check_with_jwcrypto(jwks, token, url)["iss"], url)

    def test_every_algorithm_is_accepted_by_independent_validators(self):
        # Without this a JWT that only our own verifier likes would pass.
        for name, (alg, kty) in ALGORITHMS.items():
            with self.subTest(algorithm=name):
                issuer = "flow-" + name.lower()
                jwks_uri = make_issuer(self.server, issuer)["jwksUri"]
                make_key(self.server, issuer, issuer, name)
                jwt = sign(self.server, issuer, claims(issuer)).data
                header = header_of(jwt["jwt"])
                self.assertEqual(header, {"alg": alg, "kid": jwt["kid"], "typ": "JWT"})
                jwks = json.loads(validators.fetch(self.state, jwks_uri)[0])
                published = [k for k in jwks["keys"] if k["kid"] == jwt["kid"]]
                self.assertEqual([k["kty"] for k in published], [kty])
                self.assert_accepted_everywhere(jwks_uri, issuer_url(issuer), jwt["jwt"])

    def test_the_jwks_holds_public_members_only(self):
        jwks_uri = make_issuer(self.server, "public-only")["jwksUri"]
        make_key(self.server, "public-only", "public-only", "RS256-2048")
        body, headers = validators.fetch(self.state, jwks_uri)
        self.assertEqual(headers.get_content_type(), "application/jwk-set+json")
        for key in json.loads(body)["keys"]:
            self.assertFalse(PRIVATE_MEMBERS & set(key))
            self.assertEqual(key["use"], "sig")

    def test_claims_are_signed_byte_for_byte(self):
        # A DOM on the way would reorder members and change numbers.
        make_issuer(self.server, "verbatim")
        make_key(self.server, "verbatim", "verbatim")
        now = claims("verbatim")["exp"]
        text = ('{ "z":1.10, "aud":"%s",\t"iss":"%s","exp":%d,"a":"\\u00e9\u00e9" }'
                % (AUDIENCE, issuer_url("verbatim"), now))
        jwt = self.server.cli("issuer", "jwt", "sign", "demo/verbatim", "--claims", "-",
                              stdin=text).data["jwt"]
        payload = jwt.split(".")[1]
        self.assertEqual(base64.urlsafe_b64decode(payload + "=" * (-len(payload) % 4)).decode(),
                         text)

    def test_a_forged_jwt_is_refused_by_every_validator(self):
        # The positive control of the validators: they do check.
        jwks_uri = make_issuer(self.server, "forged")["jwksUri"]
        make_key(self.server, "forged", "forged")
        jwt = sign(self.server, "forged", claims("forged")).data["jwt"]
        head, payload, signature = jwt.split(".")
        flipped = ("B" if signature[10] == "A" else "A")
        forged = f"{head}.{payload}.{signature[:10]}{flipped}{signature[11:]}"
        jose = validators.Jose(self.state, jwks_uri, issuer_url("forged"))
        with self.assertRaises(AssertionError):
            jose.check(forged)
        jose.close()
        with self.assertRaises(Exception):
            validators.PyJwt(self.state, jwks_uri, issuer_url("forged")).check(forged)

    def test_the_cli_prints_only_the_jwt(self):
        # Pipelines take standard output as the JWT.
        make_issuer(self.server, "pipe")
        make_key(self.server, "pipe", "pipe")
        result = sign(self.server, "pipe", claims("pipe"), json_output=False)
        self.assertRegex(result.out, r"\A[\w-]+\.[\w-]+\.[\w-]+\n\Z")
        self.assertEqual(result.err, "")

    def test_signing_key_names_the_version_that_signs(self):
        make_issuer(self.server, "current")
        make_key(self.server, "current", "current")
        key = self.server.cli("issuer", "signing-key", "demo/current").data
        jwt = sign(self.server, "current", claims("current")).data
        self.assertEqual(key["kid"], jwt["kid"])
        self.assertEqual(key["version"], "tenants/demo/keys/current/versions/1")

    def test_a_permitted_typ_is_used_and_another_refused(self):
        make_issuer(self.server, "typed")
        make_key(self.server, "typed", "typed", "ES256", "--typ", "at+jwt", "--typ", "JWT")
        self.assertEqual(header_of(sign(self.server, "typed", claims("typed")).data["jwt"])["typ"],
                         "at+jwt")
        refused = self.server.cli("issuer", "jwt", "sign", "demo/typed", "--claims", "-", "--typ",
                                  "secevent+jwt", stdin=json.dumps(claims("typed")), check=False)
        self.assertEqual((refused.code, refused.error["reason"]), (4, "CLAIMS_OUT_OF_SCOPE"))

    def test_discovery_points_to_the_jwks(self):
        issuer = make_issuer(self.server, "discovery")
        make_key(self.server, "discovery", "discovery")
        url = issuer["jwksUri"].removesuffix("jwks.json") + ".well-known/openid-configuration"
        document = json.loads(validators.fetch(self.state, url)[0])
        self.assertEqual(document["issuer"], issuer_url("discovery"))
        self.assertEqual(document["jwks_uri"], issuer["jwksUri"])


if __name__ == "__main__":
    harness.main()
