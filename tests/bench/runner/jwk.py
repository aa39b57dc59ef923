"""A JWK's public key as DER SubjectPublicKeyInfo, which OpenSSL reads."""

import base64

# AlgorithmIdentifier with what follows it up to the key: RFC 5480, RFC 8410.
_P256 = bytes.fromhex("3059301306072a8648ce3d020106082a8648ce3d030107034200") + b"\x04"
_ED25519 = bytes.fromhex("302a300506032b6570032100")
_RSA_ALGORITHM = bytes.fromhex("300d06092a864886f70d0101010500")  # RFC 3279 section 2.3.1


def spki(jwk):
    if jwk["kty"] == "EC":
        return _P256 + _bytes(jwk["x"]) + _bytes(jwk["y"])
    if jwk["kty"] == "OKP":
        return _ED25519 + _bytes(jwk["x"])
    numbers = _integer(_bytes(jwk["n"])) + _integer(_bytes(jwk["e"]))
    return _der(0x30, _RSA_ALGORITHM + _der(0x03, b"\x00" + _der(0x30, numbers)))


def base64url(data):
    return base64.urlsafe_b64encode(data).rstrip(b"=").decode()


def _bytes(text):
    return base64.urlsafe_b64decode(text + "=" * (-len(text) % 4))


def _integer(magnitude):
    magnitude = magnitude.lstrip(b"\x00")
    return _der(0x02, (b"\x00" if magnitude[0] & 0x80 else b"") + magnitude)


def _der(tag, content):
    length = len(content)
    if length < 0x80:
        return bytes([tag, length]) + content
    size = length.to_bytes((length.bit_length() + 7) // 8, "big")
    return bytes([tag, 0x80 | len(size)]) + size + content
