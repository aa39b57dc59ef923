"""The nonce of every recorded signature, and what is worth as much.

An ECDSA signature is s = (h + r d) / k. Who has the signature and k, 1/k, r d or
h + r d has d; so does who has one of them as OpenSSL keeps it, multiplied by R.
Ed25519's r = SHA-512(prefix, message) gives the scalar away in the same way.
"""

import base64
import dataclasses
import hashlib

from .canaries import P256_ORDER, P256_R, Secret

ED_ORDER = (1 << 252) + 27742317777372353535851937790883648493


def decode(text):
    return base64.urlsafe_b64decode(text + "=" * (-len(text) % 4))


@dataclasses.dataclass(frozen=True)
class Signature:
    """A JWT, apart."""
    signing_input: bytes
    signature: bytes

    @classmethod
    def of_jwt(cls, jwt):
        signing_input, _, signature = jwt.rpartition(".")
        return cls(signing_input.encode("ascii"), decode(signature))

    @property
    def digest(self):
        return int.from_bytes(hashlib.sha256(self.signing_input).digest(), "big")

    @property
    def r(self):
        return int.from_bytes(self.signature[:32], "big")

    @property
    def s(self):
        return int.from_bytes(self.signature[32:], "big")


def ecdsa_nonce(signature, d):
    return (pow(signature.s, -1, P256_ORDER) * (signature.digest + signature.r * d)) % P256_ORDER


def ecdsa_secrets(name, signature, d):
    k = ecdsa_nonce(signature, d)
    rd = signature.r * d % P256_ORDER
    values = {"k": k, "kinv": pow(k, -1, P256_ORDER), "rd": rd,
              "h+rd": (signature.digest + rd) % P256_ORDER}
    for part, value in values.items():
        yield Secret(f"{name}.{part}", "nonce", value.to_bytes(32, "big"))
        yield Secret(f"{name}.{part}R", "nonce",
                     (value * P256_R % P256_ORDER).to_bytes(32, "big"))


def ed25519_secrets(name, signature, prefix):
    wide = hashlib.sha512(prefix + signature.signing_input).digest()
    reduced = int.from_bytes(wide, "little") % ED_ORDER
    yield Secret(f"{name}.r512", "nonce", wide)
    yield Secret(f"{name}.r", "nonce", reduced.to_bytes(32, "little"))


def secrets_of(canary, signatures):
    """What the signatures of a canary leave in whoever made them."""
    for index, signature in enumerate(signatures):
        name = f"{canary.name}.sig{index}"
        if canary.kind == "ec":
            yield from ecdsa_secrets(name, signature, canary.d)
        elif canary.kind == "ed":
            prefix = hashlib.sha512(canary.seed).digest()[32:]
            yield from ed25519_secrets(name, signature, prefix)
