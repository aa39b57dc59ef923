"""Revocation: from the RPC to the first signature of the standby, under a signing caller."""

import json
import statistics

from . import processes

# From the RPC to the standby's first signature; the answer comes after the HSM's tombstone.
TARGET_MS = 1000


def measure(service, binaries, repetitions):
    """A list of what revocation_client printed, each with a key of its own."""
    results = []
    for number in range(repetitions):
        version, claims = service.make_revocable_key(number)
        path = service.directory / "revocation.json"
        tls = service.directory / "tls"
        path.write_text(json.dumps({
            "admin": service.ready["admin"], "signing": service.ready["signing"],
            "ca": str(tls / "ca.pem"), "version": version, "claims": json.dumps(claims),
            **{identity: {"certificate": str(tls / f"{identity}.pem"),
                          "private_key": str(tls / f"{identity}.key")}
               for identity in ("operator", "issuer")}}))
        results.append(json.loads(processes.run([binaries.revocation_client, path])))
    return results


def print_table(results):
    first = [each["first_signature_ms"] for each in results]
    answer = [each["answer_ms"] for each in results]
    verdict = "ok" if max(first) <= TARGET_MS else "MISSED"
    print(f"\nRevocation, {len(results)} times, in ms (target: signs within {TARGET_MS}): {verdict}")
    for name, values in (("first signature of the standby", first), ("answer", answer)):
        print(f"  {name:32} median {statistics.median(values):8.1f}  worst {max(values):8.1f}")
