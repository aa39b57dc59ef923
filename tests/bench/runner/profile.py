"""`perf record` over server and sealward-hsm while they are under load."""

import shutil
import signal
import subprocess

from . import plan

_FREQUENCY_HZ = 1999
_SECONDS = 6
_SHOWN = 25
_LOAD = plan.Load("es256", 128)


def profile(service, rounds):
    """Prints where the CPU goes, by library and by symbol."""
    if shutil.which("perf") is None:
        print("\nNo profile: perf is not installed (Debian: linux-perf).")
        return
    watched = {"sealward-server": [service.ready["pid"]], "sealward-hsm": service.hsm_pids}
    recorders = {
        name: _record(service.directory / f"{name}.perf", pids) for name, pids in watched.items()
    }
    rounds.load(_LOAD, _SECONDS)
    for name, recorder in recorders.items():
        recorder.send_signal(signal.SIGINT)
        _, complaint = recorder.communicate(timeout=60)
        data = service.directory / f"{name}.perf"
        if not data.exists() or data.stat().st_size == 0:
            print(f"\nNo profile of {name}: {complaint.strip()}")
            continue
        print(f"\n{name}, {_LOAD.name}: CPU by library")
        _report(data, "dso")
        print(f"\n{name}, {_LOAD.name}: CPU by symbol")
        _report(data, "dso,symbol")


def _record(data, pids):
    # cpu-clock: virtual machines have no cycle counter to sample.
    return subprocess.Popen(
        ["perf", "record", "-q", "-e", "cpu-clock", "-F", str(_FREQUENCY_HZ), "-o", str(data)]
        + ["-p", ",".join(map(str, pids))],
        stdin=subprocess.DEVNULL,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.PIPE,
        text=True,
    )


def _report(data, order):
    done = subprocess.run(
        ["perf", "report", "-i", str(data), "--stdio", "--sort", order, "--no-children"],
        capture_output=True,
        text=True,
        timeout=120,
    )
    lines = [line for line in done.stdout.splitlines() if line.strip() and line[0] != "#"]
    print("\n".join(lines[:_SHOWN]))
