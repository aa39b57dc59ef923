"""Medians, ratios, the printed table and the JSON file."""

import json
import os
import platform
import re
import statistics
import subprocess

from . import plan

# More of the machine's busy time than this in other hands makes a round noisy.
NOISY_SHARE = 0.05
_PACKAGES = ("softhsm2", "libssl3", "libgrpc++1.51", "libprotobuf32", "libabsl20220623", "g++")


def medians(rounds):
    """{measure: {number: median over the rounds}}."""
    return {
        measure: {
            number: statistics.median(results[measure][number] for results in rounds)
            for number in rounds[0][measure]
        }
        for measure in rounds[0]
    }


def judge(rounds, targets=plan.TARGETS):
    """Each target as a dict, with the median of its value in each round: the
    machine's own ups and downs from round to round cancel out."""
    judged = []
    for target in targets:
        values = [target.value(results) for results in rounds]
        value = statistics.median(values)
        by_cpu = None
        if target.by_cpu:
            by_cpu = statistics.median(target.by_cpu(results) for results in rounds)
        judged.append(
            {
                "name": target.name,
                "value": value,
                "lowest": min(values),
                "highest": max(values),
                "by_cpu": by_cpu,
                "unit": target.unit,
                "limit": target.limit,
                "at_least": target.at_least,
                "met": target.met(value),
            }
        )
    return judged


def machine(source):
    cpuinfo = open("/proc/cpuinfo", encoding="utf-8").read()
    model = re.search(r"^model name\s*:\s*(.*)$", cpuinfo, re.MULTILINE)
    return {
        "cores": os.cpu_count(),
        "cpu": model.group(1) if model else platform.machine(),
        "kernel": platform.release(),
        "loadavg": os.getloadavg(),
        "versions": _output(["dpkg-query", "-W", *_PACKAGES]).split("\n"),
        "git": _output(["git", "-C", str(source), "describe", "--always", "--dirty", "--tags"]),
    }


def _output(command):
    try:
        return subprocess.run(command, capture_output=True, text=True).stdout.strip()
    except OSError:
        return ""


def print_tables(rounds):
    middle = medians(rounds)
    print(f"\nMedians of {len(rounds)} rounds; CPU in us per signature, latencies in us per call.")
    for key in plan.KEYS:
        print(f"\n{key.algorithm:<28}{'rate/s':>9}{'p50':>9}{'p99':>9}", end="")
        print(f"{'server':>9}{'hsm':>7}{'own':>7}{'others':>8}")
        for measure, numbers in middle.items():
            if measure.key == key.name:
                _print_row(measure, numbers)
    print(f"\n{'':<42}{'median':>8}{'by CPU':>8}{'rounds':>18}{'target':>9}")
    for target in judge(rounds):
        _print_target(target)
    _warn_of_noise(middle)


def _print_row(measure, numbers):
    raw = isinstance(measure, plan.Raw)
    print(f"{measure.name:<28}{numbers['rate']:>9.0f}", end="")
    print(f"{numbers['p50_us']:>9.0f}{numbers['p99_us']:>9.0f}", end="")
    print(f"{'':>16}" if raw else f"{numbers['server_cpu_us']:>9.1f}{numbers['hsm_cpu_us']:>7.1f}", end="")
    own = numbers["cpu_us" if raw else "client_cpu_us"]
    print(f"{own:>7.1f}{numbers['others_share']:>8.0%}")


def _print_target(target):
    span = f"{target['lowest']:.2f} to {target['highest']:.2f}"
    by_cpu = "" if target["by_cpu"] is None else f"{target['by_cpu']:.2f}"
    print(f"{target['name']:<42}{target['value']:>8.2f}{by_cpu:>8}{span:>18}", end="")
    if target["met"] is None:
        print()
        return
    limit = f"{'>=' if target['at_least'] else '<='} {target['limit']:g}"
    print(f"{limit:>9}  {'met' if target['met'] else 'NOT MET'}")


def _warn_of_noise(middle):
    worst = max(numbers["others_share"] for numbers in middle.values())
    if worst > NOISY_SHARE:
        print(f"\nNoisy: other programs had up to {worst:.0%} of the machine's busy time.")


def write_json(path, rounds, parts, facts):
    """`parts`: the results of what was measured after the rounds, by name."""
    def flat(results):
        return {f"{m.key}: {m.name}": numbers for m, numbers in results.items()}

    path.parent.mkdir(parents=True, exist_ok=True)
    document = {
        "machine": facts,
        "medians": flat(medians(rounds)),
        "targets": judge(rounds),
        **parts,
        "rounds": [flat(results) for results in rounds],
    }
    new = path.with_suffix(".new")
    new.write_text(json.dumps(document, indent=1) + "\n")
    new.replace(path)
