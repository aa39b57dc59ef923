"""Rotation while JWTs are being signed and verified: not one is rejected."""

import json
import urllib.error
import urllib.request

import harness
import validators
from harness import claims, issuer_url, make_issuer, make_key, sign, wait_until
from load import Load

ROTATIONS = 4


class Rotation(harness.Case):

    @classmethod
    def prepare(cls):
        harness.make_tenant(cls.server)

    def make(self, name, *flags, max_age="1s", propagation="2s"):
        """An issuer with a short cache promise, and its key."""
        jwks_uri = make_issuer(self.server, name, "--max-age", max_age, "--propagation-time",
                               propagation, *flags)["jwksUri"]
        make_key(self.server, name, name)
        return jwks_uri

    def versions(self, key):
        listed = self.server.cli("viewer", "keys", "versions", f"demo/{key}").data["keyVersions"]
        return {int(v["name"].rpartition("/")[2]): v for v in listed}

    def signing_version(self, key):
        name = self.server.cli("viewer", "keys", "get", f"demo/{key}").data["signingVersion"]
        return int(name.rpartition("/")[2])

    def rotate_and_wait(self, key):
        """Rotates as soon as that is possible; returns when the successor signs."""
        before = self.signing_version(key)

        def rotated():
            return self.server.cli("operator", "keys", "rotate", f"demo/{key}",
                                   check=False).code == 0

        wait_until(rotated, "a successor to rotate to")
        wait_until(lambda: self.signing_version(key) > before, "the switch")

    def signatures(self):
        return sum(int(p["signatures"]) for p in self.server.hsm_processes())

    def test_no_jwt_is_rejected_while_keys_rotate(self):
        # The promise that the whole service is about. The validator keeps every
        # JWKS exactly as long as Cache-Control says and never refetches sooner.
        jwks_uri = self.make("load")
        validator = validators.Tally(self.state, jwks_uri, issuer_url("load"))
        load = Load(self.server, "load", "load", stdout=validator.input)
        validator.input.close()
        for _ in range(ROTATIONS):
            self.rotate_and_wait("load")
            seen = self.signatures()
            wait_until(lambda seen=seen: self.signatures() > seen + 100, "the version to sign")
        counts = load.stop()
        tally = validator.finish()
        self.assertEqual(tally["errors"], [])
        self.assertEqual((tally["refused"], tally["expired"]), (0, 0))
        self.assertEqual(counts["failed"], {})
        self.assertEqual(tally["accepted"], counts["signed"])
        # Every version signed: the rotations did happen under load.
        self.assertEqual(len(tally["kids"]), ROTATIONS + 1, tally["kids"])
        self.assertGreater(counts["signed"], 100)

    def test_the_validators_own_caches_follow(self):
        # PyJWT keeps its set and refetches on an unknown kid.
        jwks_uri = self.make("habits")
        pyjwt = validators.PyJwt(self.state, jwks_uri, issuer_url("habits"))
        for _ in range(2):
            for _ in range(5):
                pyjwt.check(sign(self.server, "habits", claims("habits")).data["jwt"])
            self.rotate_and_wait("habits")
        pyjwt.check(sign(self.server, "habits", claims("habits")).data["jwt"])

    def test_old_jwts_stay_valid_after_the_switch(self):
        jwks_uri = self.make("old-jwt")
        old = sign(self.server, "old-jwt", claims("old-jwt")).data["jwt"]
        self.rotate_and_wait("old-jwt")
        jose = validators.Jose(self.state, jwks_uri, issuer_url("old-jwt"), mode="strict")
        jose.check(old)
        jose.check(sign(self.server, "old-jwt", claims("old-jwt")).data["jwt"])
        jose.close()
        states = {n: v["state"] for n, v in self.versions("old-jwt").items()}
        self.assertEqual((states[1], states[2]), ("VERIFY_ONLY", "ACTIVE"))

    def test_states_follow_the_stored_times(self):
        self.make("states")
        wait_until(lambda: len(self.versions("states")) >= 2, "a successor")
        wait_until(lambda: self.versions("states")[2]["state"] == "STANDBY", "STANDBY")
        versions = self.versions("states")
        self.assertEqual(versions[1]["state"], "ACTIVE")
        self.assertLess(versions[2]["publishTime"], versions[2]["standbyTime"])
        self.assertNotIn("activateTime", versions[2])

    def test_validate_only_changes_nothing(self):
        self.make("preview")
        wait_until(lambda: len(self.versions("preview")) >= 2
                   and self.versions("preview")[2]["state"] == "STANDBY", "STANDBY")
        etag = self.server.cli("viewer", "keys", "get", "demo/preview").data["etag"]
        answer = self.server.cli("operator", "keys", "rotate", "demo/preview", "--validate-only")
        self.assertIn("switchTime", answer.data)
        self.assertEqual(self.signing_version("preview"), 1)
        self.assertEqual(self.server.cli("viewer", "keys", "get", "demo/preview").data["etag"],
                         etag)

    def test_a_planned_switch_is_not_planned_twice(self):
        # A long propagation time: the successor is STAGED for the whole test.
        self.make("planned", propagation="1h")
        wait_until(lambda: len(self.versions("planned")) >= 2
                   and self.versions("planned")[2]["state"] == "STAGED", "STAGED")
        first = self.server.cli("operator", "keys", "rotate", "demo/planned").data
        again = self.server.cli("operator", "keys", "rotate", "demo/planned").data
        self.assertEqual((first["alreadyPlanned"], again["alreadyPlanned"]), (False, True))
        self.assertEqual(first["switchTime"], again["switchTime"])
        self.assertEqual(self.signing_version("planned"), 1)
        text = self.server.cli("operator", "keys", "rotate", "demo/planned",
                               json_output=False).out
        self.assertIn("Until then version 1 signs", text)

    def test_an_etag_from_before_a_change_aborts(self):
        self.make("etag")
        wait_until(lambda: len(self.versions("etag")) >= 2
                   and self.versions("etag")[2]["state"] == "STANDBY", "STANDBY")
        etag = self.server.cli("viewer", "keys", "get", "demo/etag").data["etag"]
        self.server.cli("operator", "keys", "rotate", "demo/etag", "--etag", etag)
        stale = self.server.cli("operator", "keys", "rotate", "demo/etag", "--etag", etag,
                                check=False)
        self.assertEqual((stale.code, stale.error["reason"]), (4, "ETAG_MISMATCH"))

    def test_a_second_key_of_a_shared_issuer_waits_before_it_signs(self):
        # Its kid is in no cache yet: signing at once would be rejected by caches.
        jwks_uri = self.make("shared", "--shared", propagation="1h")
        make_key(self.server, "shared-two", "shared")
        refused = self.server.cli("issuer", "jwt", "sign", "demo/shared-two", "--claims", "-",
                                  stdin=json.dumps(claims("shared")), check=False, timeout="5s")
        self.assertEqual((refused.code, refused.error["reason"]), (4, "KEY_NOT_READY"))
        sign(self.server, "shared", claims("shared"))
        kids = {k["kid"] for k in json.loads(validators.fetch(self.state, jwks_uri)[0])["keys"]}
        self.assertIn(self.versions("shared-two")[1]["kid"], kids)

    def test_the_jwks_promises_no_more_than_it_keeps(self):
        # A max-age that reaches beyond the next switch would make caches miss it.
        jwks_uri = self.make("headers")
        _, headers = validators.fetch(self.state, jwks_uri)
        self.assertRegex(headers["Cache-Control"], r"max-age=[01]\b")
        etag = headers["ETag"]
        request = urllib.request.Request(
            jwks_uri, headers={"If-None-Match": etag})
        try:
            with urllib.request.urlopen(
                    request, context=validators.tls_context(self.state)) as response:
                self.assertNotEqual(response.headers["ETag"], etag)  # a change in between
        except urllib.error.HTTPError as error:
            self.assertEqual(error.code, 304)


if __name__ == "__main__":
    harness.main()
