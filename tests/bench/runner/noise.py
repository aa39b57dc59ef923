"""The noisy neighbour: what one tenant's flood does to another's latency.

Tenant B ("bench") is offered a tenth of what the service can do alone; tenant A
("noisy") floods. B's p99 with A, over B's p99 alone in the same repetition, is
what counts: the machine's ups and downs cancel out.
"""

import statistics
import time

from . import client, plan

# B's share of the capacity that it has alone, and A's quota likewise.
B_SHARE = 0.10
A_QUOTA_SHARE = 0.10
A_OVER_QUOTA = 10
FLOOD_IN_FLIGHT = 128
LEAD_SECONDS = 0.2
# In flight at most, of a paced load: enough that it never waits for a call.
PACED_IN_FLIGHT = 256

TARGET = 1.5
# (name, A's key, whether A has a quota, whether the target is for this one)
CASES = (
    ("A at 10x its quota", "es256", True, True),
    ("A without quota, ES256", "es256", False, False),
    ("A without quota, RS256-4096", "rs4096", False, False),
)


class Noise:
    """Two clients, one for each tenant; REQUIRES: the service is started."""

    def __init__(self, service, binaries):
        self._service = service
        keys = {
            name: [client.describe(service, key) for key in keys]
            for name, keys in (("a", plan.NOISY_KEYS), ("b", plan.KEYS[:1]))
        }
        self._b = client.start(service, binaries, keys["b"], "b.json")
        try:
            self._a = client.start(service, binaries, keys["a"], "a.json")
        except BaseException:
            self._b.close()
            raise

    def close(self):
        self._a.close()
        self._b.close()

    def run(self, repetitions, seconds):
        """A dict for the JSON file: the capacity and all repetitions."""
        full = _command("es256", PACED_IN_FLIGHT)
        client.apply(self._b, full, seconds)  # warm
        capacity = _rate(client.apply(self._b, full, seconds))
        all_repetitions = []
        for _ in range(repetitions):
            alone = self._b_alone(capacity, seconds)
            cases = {
                name: self._with_a(capacity, seconds, key, quota)
                for name, key, quota, _ in CASES
            }
            all_repetitions.append({"alone": alone, "cases": cases})
        return {"capacity": capacity, "repetitions": all_repetitions, "judged": judge(all_repetitions)}

    def _b_load(self, capacity):
        return _command("es256", PACED_IN_FLIGHT, rate=capacity * B_SHARE)

    def _b_alone(self, capacity, seconds):
        return _numbers(client.apply(self._b, self._b_load(capacity), seconds))

    def _with_a(self, capacity, seconds, key, quota):
        per_second = max(1, int(capacity * A_QUOTA_SHARE)) if quota else 0
        self._service.set_noisy_quota(per_second)
        a_load = _command(key, FLOOD_IN_FLIGHT, may_be_refused=True)
        if quota:
            a_load = _command(key, PACED_IN_FLIGHT, A_OVER_QUOTA * per_second, True)
        # A is there before B comes and stays until after B has gone.
        self._a.send({**a_load, "seconds": seconds + 2 * LEAD_SECONDS})
        time.sleep(LEAD_SECONDS)
        b = client.apply(self._b, self._b_load(capacity), seconds)
        a = client.receive(self._a, a_load, seconds)
        return {**_numbers(b), "a_rate": _rate(a), "a_refused": a["refused"], "a_quota": per_second}


def _command(key, concurrency, rate=0.0, may_be_refused=False):
    return {
        "key": key,
        "concurrency": concurrency,
        "batch": 0,
        "channels": 1,
        "rate": rate,
        "may_be_refused": may_be_refused,
    }


def _rate(answer):
    return answer["ops"] * 1e9 / answer["wall_ns"]


def _numbers(answer):
    return {"rate": _rate(answer), **answer["latency"]}


def judge(repetitions):
    """For each case the median over the repetitions of p99 with A / p99 alone."""
    judged = []
    for name, _, _, has_target in CASES:
        ratios = [each["cases"][name]["p99_us"] / each["alone"]["p99_us"] for each in repetitions]
        value = statistics.median(ratios)
        judged.append(
            {
                "name": name,
                "value": value,
                "lowest": min(ratios),
                "highest": max(ratios),
                "limit": TARGET if has_target else None,
                "met": value <= TARGET if has_target else None,
            }
        )
    return judged


def print_table(noise):
    repetitions = noise["repetitions"]
    print(f"\nNoisy neighbour, medians of {len(repetitions)}: B is offered {B_SHARE:.0%} of", end=" ")
    print(f"{noise['capacity']:.0f} signatures/s.")
    print(f"\n{'':<30}{'B p50':>8}{'B p99':>8}{'A/s':>8}{'refused':>9}{'p99 ratio':>11}{'span':>16}")
    alone = [each["alone"] for each in repetitions]
    print(f"{'B alone':<30}{_median(alone, 'p50_us'):>8.0f}{_median(alone, 'p99_us'):>8.0f}")
    for row in noise["judged"]:
        cases = [each["cases"][row["name"]] for each in repetitions]
        print(f"{row['name']:<30}{_median(cases, 'p50_us'):>8.0f}{_median(cases, 'p99_us'):>8.0f}", end="")
        print(f"{_median(cases, 'a_rate'):>8.0f}{_median(cases, 'a_refused'):>9.0f}", end="")
        span = f"{row['lowest']:.2f} to {row['highest']:.2f}"
        print(f"{row['value']:>11.2f}{span:>16}", end="")
        verdict = {None: "", True: "met", False: "NOT MET"}[row["met"]]
        print("" if row["limit"] is None else f"  <= {row['limit']:g}  {verdict}")


def _median(dicts, name):
    return statistics.median(each[name] for each in dicts)
