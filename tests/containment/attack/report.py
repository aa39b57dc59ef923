"""The report, for somebody who reviews the service's security."""

from . import attacks

COVERED = """\
What this covers
  Looked for: every private component of every key in the partition (RSA d, p, q, dp, dq, qinv
    and the primes' Montgomery constants; EC d and d·R; Ed25519 seed, hash, scalar, prefix), the
    PIN, the key derived from it, the partition's master key, and of each recorded signature the
    nonce and what is worth as much. As bytes in both orders; all but nonces also as hexadecimal
    text and base64 at three alignments. Eight bytes in a row count.
  The private values are read from the token directory with the PIN; the keys are generated in
    the partition as ever, and their public halves compared with the JWKS.
  Each dump of the server has to hold the server's own TLS key, whole, each of the CLI a marker
    from its environment: so it is a dump of its memory, and the search works on it.
What this does not cover
  Root, the kernel, kdump, a hypervisor's snapshot, DMA: nothing in software holds against them.
  A server that is hijacked and asks for signatures (SECURITY.md).
  The row "supervisor" is not there: no process of ours starts the server; the server starts the
    signers itself, or systemd starts both.
  The CLI makes one call and ends: it is attacked at its end, with all that it held.
  HSMs other than SoftHSM2."""

TARGETS = ("sealward-hsm", "server", "CLI")
SINKS = ("file", "pipe", "socket")


def report(results, summary):
    lines = ["", *summary, "",
             "A number is how often a cell was tried and held; a crash has one for each core "
             "sink.", ""]
    for target in TARGETS:
        lines += results.table(target, (*attacks.CRASHES, *attacks.INTRUSIONS), SINKS)
    for title, target in (("the residue: what root finds in a sealward-hsm that waits for work",
                           "residue"),
                          ("everything else that is written (clean of HSM secrets)", "files"),
                          ("the control: an unhardened signer under the same load leaks",
                           "control")):
        if listed := results.list(target):
            lines += [title, *listed, ""]
    if results.notes:
        lines += ["Notes", *(f"  {note}" for note in results.notes), ""]
    return [*lines, COVERED, ""]
