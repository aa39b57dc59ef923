"""Killed on each boundary of each transition: nothing is half done afterwards.

The real server, sealward-hsm, SoftHSM2 and SQLite. A row of the table arms one place
(common/failpoint.h), runs a transition into it, lets whoever died be started again,
and compares store and partition, counting the partition's files too. If this breaks,
a kill at the wrong moment leaves an orphaned key pair, or a key without one.
"""

import contextlib
import itertools
import json
import os
import signal
import time

import harness
from harness import PATIENCE_S, Server, claims, header_of, make_issuer, make_key, sign, wait_until

# Where, the how many-th time, who dies. (epoch.noted: every start notes it once.)
# Places that a key's creation passes, in this order; its successor follows at once.
CREATE = [
    ("key.recorded", 1, "server"),
    ("hsm.pair_made", 1, "hsm"),
    ("hsm.pair_flushed", 1, "hsm"),
    ("key.pair_made", 1, "server"),
    ("key.pair_recorded", 1, "server"),
    ("epoch.before_note", 1, "server"),
    ("hsm.epoch_made", 1, "hsm"),
    ("epoch.noted", 2, "server"),
    ("key.successor_recorded", 1, "server"),
    ("hsm.pair_made", 2, "hsm"),
    ("key.pair_made", 2, "server"),
    ("key.pair_recorded", 2, "server"),
]
ROTATE = [
    ("key.before_switch", 1, "server"),
    ("key.switch_recorded", 1, "server"),
    ("epoch.before_note", 1, "server"),
    ("hsm.epoch_made", 1, "hsm"),
    ("epoch.noted", 2, "server"),
    ("key.successor_recorded", 1, "server"),
    ("hsm.pair_made", 1, "hsm"),
]
# What a revocation passes after its standby was found; the tombstone's mark is the
# partition's own step, and the fresh successor follows.
REVOKE = [
    ("key.before_change", 1, "server"),
    ("key.change_recorded", 1, "server"),
    ("hsm.mark_left", 1, "hsm"),
    ("key.tombstone_left", 1, "server"),
    ("key.forgotten", 1, "server"),
    ("epoch.before_note", 1, "server"),
]
SUSPEND = [
    ("key.before_change", 1, "server"),
    ("key.change_recorded", 1, "server"),
]
# Objects of a partition that are no tenant's: the canary's two keys.
CANARY_OBJECTS = 2


class Crash(harness.Case):
    start_server = False

    def setUp(self):
        self.state = self.new_state(hsm_processes=1)
        self.fired = self.state.dir / "fired"
        self.fired.mkdir()
        self.fired.chmod(0o777)  # sealward-hsm's user makes a file there, too
        self.numbers = itertools.count(1)
        self.keys = []
        self.rows = []
        server = Server(self.state)
        harness.make_tenant(server)
        self.end(server)

    def end(self, server):
        self.assertEqual(server.stop(), 0)

    def armed(self, place, count):
        """A server of which one process dies when it comes to `place`."""
        mark = self.fired / f"{place}.{next(self.numbers)}"
        os.environ["SEALWARD_FAILPOINT"] = f"{place} {count} {mark}"
        try:
            return Server(self.state), mark
        finally:
            del os.environ["SEALWARD_FAILPOINT"]

    def run_row(self, transition, place, count, who, act):
        """Runs `act` into `place` and has everything come to rest again."""
        begun = time.monotonic()
        server, mark = self.armed(place, count)
        act(server)
        wait_until(mark.exists, f"{transition} to come to {place}")
        if who == "server":
            self.assertEqual(server.process.wait(timeout=PATIENCE_S), -signal.SIGKILL)
            wait_until(lambda: not harness.pids_naming(str(self.state.partition)),
                       "its sealward-hsm to end")
            server = Server(self.state)
        outcome = self.settle(server)
        self.end(server)
        self.rows.append((transition, place, count, who, outcome, time.monotonic() - begun))

    def versions(self, server, key):
        listed = server.cli("viewer", "keys", "versions", f"demo/{key}", check=False)
        return [v["state"] for v in (listed.data or {}).get("keyVersions", [])]

    def settle(self, server):
        """Every key signs and has its successor, and the partition holds that and no more."""
        for key in list(self.keys):
            if not self.versions(server, key):
                self.keys.remove(key)  # never begun
                continue
            wait_until(lambda k=key: self.at_rest(self.versions(server, k)), f"{key} at rest: "
                       f"{self.versions(server, key)}")
            jwt = wait_until(lambda k=key: self.sign(server, k), f"{key} to sign")
            self.assertTrue(header_of(jwt)["kid"])
        wait_until(lambda: self.object_files() == self.expected_objects(server),
                   f"{self.expected_objects(server)} objects; there are {self.object_files()}")
        return "finished" if self.keys else "not begun"

    def expected_objects(self, server):
        """Two for each pair, a tombstone for each that is revoked, and the epoch."""
        states = [state for key in self.keys for state in self.versions(server, key)]
        return CANARY_OBJECTS + 2 * len(states) + states.count("REVOKED") + bool(states)

    @staticmethod
    def at_rest(states):
        return (states.count("ACTIVE") == 1 and "PENDING" not in states
                and any(state in ("STAGED", "STANDBY") for state in states))

    def sign(self, server, key):
        done = sign(server, key, claims(key), check=False)
        return done.data["jwt"] if done.code == 0 else None

    def object_files(self):
        files = [f.name for f in self.state.partition.glob("tokens/*/*.object")]
        return len(files) - files.count("token.object")

    def check_reconciled(self):
        """A fresh start finds store and partition in agreement."""
        before = len(self.state.log_file.read_text(encoding="utf-8"))
        server = Server(self.state)
        reports = wait_until(lambda: [
            line for line in map(self.parsed, server.log()[before:].splitlines())
            if line.get("event") == "hsm_reconciled"], "the comparison at the start")
        for what in ("unknown", "unattributable", "missing", "mismatched"):
            self.assertEqual(reports[-1][what], 0, reports[-1])
        alarms = server.cli("admin", "status").data["partition"]["alarm"]
        self.assertEqual(alarms, "")
        self.end(server)

    @staticmethod
    def parsed(line):
        with contextlib.suppress(ValueError):
            return json.loads(line)
        return {}

    def print_rows(self):
        print(f"\n{'transition':<10} {'killed at':<24} {'nth':>3} {'who':<7} {'outcome':<10} {'s':>5}")
        for transition, place, count, who, outcome, seconds in self.rows:
            print(f"{transition:<10} {place:<24} {count:>3} {who:<7} {outcome:<10} {seconds:5.1f}")

    def create(self, server):
        key = f"k{next(self.numbers)}"
        self.keys.append(key)
        make_issuer(server, key, "--max-age", "1s", "--propagation-time", "1s")
        server.cli("operator", "keys", "create", f"demo/{key}", "--issuer", key, "--algorithm",
                   "ES256", "--audience", harness.AUDIENCE, check=False, timeout="10s")

    def test_create(self):
        for place, count, who in CREATE:
            self.run_row("create", place, count, who, self.create)
        self.check_reconciled()
        self.print_rows()

    def test_rotate(self):
        server = Server(self.state)
        make_issuer(server, "r", "--max-age", "1s", "--propagation-time", "1s")
        make_key(server, "r", "r")
        self.keys.append("r")
        self.settle(server)
        self.end(server)

        def rotate(server):
            wait_until(lambda: "STANDBY" in self.versions(server, "r"), "a STANDBY")
            server.cli("operator", "keys", "rotate", "demo/r", check=False, timeout="10s")

        for place, count, who in ROTATE:
            self.run_row("rotate", place, count, who, rotate)
        self.check_reconciled()
        self.print_rows()

    def make_ready(self, key):
        """A key with a STANDBY that nobody rotates."""
        server = Server(self.state)
        make_issuer(server, key, "--max-age", "1s", "--propagation-time", "1s")
        make_key(server, key, key)
        self.keys.append(key)
        self.settle(server)
        self.end(server)

    def signing(self, server, key):
        name = wait_until(lambda: server.cli("viewer", "keys", "get", f"demo/{key}").data.get(
            "signingVersion"), f"{key} to have a version that signs")
        return f"demo/{key}/{name.rsplit('/', 1)[1]}"

    def test_revoke(self):
        self.make_ready("r")
        revoked = []

        def revoke(server):
            wait_until(lambda: "STANDBY" in self.versions(server, "r"), "a STANDBY")
            revoked.append(self.signing(server, "r"))
            server.cli("operator", "revoke", "--version", revoked[-1], "--reason",
                       "key-compromise", check=False, timeout="10s")

        for place, count, who in REVOKE:
            before = self.revoked()
            self.run_row("revoke", place, count, who, revoke)
            if place != "key.before_change":
                self.assertEqual(self.revoked(), before + 1, f"killed at {place}")
        self.check_reconciled()
        self.print_rows()

    def revoked(self):
        server = Server(self.state)
        count = self.versions(server, "r").count("REVOKED")
        self.end(server)
        return count

    def test_suspend(self):
        self.make_ready("r")

        def suspend(server):
            name = self.signing(server, "r")
            server.cli("operator", "versions", "suspend", name, check=False, timeout="10s")

        for place, count, who in SUSPEND:
            server, mark = self.armed(place, count)
            suspend(server)
            wait_until(mark.exists, f"suspension to come to {place}")
            server.process.wait(timeout=PATIENCE_S)
            wait_until(lambda: not harness.pids_naming(str(self.state.partition)),
                       "its sealward-hsm to end")
            server = Server(self.state)
            done = "SUSPENDED" in self.versions(server, "r")
            self.assertEqual(done, place == "key.change_recorded")
            self.assertEqual(self.sign(server, "r") is None, done)
            self.end(server)
        self.check_reconciled()


if __name__ == "__main__":
    harness.main()
