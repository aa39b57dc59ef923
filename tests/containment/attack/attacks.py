"""The attacks: three ways to crash a process, four to read it from outside."""

import ctypes
import json
import os
import pathlib
import platform
import resource
import signal
import subprocess
import sys

import harness
from harness import wait_until

from . import intruder

CRASHES = ("SEGV", "ABRT", "overflow")
INTRUSIONS = tuple(intruder.ATTACKS)

PTRACE_GETREGS, PTRACE_SETREGS = 12, 13
# In struct user_regs_struct of x86_64, whose members have 8 bytes each.
REGISTERS, RBP, ORIG_RAX, RSP = 27, 4, 15, 19
# Further than any stack may grow: RLIMIT_STACK is 8 MiB.
STACK = 8 << 20
BELOW_STACK = 64 << 20


def run_off_stack(pid):
    """Moves the main thread's stack pointer below its stack, where the next call or
    return faults, and the kernel finds no room for a handler: a stack overflow. The
    frame pointer goes along: a function that calls nothing ends with the stack pointer
    that it has from there, and would go on unharmed."""
    if platform.machine() != "x86_64":
        raise AssertionError(f"no registers are known of {platform.machine()}")
    registers = (ctypes.c_uint64 * REGISTERS)()
    ptrace, check = intruder.libc.ptrace, intruder.check
    check(ptrace(intruder.PTRACE_SEIZE, pid, None, None), "PTRACE_SEIZE")
    try:
        check(ptrace(intruder.PTRACE_INTERRUPT, pid, None, None), "PTRACE_INTERRUPT")
        os.waitpid(pid, intruder.WALL)
        check(ptrace(PTRACE_GETREGS, pid, None, registers), "PTRACE_GETREGS")
        if registers[RSP] <= registers[RBP] < registers[RSP] + STACK:
            registers[RBP] -= BELOW_STACK
        registers[RSP] -= BELOW_STACK
        registers[ORIG_RAX] = ctypes.c_uint64(-1).value  # a system call is not begun again
        check(ptrace(PTRACE_SETREGS, pid, None, registers), "PTRACE_SETREGS")
    finally:
        ptrace(intruder.PTRACE_DETACH, pid, None, None)


def crash(pid, how):
    """Returns the number of the signal that the process is to die of."""
    if how == "overflow":
        run_off_stack(pid)
        return signal.SIGSEGV
    number = getattr(signal, f"SIG{how}")
    os.kill(pid, number)
    return number


def wait_gone(pids):
    """Returns when the processes have ended, and so their cores are there, if any."""
    for pid in pids:
        wait_until(lambda p=pid: not harness.is_alive(p), f"the end of process {pid}")


def uid_of(pid):
    status = pathlib.Path(f"/proc/{pid}/status").read_text(encoding="utf-8")
    return int(next(line.split()[1] for line in status.splitlines() if line.startswith("Uid:")))


def intrude(folder, pids, uid):
    """All INTRUSIONS on each process by one of user `uid`: {pid: {attack: what was
    refused}}; what was got is in folder/ATTACK.PID."""
    folder.mkdir(exist_ok=True)
    os.chown(folder, uid, uid)

    done = subprocess.run([sys.executable, "-", folder, *map(str, pids)], cwd="/",
                          stdin=open(intruder.__file__, encoding="utf-8"), capture_output=True,
                          preexec_fn=lambda: become(uid), timeout=harness.PATIENCE_S, check=False)
    refused = {}
    for line in done.stdout.decode().splitlines():
        each = json.loads(line)
        refused[each.pop("pid")] = each
    if set(refused) != set(pids):
        raise AssertionError(f"the intruder failed: {done.stderr.decode()[-2000:]}")
    return refused


def become(uid):
    """In a preexec_fn: the user of the process, and of its group."""
    if uid != os.geteuid():
        os.setgroups([])
        os.setresgid(uid, uid, uid)
        os.setresuid(uid, uid, uid)


def become_with_cores(uid):
    """In a preexec_fn: as become, and the process may dump as much as it likes."""
    resource.setrlimit(resource.RLIMIT_CORE, (resource.RLIM_INFINITY, resource.RLIM_INFINITY))
    become(uid)
