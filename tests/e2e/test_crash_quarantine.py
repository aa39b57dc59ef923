"""Killed on each boundary of a purge from quarantine, and of an adoption.

As test_crash_destroy.py, with key pairs that no version owns. If this breaks, a kill at the
wrong moment leaves half a pair that nobody will ever see again, a pair that is purged and
owned at once, or an adopted version without its pair.
"""

import os
import subprocess

import crash
import harness
from harness import BIN, PATIENCE_S, Server, make_issuer, make_key, wait_until

KEY = "q"
# The mark of the schedule is the HSM's first, the tombstone its second.
PURGE = [
    ("quarantine.before_purge", 1, "server"),
    ("quarantine.purge_recorded", 1, "server"),
    ("hsm.mark_left", 1, "hsm"),
    ("quarantine.marked", 1, "server"),
    ("quarantine.mark_recorded", 1, "server"),
    ("hsm.mark_left", 2, "hsm"),
    ("hsm.tombstone_flushed", 1, "hsm"),
    ("hsm.half_destroyed", 1, "hsm"),
    ("hsm.half_destroyed", 2, "hsm"),
    ("hsm.mark_removed", 1, "hsm"),
    ("quarantine.destroyed", 1, "server"),
    ("quarantine.forgotten", 1, "server"),
    ("quarantine.ended", 1, "server"),
]
ADOPT = [
    ("quarantine.before_adoption", 1, "server"),
    ("quarantine.adoption_recorded", 1, "server"),
    ("epoch.before_note", 1, "server"),
    ("hsm.epoch_made", 1, "hsm"),
    ("epoch.noted", 2, "server"),
]


class CrashQuarantine(crash.Case):
    short_margins = True

    def make_orphans(self, count):
        """A key, and `count` pairs of its label that none of its versions owns."""
        server = Server(self.state)
        make_issuer(server, KEY, "--max-age", "1s", "--propagation-time", "1h")
        make_key(server, KEY, KEY)
        self.keys.append(KEY)
        self.purged = 0
        self.orphans = []
        self.settle(server)
        self.end(server)
        self.orphans = [os.urandom(16).hex() for _ in range(count)]
        subprocess.run([BIN / "e2e_orphan_maker", self.state.partition, f"tenants/demo/keys/{KEY}",
                        *self.orphans], check=True, capture_output=True, timeout=PATIENCE_S)

    def quarantined(self, server):
        """What is listed: whether each is to be destroyed, by its id."""
        listed = server.cli("admin", "quarantine", "list", "default", check=False).data
        if listed is None:
            return None  # its sealward-hsm is being started again
        return {each["name"].rpartition("/")[2]: "destroyDueTime" in each
                for each in listed.get("quarantinedObjects", [])}

    def expected_objects(self, server):
        """Two for each pair, of versions and of nobody, tombstones of what is purged."""
        return (crash.CANARY_OBJECTS + 2 * len(self.versions(server, KEY))
                + 2 * len(self.orphans) + self.purged + 1)

    def settle(self, server):
        wait_until(lambda: self.quarantined(server) == dict.fromkeys(self.orphans, False),
                   "the quarantine to be as expected")
        super().settle(server)
        return f"{len(self.orphans)} left"

    def act(self, verb, orphan):
        return lambda server: server.cli("admin", "quarantine", verb, f"default/{orphan}",
                                         check=False, timeout="10s")

    def doing(self, verb, place, orphan):
        """`act`, of which the outcome is expected from when it begins."""
        def do(server):
            # The one before the intent does not happen.
            if place not in ("quarantine.before_purge", "quarantine.before_adoption"):
                self.orphans.remove(orphan)
                self.purged += verb == "purge"
            self.act(verb, orphan)(server)
        return do

    def test_purge(self):
        self.make_orphans(len(PURGE))
        for orphan, (place, count, who) in zip(list(self.orphans), PURGE):
            self.run_row("purge", place, count, who, self.doing("purge", place, orphan))
        server = Server(self.state)
        self.act("purge", self.orphans.pop())(server)
        self.purged += 1
        self.settle(server)
        self.end(server)
        self.check_reconciled()
        self.print_rows()

    def test_adopt(self):
        self.make_orphans(len(ADOPT))
        for orphan, (place, count, who) in zip(list(self.orphans), ADOPT):
            self.run_row("adopt", place, count, who, self.doing("adopt", place, orphan))
        server = Server(self.state)
        wait_until(lambda: self.has_quarantine_alarm(server), "an alarm of what is left")
        self.act("adopt", self.orphans.pop())(server)
        # The next comparison with the partition is an hour away; the alarm ends now.
        self.assertFalse(self.has_quarantine_alarm(server))
        self.settle(server)
        self.end(server)
        self.check_reconciled()
        self.print_rows()

    @staticmethod
    def has_quarantine_alarm(server):
        return "QUARANTINE_NOT_EMPTY" in server.cli("admin", "alarms", check=False).out


if __name__ == "__main__":
    harness.main()
