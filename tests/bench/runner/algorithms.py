"""Every kind of algorithm: the service against the raw module, both with the same key.

For each the rate of unary calls over that of sign + verify by the module alone in the same
round: the machine's ups and downs cancel out. No targets: plan.py has those.
"""

from . import plan, report, rounds

_TENANT = "algorithms"
IN_FLIGHT = 64
WARM_UP_SECONDS = 0.25

# Keys that are there anyway, and one of each other curve, hash, padding and size.
_NEW_KEYS = (
    plan.BenchKey("es384", "ES384", "ES384", _TENANT),
    plan.BenchKey("es512", "ES512", "ES512", _TENANT),
    plan.BenchKey("rs512", "RS512-2048", "RS512", _TENANT),
    plan.BenchKey("rs3072", "RS256-3072", "RS256", _TENANT),
    plan.BenchKey("ps256", "PS256-2048", "PS256", _TENANT),
    plan.BenchKey("ps4096", "PS512-4096", "PS512", _TENANT),
)
_THERE = (*plan.KEYS, plan.NOISY_KEYS[1])
# A short look leaves these out: the others cover their hashes, paddings and sizes, and to
# generate one takes longer than to measure all.
_SLOW_TO_MAKE = ("RS256-3072", "PS512-4096")

_ORDER = ("ES256", "ES384", "ES512", "EdDSA", "RS256-2048", "RS512-2048", "RS256-3072",
          "RS256-4096", "PS256-2048", "PS512-4096")


def measure(service, binaries, repetitions, seconds, channels, quick):
    """A dict for the JSON file: each algorithm's ratio, and its numbers in every round."""
    new = [key for key in _NEW_KEYS if not (quick and key.algorithm in _SLOW_TO_MAKE)]
    keys = sorted((*_THERE, *new), key=lambda key: _ORDER.index(key.algorithm))
    service.create_tenant(_TENANT)
    for key in new:
        service.create_key(key)
    service.await_successors(keys)
    results = _run_rounds(rounds.Rounds(service, binaries, channels, keys),
                          [measure for key in keys for measure in _pair(key)], repetitions, seconds)
    judged = report.judge(results, [plan.rate_target(key.algorithm, *_pair(key)) for key in keys])
    middle = report.medians(results)
    return {"rounds": repetitions,
            "judged": [{**row, "load": middle[load], "raw": middle[raw]}
                       for row, (load, raw) in zip(judged, map(_pair, keys))]}


def _pair(key):
    return plan.Load(key.name, IN_FLIGHT), plan.Raw(key.name, plan.RAW_PROCESSES, True)


def _run_rounds(runner, measures, repetitions, seconds):
    try:
        runner.run(measures, WARM_UP_SECONDS)
        return [runner.run(measures if number % 2 == 0 else measures[::-1], seconds)
                for number in range(repetitions)]
    finally:
        runner.close()


def print_table(result):
    print(f"\nAlgorithms: unary, {IN_FLIGHT} in flight, against raw sign + verify in", end=" ")
    print(f"{plan.RAW_PROCESSES} processes, medians of {result['rounds']}; CPU in us per signature:")
    print(f"{'':<14}{'rate/s':>9}{'raw/s':>9}{'ratio':>8}{'rounds':>18}{'by CPU':>8}", end="")
    print(f"{'server':>9}{'hsm':>9}{'raw':>9}{'others':>8}")
    for row in result["judged"]:
        load, raw = row["load"], row["raw"]
        span = f"{row['lowest']:.2f} to {row['highest']:.2f}"
        print(f"{row['name'].removesuffix(' / raw'):<14}{load['rate']:>9.0f}{raw['rate']:>9.0f}", end="")
        print(f"{row['value']:>8.2f}{span:>18}{row['by_cpu']:>8.2f}{load['server_cpu_us']:>9.1f}", end="")
        print(f"{load['hsm_cpu_us']:>9.1f}{raw['cpu_us']:>9.1f}{load['others_share']:>8.0%}")
