"""One act: one start of the service, in one situation, with cores into one sink and one
way to crash. Signers, the CLI and the server are attacked in it, in this order."""

import contextlib
import errno
import os
import pathlib

import harness
from cryptography.hazmat.primitives import serialization

from . import attacks, core_sinks, scanner, situations, thief
from .canaries import number
from .results import Cell


def tls_secrets(tls):
    """The private TLS keys of a state: expected in whoever has loaded them."""
    secrets = []
    for path in sorted(tls.glob("*.key")):
        key = serialization.load_pem_private_key(path.read_bytes(), None)
        numbers = key.private_numbers()
        value = numbers.private_value if hasattr(numbers, "private_value") else numbers.d
        secrets.append(number(path.stem, "tls", value, (key.key_size + 7) // 8))
    return secrets


def judge(findings, proof=None):
    """What is wrong with a dump, given what was found in it: any secret that is not
    expected; or, where it is of a process's memory, not even `proof`, the name of what
    that process certainly holds. TLS keys are expected in memory alone."""
    expected = ("marker", "tls") if proof else ("marker",)
    leaks = [f for f in findings if f.secret.what not in expected]
    if leaks:
        whole = [f for f in leaks if f.full]
        some = (whole or leaks)[0]
        return f"{len(whole)} whole and {len(leaks) - len(whole)} partial finds: {some}"
    if proof and not any(f.full and f.secret.name == proof for f in findings):
        return f"{proof}, which the process holds, is not in it: this is no whole dump"
    return ""


class Act:
    """`repeats` signers and runs of the CLI are attacked, and the server once."""

    def __init__(self, stage, results, name, sink, crash, repeats, folder):
        self.stage, self.results, self.name = stage, results, name
        self.sink, self.crash, self.repeats = sink, crash, repeats
        self.cores = folder / "cores"
        self.loot = folder / "loot"
        self.roots_loot = folder / "roots-loot"
        self.folder = folder
        self.dumps = []  # (cell, path, what proves that it is whole)
        self.roots_file = None
        self.found_tls = 0

    def play(self, core_pattern, intrusions, with_thief):
        """`intrusions`: whether to read the processes from outside, too; `with_thief`:
        whether to try what the dump holds on the public keys."""
        situation, make_cli, _ = situations.ALL[self.name]
        self.stage.start()
        try:
            with core_pattern.sink(self.sink, self.cores), situation(self.stage) as next_signer:
                if intrusions:
                    self.read_server()
                for _ in range(self.repeats):
                    self.attack_cli(make_cli, intrusions)
                for index in range(self.repeats):
                    pid = next_signer()
                    if intrusions and index == 0:
                        self.read_signer_as_root(pid)
                    self.attack_signer(pid, intrusions)
                self.crash_server()
            self.stage.end()
            self.scan(with_thief)
        finally:
            core_sinks.clear(self.cores)
            core_sinks.clear(self.loot)
            core_sinks.clear(self.roots_loot)

    def cell(self, target, attack, crash=False):
        return Cell(target, self.name, attack, self.sink if crash else "")

    # Reading from outside.

    def intrude(self, pid, uid):
        return attacks.intrude(self.loot, [pid], uid)[pid]

    def read_open(self, target, pid, proof):
        """A process that its own user may read."""
        refused = self.intrude(pid, attacks.uid_of(pid))
        for attack in attacks.INTRUSIONS:
            cell = self.cell(target, attack)
            if attack in refused:
                self.results.check(cell, f"nothing was read: {refused[attack]}")
                continue
            holds_memory = attack in ("gcore", "mem")
            self.dumps.append((cell, self.loot / f"{attack}.{pid}",
                               proof if holds_memory else None))

    def read_server(self):
        self.read_open("server", self.stage.server.pid, "server")

    def read_signer(self, pid):
        refused = self.intrude(pid, self.stage.state.partition.stat().st_uid)
        for attack in attacks.INTRUSIONS:
            cell = self.cell("sealward-hsm", attack)
            if attack == "cmdline":
                self.dumps.append((cell, self.loot / f"{attack}.{pid}", None))
            else:
                self.results.check(cell, self.reading_problem(refused.get(attack)))

    @staticmethod
    def reading_problem(error):
        if error is None:
            return "its user could read it"
        if not any(os.strerror(number) in error for number in (errno.EACCES, errno.EPERM)):
            return f"not refused, but failed: {error}"
        return ""

    def read_signer_as_root(self, pid):
        """What nothing keeps out. An idle signer has overwritten what its signatures
        left: there is nothing to be found then."""
        attacks.intrude(self.roots_loot, [pid], 0)
        self.roots_file = self.roots_loot / f"gcore.{pid}"

    # Crashing.

    def attack_signer(self, pid, intrusions):
        if intrusions:
            self.read_signer(pid)
        number_ = attacks.crash(pid, self.crash)
        attacks.wait_gone([pid])
        self.results.check(self.cell("sealward-hsm", self.crash, crash=True),
                           self.signer_problem(pid, number_))

    def signer_problem(self, pid, number_):
        if pid in core_sinks.remains(self.cores):
            return "the kernel dumped it, or began to"
        strays = [path for folder in (self.stage.state.dir, self.stage.state.partition)
                  for path in folder.glob("*core*")]
        if strays:
            return f"there is {strays[0]}"
        # Said by the server, whose child it was: it did crash.
        with contextlib.suppress(AssertionError):
            harness.wait_until(lambda: f"ended by signal {int(number_)}" in self.end_of(pid),
                               "its end in the log", seconds=20)
            return ""
        return f"it did not die of signal {number_}: {self.end_of(pid)}"

    def end_of(self, pid):
        lines = [line for line in self.stage.server.log().splitlines()
                 if f'"pid":{pid},' in line and "hsm_process" in line]
        return lines[-1] if lines else "no line of its end"

    def attack_cli(self, make_cli, intrusions):
        process = make_cli(self.stage)
        if intrusions:
            self.read_open("CLI", process.pid, "marker")
        number_ = attacks.crash(process.pid, self.crash)
        code = process.wait(timeout=harness.PATIENCE_S)
        self.expect_core("CLI", process.pid, code, number_, "marker")

    def crash_server(self):
        server = self.stage.server
        number_ = attacks.crash(server.pid, self.crash)
        code = server.process.wait(timeout=harness.PATIENCE_S)
        self.expect_core("server", server.pid, code, number_, "server")

    def expect_core(self, target, pid, code, number_, proof):
        cell = self.cell(target, self.crash, crash=True)
        core = self.cores / f"core.{pid}"
        if code != -number_:
            self.results.check(cell, f"it ended with {code}, not of signal {number_}")
        elif not core.exists():
            self.results.check(cell, "there is no dump: this proves nothing")
        else:
            self.dumps.append((cell, core, proof))

    # Looking.

    def scan(self, with_thief):
        secrets, nonces = self.stage.secrets()
        secrets += [*tls_secrets(self.stage.state.tls), self.stage.marker]
        findings = scanner.scan(self.folder, secrets, nonces, [path for _, path, _ in self.dumps])
        by_file = {}
        for finding in findings:
            by_file.setdefault(pathlib.Path(finding.file), []).append(finding)
        for cell, path, proof in self.dumps:
            found = by_file.get(path, [])
            self.results.check(cell, judge(found, proof))
            self.found_tls += sum(f.full and f.secret.what == "tls" for f in found)
        if self.roots_file:
            self.judge_residue(scanner.scan(self.folder, secrets, nonces, [self.roots_file]))
        if with_thief:
            self.steal()

    def judge_residue(self, findings):
        whole = [f for f in findings if f.full]
        if self.name == "idle":
            self.results.check(Cell("residue", self.name, "root finds no whole secret in it"),
                               str(whole[0]) if whole else "")
            loot = self.loot_of(self.roots_file)
            self.results.check(Cell("residue", self.name, "the thief gets no key out of it"),
                               f"a key by {loot.keys[0].by}" if loot.keys else "")
        kinds = ", ".join(sorted({f.secret.what for f in findings})) or "nothing"
        self.results.note(f"sealward-hsm, {self.name}, read by root: {len(whole)} whole and "
                          f"{len(findings) - len(whole)} partial finds ({kinds})")

    def loot_of(self, path):
        return thief.steal(self.folder, self.stage.canaries.values(), self.stage.signatures(),
                           [path])

    def steal(self):
        core = next(path for cell, path, _ in self.dumps
                    if cell.target == "server" and cell.sink)
        loot = self.loot_of(core)
        problem = ""
        if loot.keys:
            problem = f"{len(loot.keys)} keys, by {loot.keys[0].by}"
        elif loot.tried < loot.of:
            problem = f"only {loot.tried} of {loot.of} candidates were tried"
        self.results.check(Cell("server", self.name, "thief"), problem)
        self.results.note(f"server, {self.name}: {loot.tried} candidates of its dump tried on "
                          "every public key and signature, none opens one"
                          if not problem else problem)
