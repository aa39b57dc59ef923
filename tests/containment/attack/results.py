"""What the attacks came to: cells of the matrix, and the report."""

import collections
import dataclasses

CONTENTS = {"server": "dumps allowed: each has to be there, whole, and clean of HSM secrets",
            "sealward-hsm": "no dump may be there, whole or in part, nor may its user read it",
            "CLI": "its dump has to be there, whole, and clean of HSM secrets"}


@dataclasses.dataclass(frozen=True)
class Cell:
    target: str
    situation: str
    attack: str
    sink: str = ""  # file, pipe, socket; empty where the attack needs none

    def __str__(self):
        sink = f" into a {self.sink}" if self.sink else ""
        return f"{self.target}, {self.situation}: {self.attack}{sink}"


class Results:
    """Counts checks. A check that failed is said at once, with its reason."""

    def __init__(self, say):
        self.say = say
        self.tries = collections.defaultdict(lambda: [0, 0])  # passed, failed
        self.notes = []

    def check(self, cell, problem):
        """`problem` says what is wrong; empty if nothing is."""
        self.tries[cell][bool(problem)] += 1
        if problem:
            self.say(f"FAILED  {cell}: {problem}")

    def note(self, text):
        if text not in self.notes:
            self.notes.append(text)

    def failed(self, cell):
        return self.tries[cell][1]

    @property
    def counts(self):
        """Passed and failed cells: one failed try fails its cell."""
        failed = sum(1 for passed_failed in self.tries.values() if passed_failed[1])
        return len(self.tries) - failed, failed

    def table(self, target, attacks, sinks):
        """Rows are situations, columns attacks; a crash has a number for each sink."""
        rows = list(dict.fromkeys(c.situation for c in self.tries if c.target == target))
        if not rows:
            return []
        lines = [f"{target} ({CONTENTS[target]})",
                 f"  {'':16}" + "".join(f"{attack:>14}" for attack in attacks)]
        for row in rows:
            entries = [self._entry(target, row, attack, sinks) for attack in attacks]
            lines.append(f"  {row:16}" + "".join(f"{entry:>14}" for entry in entries))
        return [*lines, ""]

    def _entry(self, target, situation, attack, sinks):
        counts = [self.tries[cell] for sink in ("", *sinks)
                  if (cell := Cell(target, situation, attack, sink)) in self.tries]
        if not counts:
            return "-"
        if any(failed for _, failed in counts):
            return "LEAK/FAIL"
        return "/".join(str(passed) for passed, _ in counts)

    def list(self, target):
        """Cells of a target that is no table, one a line."""
        lines = []
        for cell, (passed, failed) in self.tries.items():
            if cell.target == target:
                word = "FAILED" if failed else "ok"
                lines.append(f"  {word:7} {cell.situation}: {cell.attack} ({passed + failed})")
        return lines
