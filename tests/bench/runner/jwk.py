"""A JWK's public key as DER SubjectPublicKeyInfo, which OpenSSL reads."""

import base64

# AlgorithmIdentifiers by `crv`, or `kty` of RSA: RFC 5480, RFC 8410, RFC 3279 section 2.3.1.
_ALGORITHMS = {
    "P-256": bytes.fromhex("301306072a8648ce3d020106082a8648ce3d030107"),
    "P-384": bytes.fromhex("301006072a8648ce3d020106052b81040022"),
    "P-521": bytes.fromhex("301006072a8648ce3d020106052b81040023"),
    "Ed25519": bytes.fromhex("300506032b6570"),
    "RSA": bytes.fromhex("300d06092a864886f70d0101010500"),
}


def spki(jwk):
    algorithm = _ALGORITHMS[jwk.get("crv", jwk["kty"])]
    return _der(0x30, algorithm + _der(0x03, b"\x00" + _public_key(jwk)))


def _public_key(jwk):
    if jwk["kty"] == "EC":
        return b"\x04" + _bytes(jwk["x"]) + _bytes(jwk["y"])
    if jwk["kty"] == "OKP":
        return _bytes(jwk["x"])
    return _der(0x30, _integer(_bytes(jwk["n"])) + _integer(_bytes(jwk["e"])))


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
