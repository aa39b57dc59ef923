"""Child processes that end when the runner does, however it ends."""

import ctypes
import json
import os
import select
import signal
import subprocess

_PR_SET_PDEATHSIG = 1
_LIBC = ctypes.CDLL(None)
TICKS_PER_SECOND = os.sysconf("SC_CLK_TCK")


class BenchError(Exception):
    """The bench cannot go on; the message says why."""


def die_with_parent():
    """For preexec_fn: SIGTERM when the runner is gone, kill -9 included."""
    _LIBC.prctl(_PR_SET_PDEATHSIG, signal.SIGTERM, 0, 0, 0)


def run(command, **options):
    """Runs a short command to its end and returns its stdout."""
    done = subprocess.run(
        [str(part) for part in command], capture_output=True, text=True, timeout=120, **options
    )
    if done.returncode != 0:
        raise BenchError(
            f"{' '.join(map(str, command))}: exit code {done.returncode}\n{done.stdout}{done.stderr}"
        )
    return done.stdout


def start(command, log):
    """A program that goes on by itself and answers on its stdout at the end."""
    return subprocess.Popen(
        [str(part) for part in command], stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
        stderr=log, text=True, preexec_fn=die_with_parent)


def stop(process, patience_s=20):
    """Ends one child by its pid: SIGTERM, and SIGKILL if it does not listen."""
    if process.poll() is not None:
        return
    process.terminate()
    try:
        process.wait(patience_s)
    except subprocess.TimeoutExpired:
        process.kill()
        process.wait()


class LineProgram:
    """raw_pkcs11 or load_client, spoken to as line_protocol.h says."""

    # An answer comes this long after the measuring time at the latest.
    GRACE_S = 60

    def __init__(self, binary, config_path, config, log, env=None):
        config_path.write_text(json.dumps(config))
        self.name = binary.name
        self.process = subprocess.Popen(
            [str(binary), str(config_path)],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=log,
            text=True,
            env=env,
        )

    def wait_ready(self):
        self.receive(0)

    def send(self, command):
        try:
            self.process.stdin.write(json.dumps(command) + "\n")
            self.process.stdin.flush()
        except BrokenPipeError:
            raise BenchError(f"{self.name} ended") from None

    def receive(self, seconds):
        readable, _, _ = select.select([self.process.stdout], [], [], seconds + self.GRACE_S)
        if not readable:
            raise BenchError(f"{self.name} does not answer")
        line = self.process.stdout.readline()
        if not line:
            raise BenchError(f"{self.name} ended with code {self.process.wait()}")
        answer = json.loads(line)
        if "error" in answer:
            raise BenchError(f"{self.name}: {answer['error']}")
        return answer

    def close(self):
        self.process.stdin.close()  # it ends at end of file
        try:
            self.process.wait(20)
        except subprocess.TimeoutExpired:
            stop(self.process)


def cpu_us(pid):
    """User and system time of a process so far, all threads; 10 ms grain."""
    try:
        with open(f"/proc/{pid}/stat", encoding="ascii") as stat:
            fields = stat.read().rpartition(")")[2].split()
    except FileNotFoundError:
        raise BenchError(f"process {pid} of the service ended while it was measured") from None
    return (int(fields[11]) + int(fields[12])) * 1_000_000 // TICKS_PER_SECOND


def machine_busy_us():
    """Time in which any CPU of the machine did anything, the hypervisor's share included."""
    with open("/proc/stat", encoding="ascii") as stat:
        user, nice, system, _, _, irq, softirq, steal = map(int, stat.readline().split()[1:9])
    return (user + nice + system + irq + softirq + steal) * 1_000_000 // TICKS_PER_SECOND
