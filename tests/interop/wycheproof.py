"""Project Wycheproof's vectors against Sealward's verifier and its reading of signing inputs.

usage: wycheproof.py DIRECTORY PROBE

DIRECTORY is the project's testvectors_v1 (`./dev interop` fetches it), PROBE the program
interop_signature_probe. A vector that is invalid and accepted is a hole; a valid one that
is refused a JWT that dies, but for the headers of JWS that Sealward refuses on purpose.
"""

import base64
import json
import pathlib
import subprocess
import sys

from jwcrypto import jwk

# File, algorithm (of RSA: without its size). Parameters that Sealward has not are left out.
RAW = [
    ("ecdsa_secp256r1_sha256_p1363", "ES256"),
    ("ecdsa_secp384r1_sha384_p1363", "ES384"),
    ("ecdsa_secp521r1_sha512_p1363", "ES512"),
    ("ed25519", "EdDSA"),
    ("rsa_signature_2048_sha256", "RS256"),
    ("rsa_signature_2048_sha384", "RS384"),
    ("rsa_signature_2048_sha512", "RS512"),
    ("rsa_signature_3072_sha256", "RS256"),
    ("rsa_signature_3072_sha384", "RS384"),
    ("rsa_signature_3072_sha512", "RS512"),
    ("rsa_signature_4096_sha256", "RS256"),
    ("rsa_signature_4096_sha384", "RS384"),
    ("rsa_signature_4096_sha512", "RS512"),
    ("rsa_pss_2048_sha256_mgf1_0", "PS256"),
    ("rsa_pss_2048_sha256_mgf1_32", "PS256"),
    ("rsa_pss_2048_sha384_mgf1_48", "PS384"),
    ("rsa_pss_3072_sha256_mgf1_32", "PS256"),
    ("rsa_pss_4096_sha256_mgf1_32", "PS256"),
    ("rsa_pss_4096_sha384_mgf1_48", "PS384"),
    ("rsa_pss_4096_sha512_mgf1_32", "PS512"),
    ("rsa_pss_4096_sha512_mgf1_64", "PS512"),
]
JWS = "json_web_signature"


def named(algorithm, bits):
    return f"{algorithm}-{bits}" if algorithm[:2] in ("RS", "PS") else algorithm


def raw_lines(directory):
    """(line for the probe, wanted result, what it is) of each vector."""
    for file, algorithm in RAW:
        groups = json.loads((directory / f"{file}_test.json").read_text())["testGroups"]
        for group in groups:
            name = named(algorithm, group.get("keySize", 0))
            salt = group.get("sLen", "-") if algorithm.startswith("PS") else "-"
            if group["publicKey"].get("publicExponent", "010001") != "010001":
                continue  # a key with e = 3, say: Sealward neither makes nor publishes one
            for test in group["tests"]:
                yield (f"raw {name} {group['publicKeyDer']} {test['msg'] or '-'} "
                       f"{test['sig'] or '-'} {salt}", test["result"],
                       f"{file} {test['tcId']}: {test['comment']}")


def spki(key):
    """DER of a JWK's public half, in hex."""
    parts = {k: v for k, v in key.items() if k in ("kty", "crv", "x", "y", "n", "e")}
    pem = jwk.JWK(**parts).export_to_pem().decode()
    return base64.b64decode("".join(pem.strip().splitlines()[1:-1])).hex()


def header_alg(compact):
    text = compact.split(".")[0]
    return json.loads(base64.urlsafe_b64decode(text + "=" * (-len(text) % 4)))["alg"]


def bits_of(key):
    return 8 * len(base64.urlsafe_b64decode(key["n"] + "==")) if "n" in key else 0


def jws_lines(directory):
    for group in json.loads((directory / f"{JWS}_test.json").read_text())["testGroups"]:
        key = group.get("public")
        if not key or group["comment"].endswith("encryption") or "encryption" in group["comment"]:
            continue  # a MAC; or a rule about `use`, which a published key's own metadata says
        for test in group["tests"]:
            if not isinstance(test["jws"], str):
                continue
            # The cookbook's keys name another alg than their figures.
            cookbook = group["comment"].startswith("rfc7520")
            algorithm = header_alg(test["jws"]) if cookbook else key["alg"]
            yield (f"jws {named(algorithm, bits_of(key))} {spki(key)} {test['jws'] or '-'}",
                   test["result"], f"{JWS} {test['tcId']}: {test['comment']}")


def main():
    directory, probe = pathlib.Path(sys.argv[1]), sys.argv[2]
    vectors = [*raw_lines(directory), *jws_lines(directory)]
    answers = subprocess.run([probe], input="".join(f"{v[0]}\n" for v in vectors), text=True,
                             check=True, capture_output=True).stdout.splitlines()
    assert len(answers) == len(vectors), "the probe did not answer every line"
    wrong, taken, strict = [], 0, 0
    for (line, wanted, what), answer in zip(vectors, answers):
        accepted = answer == "yes"
        taken += accepted
        if wanted == "invalid" and accepted:
            wrong.append(f"HOLE     {what}")
        if wanted == "valid" and not accepted:
            if line.startswith("jws") and answer.startswith("no: the signing input"):
                strict += 1
            else:
                wrong.append(f"REFUSED  {what}: {answer}")
    for each in wrong:
        print(each)
    print(f"{len(vectors)} vectors: {taken} accepted; {strict} valid JWS have headers that Sealward "
          "does not sign")
    print(f"{len(vectors) - len(wrong)} passed, {len(wrong)} failed")
    sys.exit(bool(wrong))


if __name__ == "__main__":
    main()
