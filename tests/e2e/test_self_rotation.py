"""A policy that rotates by itself, and every version's whole life, in seconds.

A token issuer signs all the time and validators keep the JWKS as long as was promised,
while nobody touches anything. If this breaks, an operator who set a policy once and never
thought of it again has JWTs refused, or keys that are never withdrawn or destroyed.
Orders and promises are looked at, never how long something took: the machine may be busy.
"""

import datetime
import json

import harness
import jwt as pyjwt
import validators
from harness import claims, issuer_url, make_issuer, make_key, wait_until
from load import Load

KEY = "self"
LIVES = 3  # versions that have to come from PENDING to DESTROYED by themselves
MAX_AGE_S = 2
PROPAGATION_S = 4
JWT_S = 6
PERIOD_S = 6
RECOVERY_S = 2
SECOND = 1_000_000
MARGIN_S = 1  # of [development] short_margins
ORDER = ["PENDING", "STAGED", "STANDBY", "ACTIVE", "VERIFY_ONLY", "WITHDRAWN",
         "DESTROY_SCHEDULED", "DESTROYED"]
IN_JWKS = ("STAGED", "STANDBY", "ACTIVE", "VERIFY_ONLY")


def time_of(version, name):
    """In microseconds, so that sums are exact."""
    time = datetime.datetime.fromisoformat(version[name].replace("Z", "+00:00"))
    return round(time.timestamp() * SECOND)


class SelfRotation(harness.Case):
    start_server = False

    def setUp(self):
        self.state = self.new_state(short_margins=True)
        self.server = harness.Server(self.state)
        harness.make_tenant(self.server)
        self.seen = {}  # states of each version, in the order in which they were seen

    def look(self):
        """Every version as it is now."""
        listed = self.server.cli("viewer", "keys", "versions", f"demo/{KEY}").data["keyVersions"]
        versions = {int(v["name"].rpartition("/")[2]): v for v in listed}
        for number, version in versions.items():
            states = self.seen.setdefault(number, [])
            if not states or states[-1] != version["state"]:
                states.append(version["state"])
        return versions

    def make(self):
        jwks_uri = make_issuer(self.server, KEY, "--max-age", f"{MAX_AGE_S}s",
                               "--propagation-time", f"{PROPAGATION_S}s")["jwksUri"]
        # The hard end is far away: a driver that is late on a busy machine only delays.
        make_key(self.server, KEY, KEY, "ES256", "--max-jwt-lifetime", f"{JWT_S}s",
                 "--rotation-period", f"{PERIOD_S}s", "--max-signing-time", "10m",
                 "--max-standby-time", "10m", "--destroy-after", "1s",
                 "--recovery-window", f"{RECOVERY_S}s")
        return jwks_uri

    def check_with_pyjwt(self, validator):
        """One JWT more, by Debian's PyJWT; on a busy machine it may be over before that."""
        signed = harness.sign(self.server, KEY, claims(KEY, lifetime_s=JWT_S), check=False)
        if signed.code != 0:
            self.assertIn("exp is not in the future", signed.err)
            return
        try:
            validator.check(signed.data["jwt"])
        except pyjwt.ExpiredSignatureError:
            pass

    def test_a_whole_life_by_itself(self):
        jwks_uri = self.make()
        tally = validators.Tally(self.state, jwks_uri, issuer_url(KEY), MAX_AGE_S)
        pyjwt_validator = validators.PyJwt(self.state, jwks_uri, issuer_url(KEY), MAX_AGE_S)
        load = Load(self.server, KEY, KEY, stdout=tally.input, concurrency=2,
                    lifetime_s=JWT_S)
        tally.input.close()

        def lived():
            versions = self.look()
            self.check_jwks(jwks_uri, versions)
            self.check_with_pyjwt(pyjwt_validator)
            return all(versions.get(n, {}).get("state") == "DESTROYED"
                       for n in range(1, LIVES + 1))

        wait_until(lived, f"{LIVES} versions to be destroyed; seen: {self.seen}", 300)
        signed, counts = load.stop(), tally.finish()
        self.check_promises(self.look())
        self.check_no_jwt_was_refused(signed, counts)
        self.server.stop()

    def check_jwks(self, jwks_uri, before):
        """What was withdrawn at that time is not in the JWKS."""
        kids = {jwk["kid"] for jwk in json.loads(validators.fetch(self.state, jwks_uri)[0])["keys"]}
        for version in before.values():
            if version["state"] not in (*IN_JWKS, "PENDING"):
                self.assertNotIn(version["kid"], kids, version)

    def check_no_jwt_was_refused(self, signed, counts):
        print(f"\nsigned {signed['signed']}, accepted {counts['accepted']}, too late "
              f"{counts['expired']}, of {len(counts['kids'])} versions")
        self.assertEqual(signed["failed"], {})
        self.assertEqual((counts["refused"], counts["errors"]), (0, []))
        self.assertEqual(counts["accepted"] + counts["expired"], signed["signed"])
        # Each rotation was under load.
        kids = [v["kid"] for n, v in self.look().items() if n <= LIVES + 1]
        for kid in kids:
            self.assertGreater(counts["kids"].get(kid, 0), 0, f"{kid}: {counts}")

    def check_promises(self, versions):
        for number in range(1, LIVES + 1):
            version, successor = versions[number], versions[number + 1]
            states = [ORDER.index(state) for state in self.seen[number]]
            self.assertEqual(states, sorted(set(states)), self.seen[number])
            at = {name: time_of(version, f"{name}Time")
                  for name in ("create", "publish", "standby", "activate", "retire", "withdraw",
                               "destroyDue", "destroy")}
            self.assertEqual(list(at.values()), sorted(at.values()), at)
            if number > 1:  # nobody had cached anything when the first one came
                self.assertGreaterEqual(at["standby"] - at["publish"], PROPAGATION_S * SECOND)
            self.assertGreaterEqual(at["retire"] - at["activate"], PERIOD_S * SECOND)
            self.assertEqual(version["retireTime"], successor["activateTime"])
            self.assertGreaterEqual(at["withdraw"] - at["retire"],
                                    (JWT_S + 2 * MARGIN_S) * SECOND)
            # destroy_after is a second.
            self.assertGreaterEqual(at["destroy"] - at["withdraw"], (1 + RECOVERY_S) * SECOND)


if __name__ == "__main__":
    harness.main()
