"""The secrets that an attack looks for, each with a name and the bytes it has.

A secret is more than its literal value: who finds p, q, dp, a prime's Montgomery
constant or the hash of an Ed25519 seed has the key, too.
"""

import dataclasses
import hashlib

from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import ec, ed25519, rsa

from . import softhsm_files as softhsm

P256_ORDER = 0xFFFFFFFF00000000FFFFFFFFFFFFFFFFBCE6FAADA7179E84F3B9CAC2FC632551
P256_R = 1 << 256  # of Montgomery's multiplication with four words
WORD_BITS = 64


@dataclasses.dataclass(frozen=True)
class Secret:
    """Bytes that must not be found. `what` is the kind that reports count by."""
    name: str
    what: str
    value: bytes


def number(name, what, value, size):
    return Secret(name, what, value.to_bytes(size, "big"))


class Canary:
    """A key pair of the partition whose private value the test knows."""

    def __init__(self, key):
        self.object_id = key.object_id
        self.values = key.values
        self.private = self._private()
        self.public_der = self.private.public_key().public_bytes(
            serialization.Encoding.DER, serialization.PublicFormat.SubjectPublicKeyInfo)
        self.name = hashlib.sha256(self.public_der).hexdigest()[:8]

    def _private(self):
        raise NotImplementedError

    def _int(self, attribute):
        return int.from_bytes(self.values[attribute], "big")


class RsaCanary(Canary):
    kind = "rsa"

    def _private(self):
        part = {name: self._int(attribute) for name, attribute in softhsm.RSA_PARTS.items()}
        public = rsa.RSAPublicNumbers(self._int(softhsm.CKA_PUBLIC_EXPONENT),
                                      self._int(softhsm.CKA_MODULUS))
        return rsa.RSAPrivateNumbers(part["p"], part["q"], part["d"], part["dp"], part["dq"],
                                     part["qinv"], public).private_key()

    def secrets(self):
        numbers = self.private.private_numbers()
        half = (self.private.key_size // 8) // 2
        parts = {"d": (numbers.d, 2 * half), "p": (numbers.p, half), "q": (numbers.q, half),
                 "dp": (numbers.dmp1, half), "dq": (numbers.dmq1, half),
                 "qinv": (numbers.iqmp, half)}
        for name in ("p", "q"):
            # R^2 mod p of Montgomery's multiplication: p divides R^2 minus it.
            prime = parts[name][0]
            words = -(-prime.bit_length() // WORD_BITS)
            parts[f"rr_{name}"] = (pow(2, 2 * WORD_BITS * words, prime), half)
        return [number(f"{self.name}.{part}", "rsa", value, size)
                for part, (value, size) in parts.items()]


class EcCanary(Canary):
    kind = "ec"

    def _private(self):
        return ec.derive_private_key(self._int(softhsm.CKA_VALUE), ec.SECP256R1())

    @property
    def d(self):
        return self.private.private_numbers().private_value

    def secrets(self):
        montgomery = self.d * P256_R % P256_ORDER
        return [number(f"{self.name}.d", "ec", self.d, 32),
                number(f"{self.name}.dR", "ec", montgomery, 32)]


class EdCanary(Canary):
    kind = "ed"

    def _private(self):
        return ed25519.Ed25519PrivateKey.from_private_bytes(self.values[softhsm.CKA_VALUE])

    @property
    def seed(self):
        return self.private.private_bytes(serialization.Encoding.Raw,
                                          serialization.PrivateFormat.Raw,
                                          serialization.NoEncryption())

    def secrets(self):
        expanded = hashlib.sha512(self.seed).digest()  # RFC 8032 section 5.1.5
        scalar = bytes([expanded[0] & 248]) + expanded[1:31] + bytes([expanded[31] & 63 | 64])
        return [Secret(f"{self.name}.seed", "ed", self.seed),
                Secret(f"{self.name}.half", "ed", expanded[:32]),
                Secret(f"{self.name}.scalar", "ed", scalar),
                Secret(f"{self.name}.prefix", "ed", expanded[32:])]


KINDS = {softhsm.CKK_RSA: RsaCanary, softhsm.CKK_EC: EcCanary, softhsm.CKK_EC_EDWARDS: EdCanary}


def of_token(token, known=()):
    """The canaries of an opened token but for those whose object ids are known: to load
    an RSA key is to check its primes, which takes a while."""
    return [KINDS[key.key_type](key) for key in token.private_keys() if key.object_id not in known]


def login_secrets(token):
    """What opens the partition: PIN, the key derived from it, the master key."""
    return [Secret("pin", "pin", token.pin), Secret("pin_key", "pin_key", token.pin_key),
            Secret("master_key", "master_key", token.master_key)]
