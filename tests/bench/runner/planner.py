"""Many keys: start-up and the driver's passes, with many versions and with few."""

import json

from . import processes

MANY = 100_000
FEW = 1_000
QUICK = 4_000
# What is due costs what is due, not what there is.
TARGETS = {"due_pass_ms": 2.0}


def measure(binaries, quick):
    """What planner_bench printed, for few and for many versions, in turn."""
    return [json.loads(processes.run([binaries.planner_bench, str(versions)]))
            for versions in (FEW, QUICK if quick else MANY)]


def print_table(results):
    few, many = results
    print(f"\nMany keys: {many['versions']} versions and {few['versions']}, ten keys due, in ms of CPU")
    rows = (("start-up", "start_ms"), ("  reading the records alone", "read_ms"),
            ("first pass (looks at every key)", "first_pass_ms"),
            ("pass with nothing due", "idle_pass_ms"), ("pass with ten keys due", "due_pass_ms"))
    for name, field in rows:
        ratio = many[field] / max(few[field], 1e-3)
        print(f"  {name:34}{many[field]:10.1f}{few[field]:10.1f}   x {ratio:.1f}", end="")
        if field in TARGETS:
            met = "met" if ratio <= TARGETS[field] else "NOT MET"
            print(f"  <= {TARGETS[field]:g}  {met}", end="")
        print()
    print(f"  start-up takes {1e3 * many['start_ms'] / many['versions']:.0f} us a version")
