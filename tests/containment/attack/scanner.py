"""containment_scan from Python: which of the secrets some files hold."""

import dataclasses
import json
import pathlib
import subprocess

import harness

from . import patterns
from .canaries import Secret


class Failed(Exception):
    """The scanner did not look at all of it: nothing is known."""


@dataclasses.dataclass(frozen=True)
class Finding:
    file: pathlib.Path
    secret: Secret
    spelling: str
    full: bool
    length: int  # bytes of the spelling in a row
    of: int      # bytes of the whole spelling
    in_secret: int
    in_file: int
    count: int

    def __str__(self):
        how = "whole" if self.full else f"{self.length} of {self.of} bytes from {self.in_secret}"
        return f"{self.secret.name} as {self.spelling}, {how}, at {self.in_file:#x}"


def scan(folder, secrets, nonces, files):
    """Findings in `files`, one for each spelling of each secret; `folder` is for the
    pattern file, which is removed: it holds all the secrets."""
    path = pathlib.Path(folder) / "patterns"
    known = patterns.write(path, secrets, nonces)
    try:
        done = subprocess.run([harness.BIN / "containment_scan", path, *files],
                              capture_output=True, check=False)
    finally:
        path.unlink()
    if done.returncode != 0:
        raise Failed(done.stderr.decode("utf-8", "replace"))
    findings, scanned = [], 0
    for line in done.stdout.decode("utf-8").splitlines():
        each = json.loads(line)
        if "scanned" in each:
            scanned += 1
            continue
        identity = each.pop("id")
        findings.append(Finding(pathlib.Path(each.pop("file")), known[identity],
                                identity.rpartition("/")[2], **each))
    if scanned != len(files):
        raise Failed(f"{scanned} of {len(files)} files were scanned")
    return findings
