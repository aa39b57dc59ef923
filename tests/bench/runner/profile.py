"""`perf record` over server and sealward-hsm while they are under load."""

import collections
import shutil
import signal
import subprocess

from . import plan

_FREQUENCY_HZ = 1999
_SECONDS = 6
_SHOWN_LIBRARIES = 10
_SHOWN_SYMBOLS = 40
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
        _show(name, data)


def _show(name, data):
    samples = collections.Counter()
    for share, library, symbol in _samples(data):
        samples[library, "(stripped)" if symbol.startswith("0x") else symbol] += share
    libraries = collections.Counter()
    for (library, _), share in samples.items():
        libraries[library] += share
    print(f"\n{name}, {_LOAD.name}: CPU by library, then by symbol")
    for library, share in libraries.most_common(_SHOWN_LIBRARIES):
        print(f"{share:>7.1f} %  {library}")
    print()
    for (library, symbol), share in samples.most_common(_SHOWN_SYMBOLS):
        print(f"{share:>7.1f} %  {library:<28} {symbol[:80]}")


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


def _samples(data):
    """(percent, library, symbol) of each line of perf's report."""
    done = subprocess.run(
        ["perf", "report", "-i", str(data), "--stdio", "--no-children"]
        + ["--sort", "dso,symbol", "--fields", "overhead,dso,symbol", "-t", ";"],
        capture_output=True,
        text=True,
        timeout=120,
    )
    for line in done.stdout.splitlines():
        fields = [field.strip() for field in line.split(";", 2)]
        if len(fields) == 3 and fields[0].endswith("%"):
            yield float(fields[0][:-1]), fields[1], fields[2].removeprefix("[.] ")
