"""Faults at the start: a clear message, the documented exit code, nothing lost."""

import contextlib
import json
import os
import shutil
import signal
import socket
import sqlite3
import subprocess

import harness
import validators
from harness import Server, claims, make_issuer, make_key, sign, wait_until

EXIT_STORE, EXIT_TEMPORARY, EXIT_CONFIG = 74, 75, 78


class StartFault(harness.Case):
    start_server = False

    def served_state(self):
        """A state with a key that has signed, and no server on it."""
        state = self.new_state()
        server = Server(state)
        harness.make_tenant(server)
        make_issuer(server, "login")
        make_key(server, "main", "login")
        sign(server, "main", claims("login"))
        self.assertEqual(server.stop(), 0)
        return state

    def refused(self, state, exit_code, *words):
        """A start that has to fail, and its log."""
        state.log_file.unlink(missing_ok=True)
        server = Server(state, wait=False)
        try:
            wait_until(lambda: server.process.poll() is not None or state.ready_file.exists(),
                       "an end of the start")
            self.assertEqual(server.process.poll(), exit_code, server.log())
        finally:
            server.stop(signal.SIGKILL)
        self.assertFalse(state.ready_file.exists())
        for word in words:
            self.assertIn(word, server.log())
        # No process of its own is left behind.
        wait_until(lambda: not harness.pids_naming(str(state.partition)), "no sealward-hsm left")

    def works_again(self, state):
        server = Server(state)
        sign(server, "main", claims("login"))
        self.assertEqual(server.stop(), 0)


class StoreFaults(StartFault):

    def test_a_missing_store(self):
        state = self.new_state(make_store=False)
        self.refused(state, EXIT_STORE, str(state.store), "sealward-server init")
        self.assertFalse(state.store.exists())  # serve never makes one

    def test_two_first_admins_can_both_administer(self):
        state = self.new_state(make_store=False)
        state.init_store("admin", "operator")
        server = Server(state)
        for who in ("admin", "operator"):
            names = [b["name"] for b in server.cli(who, "bindings", "list").data["roleBindings"]]
            self.assertEqual(names, ["roleBindings/first-admin", "roleBindings/second-admin"])
        self.assertEqual(server.stop(), 0)

    def test_first_admins_are_two_at_most_and_different(self):
        state = self.new_state(make_store=False, make_partition=False)
        for admins in (("admin", "admin"), ("admin", "operator", "viewer")):
            with self.assertRaises(subprocess.CalledProcessError) as caught:
                state.init_store(*admins)
            self.assertEqual(caught.exception.returncode, EXIT_CONFIG)
            self.assertFalse(state.store.exists())

    def test_init_never_overwrites_a_store(self):
        state = self.new_state(make_partition=False)
        before = state.store.read_bytes()
        with self.assertRaises(subprocess.CalledProcessError) as caught:
            state.init_store()
        self.assertEqual(caught.exception.returncode, EXIT_STORE)
        self.assertEqual(state.store.read_bytes(), before)

    def init_refused(self, state, *words):
        with self.assertRaises(subprocess.CalledProcessError) as caught:
            state.init_store()
        self.assertEqual(caught.exception.returncode, EXIT_CONFIG, caught.exception.stderr)
        for word in words:
            self.assertIn(word, caught.exception.stderr.decode())
        self.assertFalse(state.store.exists())
        wait_until(lambda: not harness.pids_naming(str(state.dir)), "no process left")

    def test_a_new_store_does_not_disown_the_keys_of_a_partition(self):
        state = self.served_state()
        for file in state.store.parent.iterdir():
            file.unlink()
        self.init_refused(state, 'partition "default" holds keys already', "backup")

    def test_no_store_beside_a_partition_that_cannot_be_asked(self):
        state = self.new_state(make_store=False)
        state.edit_hsm_config("'softhsm'", "'no-such-profile'")
        self.init_refused(state, 'partition "default" cannot be asked')

    def test_corrupt_stores(self):
        state = self.served_state()
        good = state.store.read_bytes()
        page = 4096
        table = {
            "no database": b"this is not SQLite" * 1000,
            "an empty file": b"",
            "half of it": good[:len(good) // 2],
            "a torn page": good[:page] + os.urandom(page) + good[2 * page:],
        }
        for what, content in table.items():
            with self.subTest(what):
                self.replace_store(state, content)
                self.refused(state, EXIT_STORE, str(state.store))
                # For whoever wants to repair it: not a byte was touched.
                self.assertEqual(state.store.read_bytes(), content)
        self.replace_store(state, good)
        self.works_again(state)

    @staticmethod
    def replace_store(state, content):
        for suffix in ("-wal", "-shm"):
            state.store.with_name(state.store.name + suffix).unlink(missing_ok=True)
        state.store.write_bytes(content)

    def test_a_store_of_a_newer_schema(self):
        # An older server must not guess what a newer one meant.
        state = self.served_state()
        with contextlib.closing(sqlite3.connect(state.store)) as database:
            version = database.execute("PRAGMA user_version").fetchone()[0]
            database.execute(f"PRAGMA user_version = {version + 1}")
        self.refused(state, EXIT_STORE, "schema")
        with contextlib.closing(sqlite3.connect(state.store)) as database:
            self.assertEqual(database.execute("PRAGMA user_version").fetchone()[0], version + 1)
            database.execute(f"PRAGMA user_version = {version}")
        self.works_again(state)

    def test_an_unreadable_store(self):
        # A folder in its place: unreadable for root too.
        state = self.new_state(make_store=False)
        state.store.mkdir()
        self.refused(state, EXIT_STORE, str(state.store))

    def test_a_second_server_on_the_same_state(self):
        state = self.served_state()
        first = Server(state)
        ready = state.ready_file.read_bytes()
        second = subprocess.run(
            [harness.BIN / "sealward-server", "serve", "--config", state.dir / "server.toml",
             "--ready-file", state.dir / "second.json"],
            capture_output=True, text=True, timeout=harness.PATIENCE_S, check=False)
        self.assertEqual(second.returncode, EXIT_TEMPORARY, second.stderr)
        self.assertIn(str(state.store), second.stderr)
        self.assertEqual(state.ready_file.read_bytes(), ready)
        sign(first, "main", claims("login"))
        self.assertEqual(first.stop(), 0)


class ConfigFaults(StartFault):

    def test_ports_in_use(self):
        state = self.served_state()
        for name in ("signing", "admin", "https", "metrics"):
            with self.subTest(name), socket.socket() as taken:
                taken.bind(("127.0.0.1", 0))
                taken.listen()
                port = taken.getsockname()[1]
                state.write_config(**{name: port})
                self.refused(state, EXIT_TEMPORARY, f"127.0.0.1:{port}")
        state.write_config()
        self.works_again(state)

    def test_bad_configurations(self):
        state = self.new_state(make_partition=False)
        config = state.dir / "server.toml"
        good = config.read_text(encoding="utf-8")
        table = {
            "no TOML": ("[store", "server.toml"),
            "a typo": (good.replace("processes =", "proceses ="), "proceses"),
            "a wrong type": (good.replace("processes = 2", 'processes = "2"'), "processes"),
            "no port": (good.replace('"127.0.0.1:0"', '"127.0.0.1"', 1), "127.0.0.1"),
            "no certificate": (good.replace("tls/server.pem", "tls/nothing.pem"), "nothing.pem"),
            "another key": (good.replace("tls/server.key", "tls/admin.key"), "admin.key"),
            "an unknown level": (good.replace('level = "info"', 'level = "loud"'), "level"),
        }
        for what, (text, word) in table.items():
            with self.subTest(what):
                config.write_text(text, encoding="utf-8")
                self.refused(state, EXIT_CONFIG, word)

    def test_a_missing_configuration(self):
        state = self.new_state(make_partition=False)
        (state.dir / "server.toml").unlink()
        self.refused(state, EXIT_CONFIG, "server.toml")


class PartitionFaults(StartFault):
    """The server serves without its HSM: JWKS goes on, signing says why it cannot."""

    def serves_without_hsm(self, state, *words):
        server = Server(state, hsm=False)
        self.assertFalse(server.ready["hsm_ready"])
        partition = server.cli("admin", "status").data["partition"]
        for word in words:
            self.assertIn(word, partition["alarm"] + server.log())
        refused = sign(server, "main", claims("login"), check=False, timeout="5s")
        self.assertEqual((refused.code, refused.error["reason"]), (5, "HSM_UNAVAILABLE"))
        self.assertIn("retryDelay", refused.error)
        uri = server.cli("viewer", "issuers", "get", "demo/login").data["jwksUri"]
        self.assertEqual(len(json.loads(validators.fetch(state, uri)[0])["keys"]) > 0, True)
        return server

    def test_a_wrong_module_path_and_its_repair(self):
        state = self.served_state()
        module = state.hsm_settings()["module"]
        state.edit_hsm_config(module, "/nowhere/module.so")
        server = self.serves_without_hsm(state, "/nowhere/module.so")
        # Put right, it comes back without a restart of the server.
        state.edit_hsm_config("/nowhere/module.so", module)
        server.wait_hsm()
        sign(server, "main", claims("login"))
        self.assertEqual(server.stop(), 0)

    def test_an_uninitialised_partition(self):
        state = self.served_state()
        state.partition.rename(state.dir / "away")
        state.partition.mkdir(mode=0o700)
        server = self.serves_without_hsm(state, "partition")
        self.assertEqual(server.stop(), 0)
        state.partition.rmdir()
        (state.dir / "away").rename(state.partition)
        self.works_again(state)

    def test_a_partition_without_its_token(self):
        state = self.served_state()
        (state.partition / "tokens").rename(state.dir / "tokens")
        server = self.serves_without_hsm(state)
        self.assertEqual(server.stop(), 0)
        if (state.partition / "tokens").exists():
            shutil.rmtree(state.partition / "tokens")
        (state.dir / "tokens").rename(state.partition / "tokens")
        self.works_again(state)

    def test_init_never_overwrites_a_partition(self):
        state = self.new_state(make_store=False)
        token = next(state.partition.glob("tokens/*/token.object"))
        before = token.read_bytes()
        with self.assertRaises(subprocess.CalledProcessError) as caught:
            state.init_partition()
        self.assertEqual(caught.exception.returncode, 2)
        self.assertIn(b"not empty", caught.exception.stderr)
        self.assertEqual(token.read_bytes(), before)

    def clear_latch(self, state):
        return subprocess.run(
            [harness.BIN / "sealward-hsm", "clear-pin-latch", "--dir", state.partition],
            capture_output=True, check=True, timeout=harness.PATIENCE_S)

    @staticmethod
    def write_pin(state, pin):
        path = state.partition / "pin"
        owner = path.stat()
        path.unlink()
        path.write_bytes(pin)
        path.chmod(0o400)
        os.chown(path, owner.st_uid, owner.st_gid)

    def test_a_wrong_pin_is_presented_once(self):
        # HSMs lock or erase themselves after a few wrong PINs. Two processes and
        # three starts are five chances to present it twice.
        state = self.served_state()
        good = (state.partition / "pin").read_bytes()
        self.write_pin(state, good[:-2] + (b"00" if good[-2:] != b"00" else b"11"))
        latch = state.partition / "pin-latch"
        state.log_file.unlink()
        server = self.serves_without_hsm(state, "PIN")
        self.assertTrue(server.cli("admin", "status").data["partition"]["pinLatched"])
        self.assertTrue(latch.exists())
        set_at = latch.stat().st_mtime_ns
        self.assertEqual(server.stop(), 0)
        for _ in range(2):
            again = self.serves_without_hsm(state, "clear-pin-latch")
            self.assertEqual(again.stop(), 0)
        self.assertEqual(server.log().count("refused the PIN (CKR_PIN_INCORRECT)"), 1, server.log())
        self.assertEqual(latch.stat().st_mtime_ns, set_at)
        # Put right, but still latched until an operator says so.
        self.write_pin(state, good)
        still = self.serves_without_hsm(state, "clear-pin-latch")
        self.assertEqual(still.stop(), 0)
        self.clear_latch(state)
        self.works_again(state)


if __name__ == "__main__":
    harness.main()
