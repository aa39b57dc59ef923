"""The situations of the matrix. Each is a context manager: in its block the service is
in the situation. It yields a function that gives signers to attack, one or more, none
of them twice; the situation lasts until none is left."""

import contextlib
import json
import os
import signal

from harness import claims, wait_until


def once(pids):
    """Gives them one after the other."""
    left = list(pids)
    return left.pop


@contextlib.contextmanager
def idle(stage):
    """It has signed, and now waits for work."""
    stage.sign_a_while()
    yield once(stage.started)


@contextlib.contextmanager
def signing(stage):
    """All keys sign, on every signer."""
    with stage.load():
        yield once(stage.started)


@contextlib.contextmanager
def rotating(stage):
    """Keys are generated, published and rotated while another one signs."""
    with stage.load(["es"]), stage.rotations():
        yield once(stage.started)


@contextlib.contextmanager
def reconnecting(stage):
    """The HSM went away, and new processes log in, one at a time. Each that does stays
    in C_Login, with the PIN still in its page and the partition's keys just opened."""
    attacked = set(stage.signers())
    logins = stage.faults.calls("C_Login")
    with stage.load():
        stage.faults.set("C_SignInit * return CKR_DEVICE_REMOVED", "C_Login * hang-after")
        wait_until(lambda: not attacked & set(stage.signers()), "the old processes to end")

    def next_signer():
        nonlocal logins
        wait_until(lambda: stage.faults.calls("C_Login") > logins, "another login")
        logins = stage.faults.calls("C_Login")
        fresh = wait_until(lambda: [p for p in stage.signers() if p not in attacked],
                           "the process that logs in")
        attacked.add(fresh[0])
        return fresh[0]
    yield next_signer


def ending(rule):
    """The signers end, and stay where `rule` holds them."""
    @contextlib.contextmanager
    def situation(stage):
        stage.sign_a_while()
        signers, calls = stage.signers(), stage.faults.calls("C_Finalize")
        stage.faults.set(rule)
        for pid in signers:
            os.kill(pid, signal.SIGTERM)
        wait_until(lambda: stage.faults.calls("C_Finalize") >= calls + len(signers),
                   "all of them in C_Finalize")
        yield once(signers)
    return situation


def sign_in_cli(stage):
    return stage.hold_cli("issuer", "jwt", "sign", "demo/es", "--claims", "-",
                          stdin=json.dumps(claims("es")))


def rotate_in_cli(stage):
    return stage.hold_cli("operator", "keys", "rotate", "demo/es")


def ask_in_cli(stage):
    return stage.hold_cli("admin", "status")


# Name: the situation, a run of the CLI in it, and whether the partition is on the fault
# module, which stops SoftHSM2 where it has to stay. The end of the last session is the
# logout (PKCS#11 v2.40, section 5.6); C_Finalize is what follows it.
ALL = {
    "idle": (idle, sign_in_cli, False),
    "signing": (signing, sign_in_cli, False),
    "rotating": (rotating, rotate_in_cli, False),
    "reconnecting": (reconnecting, ask_in_cli, True),
    "after logout": (ending("C_Finalize * hang"), ask_in_cli, True),
    "after finalize": (ending("C_Finalize * hang-after"), ask_in_cli, True),
}
