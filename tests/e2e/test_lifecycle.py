"""Operators intervene: revocation, suspension, pauses and policies against the real programs.

If this fails, a stolen key goes on being accepted longer than was said, an operator at
3 a.m. gets no answer or the wrong one, or two of them overwrite each other.
"""

import concurrent.futures
import json
import time

import harness
import validators
from harness import claims, header_of, issuer_url, make_issuer, make_key, sign, wait_until


class Lifecycle(harness.Case):

    @classmethod
    def prepare(cls):
        harness.make_tenant(cls.server)

    def make(self, name, *flags, propagation="2s"):
        """An issuer with a short cache promise, and its key; returns the JWKS' address."""
        jwks_uri = make_issuer(self.server, name, "--max-age", "1s", "--propagation-time",
                               propagation)["jwksUri"]
        make_key(self.server, name, name, "ES256", *flags)
        return jwks_uri

    def operator(self, *arguments, **keywords):
        return self.server.cli("operator", *arguments, **keywords)

    def versions(self, key):
        listed = self.server.cli("viewer", "keys", "versions", f"demo/{key}").data["keyVersions"]
        return {int(v["name"].rpartition("/")[2]): v for v in listed}

    def version_states(self, key):
        return {n: v["state"] for n, v in self.versions(key).items()}

    def await_state(self, key, number, state):
        wait_until(lambda: self.version_states(key).get(number) == state, f"{key}/{number} {state}")

    def kids(self, jwks_uri):
        return [jwk["kid"] for jwk in json.loads(validators.fetch(self.state, jwks_uri)[0])["keys"]]

    def refused(self, code, *arguments, role="operator"):
        """The reason with which a command is refused."""
        answer = self.server.cli(role, *arguments, check=False)
        self.assertEqual(answer.code, code, answer)
        return answer.error["reason"]

    def test_a_stolen_key_is_replaced_by_its_standby(self):
        jwks_uri = self.make("stolen")
        stolen = sign(self.server, "stolen", claims("stolen")).data["jwt"]
        self.await_state("stolen", 2, "STANDBY")
        strict = validators.Jose(self.state, jwks_uri, issuer_url("stolen"), mode="strict")
        strict.check(stolen)
        answer = self.operator("revoke", "--version", "demo/stolen/1", "--reason",
                               "key-compromise").data
        # The very next signature is the standby's, and the JWKS is without the other.
        jwt = sign(self.server, "stolen", claims("stolen")).data["jwt"]
        versions = self.versions("stolen")
        self.assertEqual(header_of(jwt)["kid"], versions[2]["kid"])
        self.assertEqual((versions[1]["state"], versions[2]["state"]), ("REVOKED", "ACTIVE"))
        self.assertNotIn(versions[1]["kid"], self.kids(jwks_uri))
        strict.check(jwt)  # it has had the standby's kid all along
        strict.close()
        fresh = validators.Jose(self.state, jwks_uri, issuer_url("stolen"), mode="strict")
        with self.assertRaises(AssertionError):
            fresh.check(stolen)
        fresh.close()
        told = answer["versions"][0]
        self.assertTrue(told["promotedVersion"].endswith("/2"))
        self.assertFalse(told["tombstonePending"])
        self.assertTrue(any("until" in each for each in told["exposures"]))
        # What only refetches on a kid it has not seen: a third version takes over soon.
        self.await_state("stolen", 3, "ACTIVE")

    def test_without_a_standby_the_operator_chooses(self):
        self.make("refuse", propagation="40s")
        self.await_state("refuse", 2, "STAGED")
        preview = self.operator("revoke", "--version", "demo/refuse/1", "--reason",
                                "key-compromise", "--preview").data
        self.assertEqual(len(preview["unservedKeys"]), 1)
        self.assertEqual(self.version_states("refuse")[1], "ACTIVE")
        self.operator("revoke", "--version", "demo/refuse/1", "--reason", "key-compromise")
        self.assertEqual(sign(self.server, "refuse", claims("refuse"), check=False).code, 4)
        self.make("unready", propagation="40s")
        self.await_state("unready", 2, "STAGED")
        answer = self.operator("revoke", "--key", "demo/unready", "--reason", "key-compromise",
                               "--activate-unready").data
        self.assertEqual(len(answer["versions"]), 2)
        self.assertTrue(any(v.get("refusedBy") for v in answer["versions"]))
        jwt = sign(self.server, "unready", claims("unready")).data["jwt"]
        self.assertEqual(header_of(jwt)["kid"], self.versions("unready")[3]["kid"])

    def test_what_the_operator_reads(self):
        self.make("read")
        self.await_state("read", 2, "STANDBY")
        text = self.operator("revoke", "--version", "demo/read/1", "--reason", "key-compromise",
                             "--preview", json_output=False).out
        for part in ("Nothing was changed", "Version 2 would sign instead", "Envoy", "until ",
                     "the first JWT of version 3", "Honest JWTs of it die too"):
            self.assertIn(part, text)
        self.assertEqual(self.version_states("read")[1], "ACTIVE")

    def test_the_tombstone_survives_a_restart(self):
        state = self.new_state()
        server = harness.Server(state)
        harness.make_tenant(server)
        make_issuer(server, "kept", "--max-age", "1s", "--propagation-time", "2s")
        make_key(server, "kept", "kept")
        server.cli("operator", "revoke", "--tenant", "demo", "--reason", "service-compromise")
        server.stop()
        server = harness.Server(state)
        listed = server.cli("viewer", "keys", "versions", "demo/kept").data["keyVersions"]
        self.assertEqual(listed[-1]["state"], "REVOKED")
        self.assertEqual(listed[-1]["revocationReason"], "REVOCATION_REASON_SERVICE_COMPROMISE")
        server.stop()

    def test_suspend_and_enable(self):
        jwks_uri = self.make("suspend")
        self.operator("versions", "suspend", "demo/suspend/1")
        self.assertEqual(sign(self.server, "suspend", claims("suspend"), check=False).code, 4)
        self.assertIn(self.versions("suspend")[1]["kid"], self.kids(jwks_uri))
        self.operator("versions", "enable", "demo/suspend/1")
        sign(self.server, "suspend", claims("suspend"))
        self.assertEqual(self.refused(4, "versions", "enable", "demo/suspend/1"), "VERSION_STATE")

    def test_pause_and_resume(self):
        self.make("paused", propagation="1s")
        key = self.operator("keys", "pause", "demo/paused", "--for", "1d", "--reason", "freeze").data
        self.assertEqual(key["pause"]["reason"], "freeze")
        self.assertNotIn("pause", self.operator("keys", "resume", "demo/paused").data)
        for bad in ("15d", "400d"):
            self.assertEqual(self.refused(2, "keys", "pause", "demo/paused", "--for", bad,
                                          "--reason", "x"), "PAUSE_INVALID")
        self.assertEqual(self.refused(2, "keys", "pause", "demo/paused", "--for", "-1d",
                                      "--reason", "x"), "USAGE")

    def test_plan_says_when_the_switch_comes(self):
        self.make("planned", "--rotation-period", "10d", "--destroy-after", "5d")
        events = self.operator("keys", "plan", "demo/planned", "--horizon", "30d").data["events"]
        switch = [e for e in events if e["description"] == "takes over from version 1"]
        self.assertEqual([e["version"][-1] for e in switch], ["2"])
        self.assertIn("DESTROYED", [e["state"] for e in events])

    # Of two changes that name the same etag one is made. The service changes the key too,
    # while it stages a successor: then neither is, and both operators read again.
    def test_two_operators_at_once(self):
        self.make("both")
        outcomes = wait_until(self.race_two_updates, "one of two updates")
        self.assertEqual(sorted(o.code for o in outcomes), [0, 4], outcomes)
        loser = next(o for o in outcomes if o.code)
        self.assertEqual(loser.error["code"], "ABORTED")

    def race_two_updates(self):
        """Outcomes of two updates with one etag; None where the service was before both."""
        etag = self.server.cli("viewer", "keys", "get", "demo/both").data["etag"]
        with concurrent.futures.ThreadPoolExecutor() as pool:
            outcomes = list(pool.map(
                lambda period: self.operator("keys", "update", "demo/both", "--rotation-period",
                                             period, "--etag", etag, check=False), ("20d", "40d")))
        lost = all(o.code and o.error["reason"] == "ETAG_MISMATCH" for o in outcomes)
        return None if lost else outcomes

    def test_bad_policies_and_wrong_states(self):
        self.make("bad")
        for period in ("30s", "401d"):
            self.assertEqual(self.refused(2, "keys", "update", "demo/bad", "--rotation-period",
                                          period), "POLICY_INFEASIBLE")
        self.assertEqual(self.refused(2, "keys", "update", "demo/bad"), "USAGE")
        for role, command in (("admin", "destroy"), ("operator", "cancel-destroy")):
            self.assertEqual(self.refused(4, "versions", command, "demo/bad/1", role=role),
                             "VERSION_STATE")
        self.assertEqual(self.refused(2, "revoke", "--key", "demo/bad", "--reason", "stolen"),
                         "USAGE")
        self.assertEqual(self.refused(2, "revoke", "--reason", "cessation"), "USAGE")

    def test_one_flag_leaves_the_rest_of_the_policy(self):
        self.make("flags", "--rotation-period", "20d", "--destroy-after", "90d")
        policy = self.operator("keys", "update", "demo/flags", "--rotation-period",
                               "10d").data["rotationPolicy"]
        self.assertEqual(policy["rotationPeriod"], "864000s")
        self.assertEqual(policy["maxSigningTime"], "1728000s")  # follows
        self.assertEqual(policy["destroyAfter"], "7776000s")

    # The service changes a key too, when it stages a successor: an operator who gave no
    # etag must not be told to try again.
    def test_updates_without_an_etag_wait_for_each_other(self):
        self.make("busy")
        with concurrent.futures.ThreadPoolExecutor() as pool:
            done = list(pool.map(lambda flags: self.operator("keys", "update", "demo/busy", *flags),
                                 [("--rotation-period", "20d"), ("--destroy-after", "90d")]))
        self.assertEqual(len(done), 2)
        key = self.operator("keys", "get", "demo/busy").data
        self.assertEqual(key["rotationPolicy"]["rotationPeriod"], "1728000s")
        self.assertEqual(key["rotationPolicy"]["destroyAfter"], "7776000s")

    def test_foreign_keys_are_published_and_withdrawn(self):
        jwks_uri = self.make("foreign")
        self.make("elsewhere")
        jwk = {"kty": "EC", "crv": "P-256", "alg": "ES256", "use": "sig", "kid": "old-1",
               "x": "f83OJ3D2xF1Bg8vub9tLe1gHMzV76e8Tus9uPHvRVEU",
               "y": "x_FEzRu9m36HLN_tue659LNpXW6pCyStikYjKIWI5a0"}
        file = self.state.dir / "old.json"
        file.write_text(json.dumps({"keys": [jwk]}), encoding="utf-8")
        until = time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime(time.time() + 86400))
        create = ("foreign-keys", "create", "demo/foreign/old", "--jwk", str(file), "--until", until)
        self.server.cli("admin", *create)
        self.assertIn("old-1", self.kids(jwks_uri))
        self.assertEqual(self.refused(4, *create, role="admin"), "ALREADY_EXISTS")
        self.server.cli("admin", "foreign-keys", "delete", "demo/foreign/old")
        self.assertNotIn("old-1", self.kids(jwks_uri))
        file.write_text(json.dumps(jwk | {"d": "secret"}), encoding="utf-8")
        answer = self.server.cli("admin", *create, check=False)
        self.assertIn("PRIVATE", answer.err)
        self.assertNotIn("secret", answer.err)

    def test_an_issuers_promise_can_change(self):
        self.make("promise")
        issuer = self.server.cli("admin", "issuers", "update", "demo/promise",
                                 "--propagation-time", "10s", "--validator-profile", "aws").data
        self.assertEqual((issuer["propagationTime"], issuer["maxJwksKeys"]), ("10s", 10))


if __name__ == "__main__":
    harness.main()
