"""What the crash tests share: a row arms one place, runs into it, and comes to rest again."""

import contextlib
import itertools
import json
import os
import signal
import time

import harness
from harness import PATIENCE_S, Server, claims, header_of, sign, wait_until

# Objects of a partition that are no tenant's: the canary's two keys.
CANARY_OBJECTS = 2
# How often a row is begun that the one before disturbs.
ATTEMPTS = 3


class Case(harness.Case):
    """The real programs; a class of its own says what it does to keys."""

    start_server = False
    short_margins = False

    def setUp(self):
        self.state = self.new_state(hsm_processes=1, short_margins=self.short_margins)
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
        for _ in range(ATTEMPTS):
            mark = self.fired / f"{place}.{next(self.numbers)}"
            os.environ["SEALWARD_FAILPOINT"] = f"{place} {count} {mark}"
            try:
                return Server(self.state), mark
            except AssertionError:
                if not mark.exists():
                    raise
            finally:
                del os.environ["SEALWARD_FAILPOINT"]
            # What the row before had left to do came to `place` before `act` could.
            self.wait_ended()
            server = Server(self.state)
            self.settle(server)
            self.end(server)
        raise AssertionError(f"{place} is come to at every start")

    def wait_ended(self):
        wait_until(lambda: not harness.pids_naming(str(self.state.partition)),
                   "its sealward-hsm to end")

    def run_row(self, transition, place, count, who, act):
        """Runs `act` into `place` and has everything come to rest again."""
        begun = time.monotonic()
        server, mark = self.armed(place, count)
        act(server)
        wait_until(mark.exists, f"{transition} to come to {place}")
        if who == "server":
            self.assertEqual(server.process.wait(timeout=PATIENCE_S), -signal.SIGKILL)
            self.wait_ended()
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
