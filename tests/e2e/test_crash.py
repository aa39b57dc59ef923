"""Killed on each boundary of each transition: nothing is half done afterwards.

The real server, sealward-hsm, SoftHSM2 and SQLite. A row of the table arms one place
(common/failpoint.h), runs a transition into it, lets whoever died be started again,
and compares store and partition, counting the partition's files too. If this breaks,
a kill at the wrong moment leaves an orphaned key pair, or a key without one.
"""

import crash
import harness
from harness import PATIENCE_S, Server, make_issuer, make_key, wait_until

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


class Crash(crash.Case):

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
