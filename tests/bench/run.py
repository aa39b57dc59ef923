#!/usr/bin/env python3
"""./dev bench: what the service costs on top of the PKCS#11 module it signs with.

In one run and with the same keys: the raw module (1 and 2 processes, sign
alone and sign + OpenSSL verify) and the service over mTLS (unary with 1, 16
and 128 calls in flight, batches of 64 with 4 in flight), in interleaved
rounds; then each kind of algorithm likewise, unary with 64 in flight; the client
library's batching against batches made by hand, one tenant's latency while
another floods, how soon a standby signs after a revocation, what a thousand
rotations at once do to signing, what many keys cost, and what each hardening
measure does. Prints medians and the ratios against their
targets, and writes JSON.
A missed target does not fail the run; a wrong or missing signature does.
"""

import argparse
import pathlib
import signal
import sys
import types

sys.dont_write_bytecode = True  # the source tree stays clean

from runner import algorithms, batching, hardening, mass_rotation, noise, plan, planner, processes, profile, report, revocation, rounds, state  # noqa: E402

SOURCE = pathlib.Path(__file__).resolve().parents[2]
QUICK_SECONDS = 0.25
WARM_UP_SECONDS = 0.25


def parse_arguments():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--build", type=pathlib.Path, default=SOURCE / "build/release")
    parser.add_argument("--rounds", type=int, default=5, help="interleaved rounds (default 5)")
    parser.add_argument("--seconds", type=float, default=2.0, help="of each ES256 measurement")
    parser.add_argument("--channels", type=int, default=1, help="TLS connections of the client")
    parser.add_argument("--quick", action="store_true", help="one short round: does it work?")
    parser.add_argument("--only", choices=tuple(PARTS),
                        help="one part alone, printed and not written")
    parser.add_argument("--profile", action="store_true", help="perf record at the end")
    parser.add_argument("--json", type=pathlib.Path, default=SOURCE / "build/bench/latest.json")
    arguments = parser.parse_args()
    if arguments.rounds < 1 or arguments.seconds <= 0:
        parser.error("--rounds and --seconds must be positive")
    if arguments.quick:
        arguments.rounds, arguments.seconds = 1, QUICK_SECONDS
    return arguments


def find_binaries(build):
    binaries = types.SimpleNamespace(
        server=build / "bin/sealward-server",
        hsm=build / "bin/sealward-hsm",
        cli=build / "bin/sealward",
        raw=build / "tests/bench/raw_pkcs11",
        load_client=build / "tests/bench/load_client",
        batching_client=build / "tests/bench/batching_client",
        revocation_client=build / "tests/bench/revocation_client",
        many_keys_client=build / "tests/bench/many_keys_client",
        planner_bench=build / "tests/bench/planner_bench",
        signer_load=build / "tests/bench/signer_load",
    )
    # A build with the tests' switches has them in the program itself.
    switched = build / "tests/bench/bench_switched_hsm"
    binaries.switched_hsm = switched if switched.exists() else binaries.hsm
    for path in vars(binaries).values():
        if not path.exists():
            raise processes.BenchError(f"{path} is missing: build it first (./dev bench does)")
    return binaries


def measure_algorithms(arguments, service, binaries):
    return algorithms.measure(service, binaries, arguments.rounds, arguments.seconds,
                              arguments.channels, arguments.quick)


def measure_batching(arguments, service, binaries):
    return batching.measure(service, binaries, arguments.rounds, arguments.seconds)


def measure_noise(arguments, service, binaries):
    neighbours = noise.Noise(service, binaries)
    try:
        return neighbours.run(arguments.rounds, arguments.seconds)
    finally:
        neighbours.close()


def measure_revocation(arguments, service, binaries):
    return revocation.measure(service, binaries, arguments.rounds)


def measure_mass_rotation(arguments, service, binaries):
    keys = mass_rotation.QUICK_KEYS if arguments.quick else mass_rotation.KEYS
    rotation = mass_rotation.MassRotation(service, binaries, keys)
    try:
        return rotation.run(arguments.seconds * mass_rotation.PARTS)
    finally:
        rotation.close()


def measure_many_keys(arguments, _service, binaries):
    return planner.measure(binaries, arguments.quick)


def measure_hardening(arguments, _service, binaries):
    return hardening.measure(binaries, arguments.rounds, arguments.seconds / 2, arguments.quick)


# What is measured after the rounds, in this order: (measure, print).
PARTS = {
    "algorithms": (measure_algorithms, algorithms.print_table),
    "batching": (measure_batching, batching.print_table),
    "noise": (measure_noise, noise.print_table),
    "revocation": (measure_revocation, revocation.print_table),
    "mass-rotation": (measure_mass_rotation, mass_rotation.print_table),
    "many-keys": (measure_many_keys, planner.print_table),
    "hardening": (measure_hardening, hardening.print_table),
}


def measure_part(name, arguments, service, binaries):
    print(name, file=sys.stderr, flush=True)
    return PARTS[name][0](arguments, service, binaries)


def measure_one(arguments, service, binaries):
    service.start()
    PARTS[arguments.only][1](measure_part(arguments.only, arguments, service, binaries))


def measure(arguments, service, binaries):
    service.start()
    all_rounds = []
    runner = rounds.Rounds(service, binaries, arguments.channels)
    try:
        runner.run(plan.MEASURES, WARM_UP_SECONDS)
        for number in range(arguments.rounds):
            print(f"round {number + 1} of {arguments.rounds}", file=sys.stderr, flush=True)
            order = plan.MEASURES if number % 2 == 0 else plan.MEASURES[::-1]
            all_rounds.append(runner.run(order, arguments.seconds))
        parts = {name: measure_part(name, arguments, service, binaries) for name in PARTS}
        report.print_tables([{m: done[m] for m in plan.MEASURES} for done in all_rounds])
        for name, result in parts.items():
            PARTS[name][1](result)
        report.write_json(arguments.json, all_rounds, parts, report.machine(SOURCE))
        print(f"\nWritten: {arguments.json}")
        if arguments.profile:
            profile.profile(service, runner)
    finally:
        runner.close()


def main():
    arguments = parse_arguments()
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(128 + signal.SIGTERM))
    try:
        binaries = find_binaries(arguments.build.resolve())
        service = state.Service(binaries, SOURCE)
    except processes.BenchError as error:
        sys.exit(f"bench: {error}")
    try:
        (measure_one if arguments.only else measure)(arguments, service, binaries)
    except processes.BenchError as error:
        sys.exit(f"bench: {error}\n{service.log_tail()}")
    except KeyboardInterrupt:
        sys.exit(128 + signal.SIGINT)
    finally:
        service.close()


if __name__ == "__main__":
    main()
