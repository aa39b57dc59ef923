"""Batching: the client library's BatchingSigner against batches made by hand.

Both keep the same number of requests in flight, in interleaved rounds of one run, with the
same process and connection. What counts is the ratio of their rates.
"""

import statistics

from . import client, plan

BATCH = 64
UNDER_WAY = 4
WARM_UP_SECONDS = 0.25

_WAYS = {"by hand": False, "BatchingSigner": True}


def measure(service, binaries, repetitions, seconds):
    """A list of {way: numbers}, one for each repetition."""
    program = client.start(
        service, binaries, [client.describe(service, plan.KEYS[0])], "batching.json",
        binaries.batching_client)
    try:
        for way in _WAYS:
            _apply(program, way, WARM_UP_SECONDS)
        results = []
        for number in range(repetitions):
            order = list(_WAYS) if number % 2 == 0 else list(_WAYS)[::-1]
            results.append({way: _apply(program, way, seconds) for way in order})
        return results
    finally:
        program.close()


def _apply(program, way, seconds):
    answer = client.apply(
        program,
        {"key": plan.KEYS[0].name, "batching": _WAYS[way], "batch": BATCH, "under_way": UNDER_WAY},
        seconds)
    return {
        "rate": answer["ops"] * 1e9 / answer["wall_ns"],
        "client_cpu_us": answer["cpu_ns"] / answer["ops"] / 1000,
        **answer["latency"],
    }


def print_table(results):
    print(f"\nBatches of {BATCH}, {BATCH * UNDER_WAY} requests in flight, medians of {len(results)}:")
    print(f"{'':<18}{'rate':>8}{'p50 us':>9}{'p99 us':>9}{'client CPU us':>15}")
    for way in _WAYS:
        median = {name: statistics.median(each[way][name] for each in results)
                  for name in ("rate", "p50_us", "p99_us", "client_cpu_us")}
        print(f"{way:<18}{median['rate']:>8.0f}{median['p50_us']:>9.0f}", end="")
        print(f"{median['p99_us']:>9.0f}{median['client_cpu_us']:>15.1f}")
    ratios = [each["BatchingSigner"]["rate"] / each["by hand"]["rate"] for each in results]
    print(f"BatchingSigner / by hand: {statistics.median(ratios):.2f}"
          f" ({min(ratios):.2f} to {max(ratios):.2f})")
