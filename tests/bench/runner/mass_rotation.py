"""Mass rotation: what a thousand keys that rotate at once do to everybody else's signing.

One key is offered a steady share of what the service can do, first alone, then while all
the others are rotated: while the switches are asked for and answered, and while the
driver goes on to generate successors. The p99 of either part, over the p99 alone just
before, is what counts.
"""

import json
import sys
import time

from . import client, plan, processes
from .processes import BenchError

KEYS = 1000
QUICK_KEYS = 8
# Of the capacity; gRPC waits in whole milliseconds, so calls come in small bursts.
SHARE = 0.4
IN_FLIGHT = 256
# Each part is measured for this many times as long as a signing measurement.
PARTS = 5
TARGET = 2.0
# Until the driver has made every key's first successor, and every rotated key's next.
PATIENCE_S = 900

_TENANT = "mass"


class MassRotation:
    """REQUIRES: the service is started."""

    def __init__(self, service, binaries, keys):
        self._service = service
        self._binaries = binaries
        self._keys = keys
        self._load = client.start(
            service, binaries, [client.describe(service, plan.KEYS[0])], "mass-load.json")

    def close(self):
        self._load.close()

    def run(self, seconds):
        """A dict for the JSON file; the load is measured for `seconds` in each part."""
        self._service.create_tenant(_TENANT)
        created = self._act("create")
        self._await_versions(2)
        capacity = self._capacity(seconds)
        parts = {"alone": self._apply(capacity, seconds)}
        begin = time.monotonic()
        rotation = self._start("rotate")
        parts["switches"] = self._apply(capacity, seconds)
        lasted = {"switches": rotation.poll() is None}
        rotated = self._finish(rotation)
        parts["generation"] = self._apply(capacity, seconds)
        lasted["generation"] = self._count(3) < self._keys
        self._await_versions(3)
        return {
            "keys": self._keys,
            "capacity": capacity,
            "seconds": seconds,
            "created_ms": created["wall_ms"],
            "rotated_ms": rotated["wall_ms"],
            "whole_ms": (time.monotonic() - begin) * 1e3,
            "lasted": lasted,
            **{name: {"ops": each["ops"], **each["latency"]} for name, each in parts.items()},
        }

    def _capacity(self, seconds):
        full = {**self._paced(0), "rate": 0.0}
        client.apply(self._load, full, seconds)  # warm
        answer = client.apply(self._load, full, seconds)
        return answer["ops"] * 1e9 / answer["wall_ns"]

    @staticmethod
    def _paced(capacity):
        return {"key": plan.KEYS[0].name, "concurrency": IN_FLIGHT, "batch": 0, "channels": 1,
                "rate": capacity * SHARE, "may_be_refused": False}

    def _apply(self, capacity, seconds):
        """It takes many minutes in all: what is known is told at once."""
        answer = client.apply(self._load, self._paced(capacity), seconds)
        print(f"p99 {answer['latency']['p99_us']:.0f} us", file=sys.stderr, flush=True)
        return answer

    def _act(self, act):
        return self._finish(self._start(act))

    @staticmethod
    def _finish(process):
        out, _ = process.communicate(timeout=PATIENCE_S)
        if process.returncode != 0:
            raise BenchError("many_keys_client failed")
        return json.loads(out)

    def _start(self, act):
        tls = self._service.directory / "tls"
        path = self._service.directory / f"many-keys-{act}.json"
        path.write_text(json.dumps({
            "act": act, "count": self._keys, "admin": self._service.ready["admin"],
            "ca": str(tls / "ca.pem"), "tenant": f"tenants/{_TENANT}",
            "issuer_url": f"{self._service.ready['https']}/mass", "audience": "mass",
            "identities": {
                name: {"certificate": str(tls / f"{name}.pem"),
                       "private_key": str(tls / f"{name}.key")}
                for name in ("admin", "operator")}}))
        return processes.start([self._binaries.many_keys_client, path], self._service.log)

    def _count(self, number):
        """How many of the keys have got their version `number`, by the server's log."""
        return self._service.count_events(
            "key_version_generated", key=f"tenants/{_TENANT}/keys/", version=number)

    def _await_versions(self, number):
        deadline = time.monotonic() + PATIENCE_S
        while (there := self._count(number)) < self._keys:
            if time.monotonic() > deadline:
                raise BenchError(f"only {there} of {self._keys} keys have version {number}")
            time.sleep(0.2)


def ratios(result):
    return {name: result[name]["p99_us"] / result["alone"]["p99_us"]
            for name in ("switches", "generation")}


def print_table(result):
    print(f"\nMass rotation of {result['keys']} keys, others signing at {SHARE:.0%} of", end=" ")
    print(f"{result['capacity']:.0f}/s: answered in {result['rotated_ms'] / 1e3:.1f} s,", end=" ")
    print(f"all successors there in {result['whole_ms'] / 1e3:.1f} s")
    print(f"\n{'in the first ' + format(result['seconds'], 'g') + ' s of':<30}", end="")
    print(f"{'p50':>9}{'p99':>9}{'p99 ratio':>11}")
    for name, ratio in {"alone": None, **ratios(result)}.items():
        numbers = result[name]
        print(f"{name:<30}{numbers['p50_us']:>9.0f}{numbers['p99_us']:>9.0f}", end="")
        if ratio is not None:
            print(f"{ratio:>11.2f}  <= {TARGET:g}  {'met' if ratio <= TARGET else 'NOT MET'}", end="")
            print("" if result["lasted"][name] else "  (it took less)", end="")
        print()
