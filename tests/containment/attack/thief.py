"""containment_thief from Python: the keys that a dump gives to somebody who knows
nothing but the JWKS and some JWTs."""

import base64
import dataclasses
import hashlib
import json
import pathlib
import subprocess

import harness
from cryptography.hazmat.primitives import serialization

from .scanner import Failed


def raw_public(public):
    return public.public_bytes(serialization.Encoding.Raw, serialization.PublicFormat.Raw)


def _b64(data):
    return base64.urlsafe_b64encode(data).rstrip(b"=").decode()


def _number(value):
    return value.to_bytes((value.bit_length() + 7) // 8, "big")


def thumbprint(canary):
    """The kid that the service gives the public key (RFC 7638, RFC 8037)."""
    public = canary.private.public_key()
    if canary.kind == "rsa":
        n = public.public_numbers()
        jwk = {"e": _b64(_number(n.e)), "kty": "RSA", "n": _b64(_number(n.n))}
    elif canary.kind == "ec":
        n = public.public_numbers()
        jwk = {"crv": "P-256", "kty": "EC", "x": _b64(n.x.to_bytes(32, "big")),
               "y": _b64(n.y.to_bytes(32, "big"))}
    else:
        jwk = {"crv": "Ed25519", "kty": "OKP", "x": _b64(raw_public(public))}
    text = json.dumps(jwk, sort_keys=True, separators=(",", ":"))
    return _b64(hashlib.sha256(text.encode()).digest())


def _hex(value):
    return value.to_bytes(32, "big").hex()


def _public(canaries, signatures):
    document = {"ec": [], "rsa": [], "ed": []}
    for canary in canaries:
        public, entry = canary.private.public_key(), {"name": canary.name}
        if canary.kind == "rsa":
            entry["n"] = _number(public.public_numbers().n).hex()
        elif canary.kind == "ed":
            entry["x"] = raw_public(public).hex()
        else:
            entry["x"] = _hex(public.public_numbers().x)
            entry["y"] = _hex(public.public_numbers().y)
            entry["signatures"] = [{"h": _hex(s.digest), "r": _hex(s.r), "s": _hex(s.s)}
                                   for s in signatures.get(canary.name, ())]
        document[canary.kind].append(entry)
    return document


@dataclasses.dataclass(frozen=True)
class StolenKey:
    canary: object
    by: str  # key, prime, seed; nonce, product, sum: with a signature, the key
    file: pathlib.Path


@dataclasses.dataclass
class Loot:
    keys: list
    tried: int  # candidates
    of: int


def steal(folder, canaries, signatures, files):
    """Loot of `files`. `signatures` are lists of Signature by the canary's name."""
    path = pathlib.Path(folder) / "public"
    path.write_text(json.dumps(_public(canaries, signatures)), encoding="utf-8")
    done = subprocess.run([harness.BIN / "containment_thief", path, *files],
                          capture_output=True, check=False)
    if done.returncode != 0:
        raise Failed(done.stderr.decode("utf-8", "replace"))
    by_name = {canary.name: canary for canary in canaries}
    loot = Loot([], 0, 0)
    for line in done.stdout.decode("utf-8").splitlines():
        each = json.loads(line)
        if "key" in each:
            loot.keys.append(StolenKey(by_name[each["key"]], each["by"],
                                       pathlib.Path(each["file"])))
        else:
            loot.tried += each["tried"]
            loot.of += each["of"]
    return loot
