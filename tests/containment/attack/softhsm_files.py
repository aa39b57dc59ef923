"""What a SoftHSM2 token directory says to whoever has the PIN.

The keys of a test are generated in the partition, as ever; this is how the test
learns their private values all the same. The format is read from SoftHSM2's
sources (object_store/ObjectFile.cpp, data_mgr/SecureDataManager.cpp, RFC4880.cpp):

  object file   8 bytes generation, then attributes: type, kind (both 8 bytes, big
                endian), value; a byte string has its length before it
  PIN blob      8 bytes salt, 16 bytes IV, AES-256-CBC of "RJR" and the master key
  PIN key       SHA-256 of salt and PIN, hashed again 1,499 + last byte of the salt times
  private byte  16 bytes IV, AES-256-CBC with the master key
  string
"""

import dataclasses
import hashlib
import pathlib

from cryptography.hazmat.primitives import padding
from cryptography.hazmat.primitives.ciphers import Cipher, algorithms, modes

CKA_CLASS, CKA_ID, CKA_KEY_TYPE = 0x0, 0x102, 0x100
CKA_PRIVATE = 0x2
CKO_PRIVATE_KEY = 3
CKK_RSA, CKK_EC, CKK_EC_EDWARDS = 0x0, 0x3, 0x40
CKA_VALUE = 0x11
CKA_MODULUS, CKA_PUBLIC_EXPONENT = 0x120, 0x122
# CKA_PRIVATE_EXPONENT to CKA_COEFFICIENT.
RSA_PARTS = {"d": 0x123, "p": 0x124, "q": 0x125, "dp": 0x126, "dq": 0x127, "qinv": 0x128}
# CKA_VENDOR_DEFINED + 'SH' + 5.
CKA_OS_USERPIN = 0x80000000 + 0x5348 + 5

BOOLEAN, ULONG, BYTES, ATTRIBUTE_MAP, MECHANISMS = 1, 2, 3, 4, 5
MAGIC = b"RJR"
SALT_BYTES, IV_BYTES = 8, 16
PBE_BASE_COUNT = 1500


class Unreadable(Exception):
    """The file is not what we think that SoftHSM2 writes, or is being written."""


class _Reader:
    def __init__(self, data):
        self.data, self.at = data, 0

    def bytes(self, size):
        if self.at + size > len(self.data):
            raise Unreadable("the file is cut short")
        self.at += size
        return self.data[self.at - size:self.at]

    def number(self):
        return int.from_bytes(self.bytes(8), "big")

    def value(self, kind):
        if kind == BOOLEAN:
            return self.bytes(1) != b"\0"
        if kind == ULONG:
            return self.number()
        if kind in (BYTES, ATTRIBUTE_MAP):
            return self.bytes(self.number())
        if kind == MECHANISMS:
            return [self.number() for _ in range(self.number())]
        raise Unreadable(f"kind {kind} of an attribute")


def read_object(path):
    """The attributes of an object file, {type: value}."""
    reader = _Reader(pathlib.Path(path).read_bytes())
    reader.number()  # the generation
    attributes = {}
    while reader.at < len(reader.data):
        kind_of = reader.number()
        attributes[kind_of] = reader.value(reader.number())
    return attributes


def pin_key(pin, salt):
    """The AES key that SoftHSM2 derives from a PIN."""
    digest = hashlib.sha256(salt + pin).digest()
    for _ in range(PBE_BASE_COUNT + salt[-1] - 1):
        digest = hashlib.sha256(digest).digest()
    return digest


def _decrypt(key, iv, data):
    decryptor = Cipher(algorithms.AES(key), modes.CBC(iv)).decryptor()
    unpadder = padding.PKCS7(128).unpadder()
    padded = decryptor.update(data) + decryptor.finalize()
    try:
        return unpadder.update(padded) + unpadder.finalize()
    except ValueError as error:
        raise Unreadable("wrong key or damaged file") from error


@dataclasses.dataclass
class PrivateKey:
    """A private key object with its attributes in the clear."""
    object_id: bytes
    key_type: int
    values: dict  # attribute type: bytes


class Token:
    """A token directory, opened with the PIN."""

    def __init__(self, directory, pin):
        self.directory, self.pin = pathlib.Path(directory), pin
        blob = read_object(self.directory / "token.object")[CKA_OS_USERPIN]
        salt, rest = blob[:SALT_BYTES], blob[SALT_BYTES:]
        self.pin_key = pin_key(pin, salt)
        plain = _decrypt(self.pin_key, rest[:IV_BYTES], rest[IV_BYTES:])
        if plain[:len(MAGIC)] != MAGIC:
            raise Unreadable("not this PIN")
        self.master_key = plain[len(MAGIC):]

    def decrypt(self, value):
        return _decrypt(self.master_key, value[:IV_BYTES], value[IV_BYTES:]) if value else b""

    def private_keys(self):
        """All that can be read; an object that is just being written has no id yet."""
        keys = []
        for path in sorted(self.directory.glob("*.object")):
            if path.name != "token.object":
                keys += self._private_key(path)
        return keys

    def _private_key(self, path):
        try:
            attributes = read_object(path)
            if attributes.get(CKA_CLASS) != CKO_PRIVATE_KEY:
                return []
            values = {kind: self.decrypt(value) for kind, value in attributes.items()
                      if isinstance(value, bytes) and value}
        except (Unreadable, FileNotFoundError):
            return []
        return [PrivateKey(values.get(CKA_ID, b""), attributes[CKA_KEY_TYPE], values)]


def open_partition(folder):
    """The token of a partition directory that `sealward-hsm init` made."""
    pin = (folder / "pin").read_bytes().rstrip(b"\r\n")
    (token,) = folder.glob("tokens/*/token.object")
    return Token(token.parent, pin)
