"""The positive control: the same attacks on a signer without hardening, under the same
load, in the same run. What finds nothing in it has proved nothing."""

import contextlib
import pathlib

import harness

from . import attacks, core_sinks, scanner, thief
from .results import Cell
from .stage import Stage

SIGNER = "containment_unhardened_signer"
SIGNERS = 1  # which is always busy
MOST_CRASHES = 15  # about one in two has a whole part of an RSA key; the first that has ends it
MOST_IDLE_CRASHES = 3


class Control:

    def __init__(self, results, folder, sinks):
        self.results, self.folder, self.sinks = results, folder, sinks
        self.stage = Stage(signer=SIGNER, signers=SIGNERS)

    def play(self, core_pattern):
        with contextlib.ExitStack() as stack:
            stack.callback(self.stage.clean_up)
            self.stage.end()
            self.signing(core_pattern)
            self.idle(core_pattern)

    def check(self, what, attack, problem):
        self.results.check(Cell("control", what, attack), problem)

    @contextlib.contextmanager
    def started(self, core_pattern, sink):
        cores = self.folder / "control"
        self.stage.start()
        try:
            with core_pattern.sink(sink, cores):
                yield cores
        finally:
            self.stage.end()
            core_sinks.clear(cores)

    def crash(self, cores, busy=False):
        """Crashes the signer and returns its core."""
        pid = self.stage.started[0]
        if busy:
            harness.wait_until(lambda: harness.process_state(pid) == "R", "it to be signing")
        attacks.crash(pid, "SEGV")
        attacks.wait_gone([pid])
        core = cores / f"core.{pid}"
        return core if core.exists() else None

    def scan(self, files):
        secrets, nonces = self.stage.secrets()
        return scanner.scan(self.folder, secrets, nonces, files)

    def signing(self, core_pattern):
        """While it signs: a whole part of an RSA key within MOST_CRASHES, something by
        each sink, the PIN, and whatever its own user reads from outside."""
        whole_rsa, dirty_sinks, pins = 0, set(), 0
        for index in range(MOST_CRASHES):
            sink = self.sinks[index % len(self.sinks)]
            with self.started(core_pattern, sink) as cores:
                with self.stage.load():
                    if index == 0:
                        self.intrude()
                    core = self.crash(cores, busy=True)
                findings = self.scan([core]) if core else []
            if any(f.full for f in findings):
                dirty_sinks.add(sink)
            pins += any(f.full and f.secret.what == "pin" for f in findings)
            whole_rsa += any(f.full and f.secret.what == "rsa" for f in findings)
            if whole_rsa and len(dirty_sinks) == len(self.sinks):
                break
        self.check("signing", f"a whole part of an RSA key within {MOST_CRASHES} crashes",
                   "" if whole_rsa else "none was found")
        self.check("signing", "the PIN of its environment in its dump",
                   "" if pins else "it was not found")
        for sink in self.sinks:
            self.check("signing", f"a whole secret through the sink {sink}",
                       "" if sink in dirty_sinks else "none was found")

    def intrude(self):
        pid = self.stage.started[0]
        loot = self.folder / "control-loot"
        try:
            refused = attacks.intrude(loot, [pid], attacks.uid_of(pid))[pid]
            for attack in attacks.INTRUSIONS:
                path = loot / f"{attack}.{pid}"
                if attack == "cmdline":
                    continue
                found = attack not in refused and any(f.full for f in self.scan([path]))
                self.check("signing", f"a whole secret by {attack}",
                           "" if found else refused.get(attack, "none was found"))
        finally:
            core_sinks.clear(loot)

    def idle(self, core_pattern):
        """When it has signed and waits: the thief recovers an EC key, out of a nonce or
        what is worth as much."""
        stolen = []
        for _ in range(MOST_IDLE_CRASHES):
            with self.started(core_pattern, self.sinks[0]) as cores:
                self.stage.sign_a_while()
                core = self.crash(cores)
                self.stage.read_canaries()
                if core:
                    stolen += thief.steal(self.folder, self.stage.canaries.values(),
                                          self.stage.signatures(), [core]).keys
            if any(key.canary.kind == "ec" for key in stolen):
                break
        self.check("idle", "an EC key recovered by the thief, who knows no secret",
                   "" if any(key.canary.kind == "ec" for key in stolen) else "none was recovered")
        if stolen:
            ways = ", ".join(sorted({f"{k.canary.kind} by {k.by}" for k in stolen}))
            self.results.note(f"control, idle: the thief got {ways}")
