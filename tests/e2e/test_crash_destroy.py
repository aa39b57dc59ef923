"""Killed on each boundary of a destruction, and of taking one back.

As test_crash.py, with windows of seconds ([development] short_margins). If this breaks, a
kill at the wrong moment leaves half a key pair, a pair without its tombstone, a version
that is called destroyed and still signs, or a schedule that nobody can take back.
"""

import crash
import harness
from harness import Server, make_issuer, make_key, wait_until

KEY = "d"
# What a destruction passes, in this order. The mark of the schedule is the HSM's first,
# the tombstone its second; the record of the schedule is the key's first change, that of
# its mark the second, that of the end the third. What is due comes by the driver.
DESTROY = [
    ("key.before_change", 1, "server"),
    ("key.change_recorded", 1, "server"),
    ("epoch.before_note", 1, "server"),
    ("hsm.mark_left", 1, "hsm"),
    ("key.schedule_left", 1, "server"),
    ("key.schedule_forgotten", 1, "server"),
    ("key.change_recorded", 2, "server"),
    ("hsm.mark_left", 2, "hsm"),
    ("hsm.tombstone_flushed", 1, "hsm"),
    ("hsm.half_destroyed", 1, "hsm"),
    ("hsm.half_destroyed", 2, "hsm"),
    ("hsm.mark_removed", 1, "hsm"),
    ("key.pair_destroyed", 1, "server"),
    ("key.destroyed_forgotten", 1, "server"),
    ("key.change_recorded", 3, "server"),
]
CANCEL = [
    ("key.before_change", 1, "server"),
    ("key.change_recorded", 1, "server"),
    ("hsm.mark_removed", 1, "hsm"),
    ("key.schedule_taken_back", 1, "server"),
    ("key.change_recorded", 2, "server"),
]


def fate_of(version):
    """What is becoming of its pair: a revoked version stays REVOKED, whatever that is."""
    if "destroyTime" in version:
        return "destroyed"
    return "scheduled" if "destroyDueTime" in version else "kept"


class CrashDestroy(crash.Case):
    short_margins = True

    def make_revoked(self, count, *flags):
        """A key that signs, and the numbers of `count` revoked versions of it."""
        server = Server(self.state)
        make_issuer(server, KEY, "--max-age", "1s", "--propagation-time", "1s")
        make_key(server, KEY, KEY, "ES256", "--max-jwt-lifetime", "5s", *flags)
        self.keys.append(KEY)
        self.revoked = []
        self.expected = {}
        while len(self.revoked) < count:
            number = wait_until(lambda: self.newest_unused(server), "a successor to revoke")
            server.cli("operator", "revoke", "--version", f"demo/{KEY}/{number}", "--reason",
                       "key-compromise")
            self.revoked.append(number)
            self.expected[number] = "kept"
        return server

    def newest_unused(self, server):
        newest = max(self.details(server).items())
        return newest[0] if newest[1]["state"] in ("STAGED", "STANDBY") else None

    def details(self, server):
        listed = server.cli("viewer", "keys", "versions", f"demo/{KEY}").data["keyVersions"]
        return {int(v["name"].rpartition("/")[2]): v for v in listed}

    def sign(self, server, key):
        done = harness.sign(server, key, harness.claims(key, lifetime_s=5), check=False)
        return done.data["jwt"] if done.code == 0 else None

    def expected_objects(self, server):
        """Two for each pair, a schedule or a tombstone, one for revocation, and the epoch."""
        count = crash.CANARY_OBJECTS + 1
        for version in self.details(server).values():
            count += {"kept": 2, "scheduled": 3, "destroyed": 1}[fate_of(version)]
            count += "revokeTime" in version
        return count

    def settle(self, server):
        def is_there():
            versions = self.details(server)
            return all(fate_of(versions[n]) == fate for n, fate in self.expected.items())

        wait_until(is_there, f"the fate of version {self.number}: {self.expected}")
        super().settle(server)
        return self.expected[self.number]

    def destroy(self, server):
        server.cli("admin", "versions", "destroy", f"demo/{KEY}/{self.number}", check=False,
                   timeout="10s")

    def cancel(self, server):
        server.cli("operator", "versions", "cancel-destroy", f"demo/{KEY}/{self.number}",
                   check=False, timeout="10s")

    def doing(self, act, place, outcome):
        """`act`, of which `outcome` is expected from when it begins."""
        def do(server):
            if place != "key.before_change":  # the one before the intent did not happen
                self.expected[self.number] = outcome
            act(server)
        return do

    def test_destroy(self):
        self.end(self.make_revoked(len(DESTROY), "--recovery-window", "2s"))
        for self.number, (place, count, who) in zip(self.revoked, DESTROY):
            self.run_row("destroy", place, count, who, self.doing(self.destroy, place, "destroyed"))
        self.check_reconciled()
        self.print_rows()

    def test_cancel(self):
        server = self.make_revoked(len(CANCEL), "--recovery-window", "1h")
        for self.number in self.revoked:
            self.destroy(server)
            self.expected[self.number] = "scheduled"
        self.settle(server)
        self.end(server)
        for self.number, (place, count, who) in zip(self.revoked, CANCEL):
            self.run_row("cancel", place, count, who, self.doing(self.cancel, place, "kept"))
        self.check_reconciled()
        self.print_rows()


if __name__ == "__main__":
    harness.main()
