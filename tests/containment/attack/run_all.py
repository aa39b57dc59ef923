"""The whole run: control, matrix, and everything else that is written."""

import shutil
import subprocess

import harness

from . import attacks, core_sinks, writings
from .control import Control
from .matrix import Matrix

REPEATS, FULL_REPEATS = 3, 30
# Of the 30 times of a full run: so many in each act, and so many rounds of acts.
FULL_REPEATS_AN_ACT = 3


# Who serves a partition that root makes (hsm/hardening.h, kDefaultUid), and any other user.
NOBODY_OF_OURS = 64815
PROGRAMS = ("sealward-server", "sealward-hsm", "sealward", "e2e_load_client", "e2e_rpc_probe",
            "sealward_fault_module.so", "containment_scan", "containment_thief",
            "containment_unhardened_signer", "containment_hold_at_exit.so")


def make_programs_reachable(folder):
    """Another user has to start them; a checkout may lie in a folder of root's own."""
    look = subprocess.run(["test", "-x", harness.BIN / "sealward-server"], cwd="/", check=False,
                          preexec_fn=lambda: attacks.become(NOBODY_OF_OURS))
    if look.returncode == 0:
        return
    folder.mkdir()
    for name in PROGRAMS:
        shutil.copy2(harness.BIN / name, folder / name)
    harness.BIN = folder


def play_all(results, folder, options, say):
    """Returns lines for the report: what this run was."""
    no_socket = core_sinks.socket_sink()
    sinks = ["file", "pipe"] + ([] if no_socket else ["socket"])
    lines = [f"core sinks: {', '.join(sinks)}"]
    if no_socket:
        lines.append(f"no socket sink: {no_socket}")
    rounds = FULL_REPEATS // FULL_REPEATS_AN_ACT if options.full else 1
    with core_sinks.CorePattern() as core_pattern:
        make_programs_reachable(folder / "bin")
        say("the control: a signer without hardening has to leak")
        Control(results, folder, sinks).play(core_pattern)
        say("the matrix")
        matrix = Matrix(results, folder, sinks, REPEATS, rounds, options.situation)
        matrix.play(core_pattern, say)
    say("everything else that is written")
    writings.play(results, folder)
    lines.append(f"{matrix.acts} starts of the service were attacked; its own TLS keys were "
                 f"found whole {matrix.found_tls} times, in server and CLI, where they belong")
    return lines
