"""A tenant with a PKCS#11 token of its own: its keys are nowhere else, and what
becomes of its HSM is nothing to the other tenants, nor theirs to it."""

import contextlib
import json
import os
import signal
import socket
import subprocess
import urllib.error

import harness
import validators
from harness import Server, claims, make_issuer, make_key, sign, wait_until
from load import Load

OWN = "vault"  # the partition of tenant "own"
CLIENT_EXIT_UNAVAILABLE = 5


def objects(folder):
    """Names of the objects of a SoftHSM2 token."""
    return {path.name for path in folder.glob("tokens/*/*.object")} - {"token.object"}


class PartitionCase(harness.Case):
    start_server = False

    def setUp(self):
        self.state = self.new_state()
        self.vault = self.state.add_partition(OWN)
        self.prepare_vault()
        self.server = Server(self.state)
        self.wait_vault()
        harness.make_tenant(self.server)
        harness.make_tenant(self.server, "own", "--partition", OWN)
        make_issuer(self.server, "shared")
        make_issuer(self.server, "vaulted", tenant="own")

    def prepare_vault(self):
        """What is done to it before the server starts: override."""

    def make_keys(self):
        make_key(self.server, "main", "shared")
        make_key(self.server, "main", "vaulted", tenant="own")

    def partition(self, name):
        listed = self.server.cli("admin", "status").data["partitions"]
        return next(each for each in listed if each["name"] == name)

    def vault_pids(self):
        return [p["pid"] for p in self.partition(OWN)["processes"] if p["pid"] != 0]

    def wait_vault(self):
        wait_until(lambda: all(p["ready"] for p in self.partition(OWN)["processes"]),
                   "the vault's processes")

    def sign_own(self, **keywords):
        return sign(self.server, "main", claims("vaulted"), tenant="own", **keywords)

    def sign_shared(self, **keywords):
        return sign(self.server, "main", claims("shared"), **keywords)

    def assert_unavailable(self, result, reason="HSM_UNAVAILABLE"):
        self.assertEqual((result.code, result.error.get("reason")),
                         (CLIENT_EXIT_UNAVAILABLE, reason), result)
        self.assertIn("retryDelay", result.error)

    def readyz(self):
        try:
            validators.fetch(self.state, f"{self.server.ready['https']}/readyz")
            return 200
        except urllib.error.HTTPError as error:
            return error.code

    def kids(self):
        return self.sign_shared().data["kid"], self.sign_own().data["kid"]

    def break_pin(self, folder):
        """Puts a wrong PIN; returns a function that puts it right and unlatches."""
        path = folder / "pin"
        owner, good = path.stat(), path.read_bytes()

        def write(pin):
            path.unlink()
            path.write_bytes(pin)
            path.chmod(0o400)
            os.chown(path, owner.st_uid, owner.st_gid)

        def mend():
            write(good)
            subprocess.run(
                [harness.BIN / "sealward-hsm", "clear-pin-latch", "--dir", folder],
                capture_output=True, check=True, timeout=harness.PATIENCE_S)

        write(good[:-2] + (b"00" if good[-2:] != b"00" else b"11"))
        return mend


class Partitions(PartitionCase):

    def test_keys_are_objects_of_their_tenants_token_only(self):
        shared, own = objects(self.state.partition), objects(self.vault)
        self.assertNotEqual((self.state.partition / "pin").read_bytes(),
                            (self.vault / "pin").read_bytes())
        make_key(self.server, "main", "vaulted", tenant="own")
        versions = ("keys", "versions", "own/main")
        wait_until(lambda: [bool(version["kid"]) for version in self.server.cli(
            "viewer", *versions).data["keyVersions"]] == [True, True], "the successor")
        self.assertEqual(objects(self.state.partition), shared)
        self.assertEqual(len(objects(self.vault) - own), 5, "two key pairs and the epoch")
        own = objects(self.vault)
        make_key(self.server, "main", "shared")
        self.assertGreater(len(objects(self.state.partition) - shared), 0)
        self.assertEqual(objects(self.vault), own)
        self.assertEqual(self.server.cli("admin", "tenants", "get", "own").data["partition"], OWN)
        self.assertEqual(self.server.cli("admin", "tenants", "get", "demo").data["partition"], "")
        for result in (self.sign_own(), self.sign_shared()):
            self.assertEqual(result.code, 0)
        kids = self.kids()
        self.assertEqual(self.server.stop(), 0)
        self.server = Server(self.state)
        self.wait_vault()
        self.assertEqual(self.kids(), kids)
        self.assertEqual(self.server.stop(), 0)

    def test_an_unknown_partition_is_refused(self):
        refused = self.server.cli("admin", "tenants", "create", "x", "--partition", "nowhere",
                                  check=False)
        self.assertEqual(refused.error["reason"], "PARTITION_UNKNOWN", refused)
        self.assertEqual(self.server.stop(), 0)

    def test_its_processes_die_again_and_again(self):
        self.make_keys()
        load = Load(self.server, "main", "shared", concurrency=4)
        own = Load(self.server, "main", "vaulted", concurrency=2, tenant="own")
        for _ in range(3):
            old = wait_until(self.vault_pids, "a process of the vault")
            for pid in old:
                with contextlib.suppress(ProcessLookupError):
                    os.kill(pid, signal.SIGKILL)
            wait_until(lambda old=old: not set(old) & set(self.vault_pids()), "it to be noticed")
            self.wait_vault()
        self.sign_own()
        own_counts, counts = own.stop(), load.stop()
        self.assertEqual(counts["failed"], {}, "the other tenant noticed")
        self.assertGreater(counts["signed"], 0)
        self.assertLessEqual(set(own_counts["failed"]), {"UNAVAILABLE HSM_UNAVAILABLE"})
        self.assertEqual(own_counts["without_retry_info"], 0)
        self.assertEqual(self.server.stop(), 0)

    def test_it_hangs(self):
        # SIGSTOP stands for a module that hangs in a call, in every process.
        self.make_keys()
        load = Load(self.server, "main", "shared", concurrency=4)
        stopped = self.vault_pids()
        for pid in stopped:
            os.kill(pid, signal.SIGSTOP)
        try:
            refused = self.sign_own(check=False, timeout="3s")
            self.assertNotEqual(refused.code, 0)
            # A key of the others is made and signs meanwhile.
            make_issuer(self.server, "second")
            make_key(self.server, "second", "second")
            sign(self.server, "second", claims("second"))
            self.assertEqual(self.readyz(), 200)
        finally:
            for pid in stopped:
                with contextlib.suppress(ProcessLookupError):
                    os.kill(pid, signal.SIGCONT)
        self.assertEqual(load.stop()["failed"], {})
        wait_until(lambda: self.sign_own(check=False, timeout="5s").code == 0, "it to recover")
        self.assertEqual(self.server.stop(), 0)


class StartWithoutOne(PartitionCase):

    def setUp(self):
        super().setUp()
        self.make_keys()
        self.before = self.kids()
        self.assertEqual(self.server.stop(), 0)

    def restart(self):
        self.server = Server(self.state, hsm=False)

    def assert_own_alone_fails(self, reason="HSM_UNAVAILABLE"):
        load = Load(self.server, "main", "shared", concurrency=2)
        self.assert_unavailable(self.sign_own(check=False, timeout="5s"), reason)
        self.sign_shared()
        counts = load.stop()
        self.assertEqual(counts["failed"], {})
        self.assertEqual(self.readyz(), 200)
        # Its JWTs can still be verified.
        uri = self.server.cli("viewer", "issuers", "get", "own/vaulted").data["jwksUri"]
        self.assertGreater(len(json.loads(validators.fetch(self.state, uri)[0])["keys"]), 0)

    def assert_all_is_well(self):
        wait_until(lambda: self.sign_own(check=False, timeout="5s").code == 0, "the vault")
        self.assertEqual(self.kids(), self.before)
        self.assertEqual(self.server.stop(), 0)

    def test_its_pin_is_wrong(self):
        mend = self.break_pin(self.vault)
        self.restart()
        self.assert_own_alone_fails()
        self.assertTrue(self.partition(OWN)["pinLatched"])
        self.assertFalse(self.partition("default").get("pinLatched", False))
        self.assertFalse((self.state.partition / "pin-latch").exists())
        ready = {each["name"]: each["ready"] for each in self.server.ready["partitions"]}
        self.assertEqual(ready, {"default": True, OWN: False})
        mend()  # no restart
        self.assert_all_is_well()

    def test_the_shared_one_is_the_one_that_fails(self):
        mend = self.break_pin(self.state.partition)
        self.restart()
        wait_until(lambda: self.sign_own(check=False, timeout="5s").code == 0, "the vault")
        self.assert_unavailable(self.sign_shared(check=False, timeout="5s"))
        self.assertFalse(self.server.ready["hsm_ready"])
        self.assertEqual(self.readyz(), 200)
        mend()
        wait_until(lambda: self.sign_shared(check=False, timeout="5s").code == 0, "the shared one")
        self.assert_all_is_well()

    def test_both_fail(self):
        mend = [self.break_pin(folder) for folder in (self.state.partition, self.vault)]
        self.restart()
        self.assertEqual(self.readyz(), 503)
        for each in mend:
            each()
        wait_until(lambda: self.readyz() == 200, "one of them")
        wait_until(lambda: self.sign_shared(check=False, timeout="5s").code == 0, "the shared one")
        self.assert_all_is_well()

    def test_it_never_gets_ready(self):
        # A process that takes the connection and says nothing stands for one that
        # hangs in its login: nobody waits for it, and nobody's start does.
        config = self.state.dir / "server.toml"
        whole = config.read_text(encoding="utf-8")
        path = self.state.dir / "silent.sock"
        with socket.socket(socket.AF_UNIX, socket.SOCK_SEQPACKET) as silent:
            silent.bind(str(path))
            silent.listen()
            config.write_text(whole[:whole.index("[partitions.")] +
                              f'[partitions.{OWN}]\nsockets = ["{path.name}"]\n',
                              encoding="utf-8")
            self.restart()
            self.assertTrue(self.server.ready["hsm_ready"])
            self.assert_own_alone_fails()
            self.assertEqual(self.server.stop(), 0)
        config.write_text(whole, encoding="utf-8")
        self.restart()
        self.assert_all_is_well()

    def test_the_configuration_has_lost_it(self):
        config = self.state.dir / "server.toml"
        whole = config.read_text(encoding="utf-8")
        config.write_text(whole[:whole.index("[partitions.")], encoding="utf-8")
        self.restart()
        self.assert_own_alone_fails("PARTITION_NOT_CONFIGURED")
        self.assertIn(f"[partitions.{OWN}]", self.partition(OWN)["alarm"])
        self.assertIn("partition_not_configured", self.server.log())
        self.assertEqual(self.server.stop(), 0)
        config.write_text(whole, encoding="utf-8")
        self.restart()
        self.assert_all_is_well()


if __name__ == "__main__":
    harness.main()
