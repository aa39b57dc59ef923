"""Backups: made while the server runs, verified, put back. No resurrection.

If this breaks, a backup is worth nothing, holds the PIN, or brings a revoked key back.
"""

import json
import pathlib
import shutil
import stat
import urllib.error

import harness
import validators
from harness import Server, claims, header_of, make_issuer, make_key, sign, wait_until

QUICK = ["--max-age", "1s", "--propagation-time", "1s"]


class Backup(harness.Case):
    start_server = False

    def setUp(self):
        self.state = self.new_state(hsm_processes=1, make_store=False)
        self.state.init_store("admin", "operator")
        self.server = Server(self.state)
        self.to = self.state.dir / "backup"
        harness.make_tenant(self.server)
        make_issuer(self.server, "main", *QUICK)
        make_key(self.server, "main", "main")

    def tearDown(self):
        super().tearDown()
        self.server.stop()

    def backup(self, command, *arguments, check=True):
        return harness.cli(self.state, "admin", "backup", command, self.to, *arguments, check=check)

    def places(self, partition=True):
        store = ["--store", self.state.store]
        return store + (["--partition", f"default={self.state.partition}"] if partition else [])

    def create(self):
        return self.backup("create", *self.places()).data

    def version_states(self):
        listed = self.server.cli("viewer", "keys", "versions", "demo/main").data["keyVersions"]
        return [v["state"] for v in listed]

    def sign(self):
        return sign(self.server, "main", claims("main"), check=False)

    def rotate(self):
        wait_until(lambda: "STANDBY" in self.version_states(), "a STANDBY")
        self.server.cli("operator", "keys", "rotate", "demo/main")
        wait_until(lambda: "VERIFY_ONLY" in self.version_states(), "the switch")

    def restart(self):
        self.server = Server(self.state)

    def witness(self):
        return self.server.cli("admin", "status").data["partition"]["witness"]

    def test_a_backup_of_a_running_server_is_whole_and_holds_no_pin(self):
        made = self.create()
        self.assertEqual(self.backup("verify").data, made)
        self.assertRegex(made["keys"][0], r"^tenants/demo/keys/main: \d version")
        pin = (self.state.partition / "pin").read_bytes().strip()
        self.assertGreaterEqual(len(pin), 16)
        for path in self.to.rglob("*"):
            mode = stat.S_IMODE(path.stat().st_mode)
            self.assertEqual(mode, 0o700 if path.is_dir() else 0o600, path)
            if path.is_file():
                self.assertNotIn(pin, path.read_bytes(), path)
            self.assertNotIn("pin", path.name)
        again = self.backup("create", *self.places(), check=False)
        self.assertEqual((again.code, again.error["reason"]), (4, "BACKUP_EXISTS"))
        self.assertEqual(self.sign().code, 0)

    def test_a_pin_among_the_tokens_is_refused(self):
        self.state.edit_hsm_config("pin_file = 'pin'", "pin_file = 'tokens/pin'")
        refused = self.backup("create", *self.places(), check=False)
        self.assertEqual((refused.code, refused.error["reason"]), (4, "PARTITION_INVALID"))
        self.assertFalse(self.to.exists(), "what failed is left behind")

    def test_damage_is_found(self):
        self.create()
        good = self.state.dir / "good"
        shutil.copytree(self.to, good)
        objects = sorted(p.relative_to(self.to) for p in self.to.rglob("*.object"))

        def flip(path):
            data = bytearray(path.read_bytes())
            data[len(data) // 2] ^= 1
            path.write_bytes(data)

        damages = {
            "a flipped bit of the store": lambda: flip(self.to / "store.db"),
            "a flipped bit of a key": lambda: flip(self.to / objects[0]),
            "a file is missing": (self.to / objects[-1]).unlink,
            "a file too many": lambda: (self.to / "more").write_text("x"),
            "no manifest": (self.to / "manifest.json").unlink,
            "a broken manifest": lambda: (self.to / "manifest.json").write_text("{}"),
        }
        for what, damage in damages.items():
            with self.subTest(what):
                damage()
                self.assertNotEqual(self.backup("verify", check=False).code, 0)
                refused = self.backup("restore", *self.places(), "--replace", check=False)
                self.assertNotEqual(refused.code, 0)
            shutil.rmtree(self.to)
            shutil.copytree(good, self.to)
        self.backup("verify")

    def test_restore_asks_for_a_stopped_server_and_an_explicit_flag(self):
        self.create()
        running = self.backup("restore", *self.places(False), "--replace", check=False)
        self.assertEqual((running.code, running.error["reason"]), (4, "STORE_LOCKED"))
        self.server.stop()
        kept = self.backup("restore", *self.places(False), check=False)
        self.assertEqual((kept.code, kept.error["reason"]), (4, "TARGET_EXISTS"))
        self.restart()
        self.assertEqual(self.sign().code, 0, "a refusal changed something")

    def test_both_put_back_sign_again(self):
        # The documented limit: the two agree, so nothing tells that they are old.
        self.create()
        kid = header_of(self.sign().data["jwt"])["kid"]
        pin = self.state.partition / "pin"
        saved = self.state.dir / "pin-from-elsewhere"
        shutil.copy2(pin, saved)
        owner = pin.stat()
        self.server.stop()
        self.backup("restore", *self.places(), "--replace")
        shutil.copy2(saved, pin)
        harness.os.chown(pin, owner.st_uid, owner.st_gid)
        self.assertEqual(self.state.partition.stat().st_uid, owner.st_uid)
        self.restart()
        self.assertEqual(header_of(self.sign().data["jwt"])["kid"], kid)
        self.assertEqual(self.witness(), "WITNESS_CONFIRMED")
        replaced = [p.name for p in pathlib.Path(self.state.dir).glob("partition.replaced-*")]
        self.assertEqual(len(replaced), 1, "what was there is gone")

    def test_an_older_store_does_not_sign_until_two_persons_recover_it(self):
        self.server.cli("admin", "approvals", "set-policy", "--two-persons", "on")
        self.create()
        self.rotate()
        self.server.stop()
        self.backup("restore", *self.places(False), "--replace")
        for _ in range(2):  # a restart does not forget it
            self.restart()
            refused = self.sign()
            self.assertEqual((refused.code, refused.error["reason"]),
                             (4, "STORE_OLDER_THAN_PARTITION"))
            self.assertEqual(self.witness(), "WITNESS_STORE_OLDER")
            self.assertIn('"store_older_than_partition"', self.server.log())
            self.server.stop()
        self.restart()
        rehearsed = self.server.cli("admin", "partitions", "recover", "default", "--dry-run")
        self.assertEqual(rehearsed.data["endedVersions"], [])
        alone = self.server.cli("admin", "partitions", "recover", "default", check=False)
        self.assertEqual((alone.code, alone.error["reason"]), (4, "APPROVAL_REQUIRED"))
        waiting = self.server.cli("operator", "approvals", "list").data["approvals"]
        self.server.cli("operator", "approvals", "approve", waiting[0]["name"])
        self.server.cli("admin", "partitions", "recover", "default")
        self.assertEqual(self.witness(), "WITNESS_CONFIRMED")
        self.assertEqual(self.sign().code, 0)
        self.server.stop()
        self.restart()
        self.assertEqual(self.sign().code, 0)
        again = self.server.cli("admin", "partitions", "recover", "default", check=False)
        self.assertEqual((again.code, again.error["reason"]), (4, "NOT_ROLLED_BACK"))

    def published_kids(self):
        """Of the JWKS; none where it is not served (an empty set would be cached)."""
        uri = self.server.cli("viewer", "issuers", "get", "demo/main").data["jwksUri"]
        try:
            body = validators.fetch(self.state, uri)[0]
        except urllib.error.HTTPError as refused:
            self.assertEqual(refused.code, 404)
            return set()
        return {key["kid"] for key in json.loads(body)["keys"]}

    def test_a_revoked_key_does_not_come_back_with_an_older_store(self):
        wait_until(lambda: "STANDBY" in self.version_states(), "a STANDBY")
        stolen = header_of(self.sign().data["jwt"])["kid"]
        self.create()
        self.server.cli("operator", "revoke", "--version", "demo/main/1", "--reason",
                        "key-compromise")
        self.assertNotIn(stolen, self.published_kids())
        self.server.stop()
        self.backup("restore", *self.places(False), "--replace")
        self.restart()
        self.assertEqual(self.sign().error["reason"], "STORE_OLDER_THAN_PARTITION")
        self.assertEqual(self.witness(), "WITNESS_STORE_OLDER")
        self.assertNotIn(stolen, self.published_kids())
        self.server.cli("admin", "partitions", "recover", "default")
        jwt = wait_until(lambda: self.sign().data, "it to sign again")["jwt"]
        self.assertNotEqual(header_of(jwt)["kid"], stolen)
        self.assertNotIn(stolen, self.published_kids())
        self.assertIn("REVOKED", self.version_states())


if __name__ == "__main__":
    harness.main()
