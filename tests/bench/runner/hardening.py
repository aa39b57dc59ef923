"""What each hardening measure costs: one signer alone, with it and without it.

The program is sealward-hsm with the tests' switches (common/measures.h); the product has
none. With and without take turns, and the ratio is of neighbours: the machine's ups and downs
cancel out. CPU of the signer for each signature is told beside the rate, which others disturb.
"""

import json
import pathlib
import shutil
import statistics
import subprocess
import tempfile

from . import processes

ALGORITHMS = ("ES256", "RS256-2048", "EdDSA")
SINGLE = ("stack-burn", "wipe-on-free", "immediate-bind", "memory-lock", "not-dumpable")
TOGETHER = ",".join((*SINGLE, "core-limit", "sandbox", "no-new-privs"))
VARIANTS = (*SINGLE, "sandbox,no-new-privs", TOGETHER)
LIMIT = 0.10  # of throughput, all together


def _load(binaries, partition, seconds, algorithm, without):
    done = subprocess.run(
        [binaries.signer_load, partition, str(seconds), algorithm], capture_output=True, text=True,
        env={"SEALWARD_TEST_HSM": str(binaries.switched_hsm), "SEALWARD_WITHOUT": without,
             "LD_BIND_NOW": "" if "immediate-bind" in without else "1"}, check=False)
    if done.returncode:
        raise processes.BenchError(f"signer_load without {without!r}: {done.stderr[-500:]}")
    result = json.loads(done.stdout)
    return {"rate": result["signatures"] / result["seconds"],
            "cpu_us": 1e6 * result["cpu_seconds"] / result["signatures"]}


def measure(binaries, rounds, seconds, quick):
    """{variant: {algorithm: {"rate": [cost, …], "cpu": [cost, …]}}}, costs as shares."""
    folder = pathlib.Path(tempfile.mkdtemp(prefix="sealward-bench-"))
    folder.chmod(0o711)
    try:
        partition = folder / "partition"
        subprocess.run([binaries.switched_hsm, "init", "--dir", partition], check=True,
                       capture_output=True)
        variants = (TOGETHER,) if quick else VARIANTS
        costs = {v: {a: {"rate": [], "cpu": []} for a in ALGORITHMS} for v in variants}
        for number in range(rounds):
            for variant in variants if number % 2 == 0 else variants[::-1]:
                for algorithm in ALGORITHMS:
                    first, second = ("", variant) if number % 2 == 0 else (variant, "")
                    results = {w: _load(binaries, partition, seconds, algorithm, w)
                               for w in (first, second)}
                    cost = costs[variant][algorithm]
                    cost["rate"].append(1 - results[""]["rate"] / results[variant]["rate"])
                    cost["cpu"].append(1 - results[variant]["cpu_us"] / results[""]["cpu_us"])
        return costs
    finally:
        shutil.rmtree(folder)


def print_table(costs):
    print("\nHardening: what one signer alone loses to each measure, throughput (CPU), medians")
    print(f"  {'':28}" + "".join(f"{a:>18}" for a in ALGORITHMS))
    for variant, by_algorithm in costs.items():
        name = "all together" if variant == TOGETHER else variant
        cells = []
        for algorithm in ALGORITHMS:
            rate = 100 * statistics.median(by_algorithm[algorithm]["rate"])
            cpu = 100 * statistics.median(by_algorithm[algorithm]["cpu"])
            cells.append(f"{rate:8.1f} % ({cpu:4.1f} %)")
        print(f"  {name:28}" + "".join(f"{cell:>18}" for cell in cells))
    worst = max(statistics.median(c["rate"]) for c in costs[TOGETHER].values())
    print(f"  target: all together at most {100 * LIMIT:.0f} % of throughput: "
          f"{'met' if worst <= LIMIT else 'MISSED'} ({100 * worst:.1f} %)")
