"""A small client of Sealward: claims in, JWT out; or a signing input in, its signature out."""

import json
import pathlib
import time

import grpc
import jwt

import grpc_code

messages, services, details, status = grpc_code.load(
    "sealward.v1.signing_service_pb2", "sealward.v1.signing_service_pb2_grpc",
    "google.rpc.error_details_pb2", "google.rpc.status_pb2")

TIMEOUT_S = 10  # of each call
MAX_AGE_S = 60  # of an answer, should this clock be behind Sealward's
# A connection that a firewall forgot is noticed, instead of each call on it timing out.
KEEPALIVE = [("grpc.keepalive_time_ms", 60_000), ("grpc.keepalive_timeout_ms", 10_000)]


class KidNotSigning(Exception):
    """The version with this kid does not sign any more: build the header anew."""


class Sealward:
    """Signs with one key, as the client of a certificate. Not for several threads at once."""

    def __init__(self, target, tls, key):
        tls = pathlib.Path(tls)
        # mTLS: who we are is in the certificate; there is no password or API token.
        credentials = grpc.ssl_channel_credentials(
            root_certificates=(tls / "ca.pem").read_bytes(),
            private_key=(tls / "issuer.key").read_bytes(),
            certificate_chain=(tls / "issuer.pem").read_bytes())
        self._service = services.SigningServiceStub(
            grpc.secure_channel(target, credentials, options=KEEPALIVE))
        self._key = key
        self._signing_key = None
        self._refresh_at = 0

    def sign_claims(self, claims):
        """The simple way: Sealward builds the header, with the kid that signs now."""
        request = messages.SignJwtRequest(key=self._key, claims=json.dumps(claims).encode())
        return self._service.SignJwt(request, timeout=TIMEOUT_S).jwt

    def sign_with_pyjwt(self, claims):
        """For who has PyJWT build header and signing input; only the signature is ours."""
        try:
            return self._encode(claims)
        except KidNotSigning:
            # An operator took the version out before refresh_time. The kid is part of what
            # is signed, so the old input is of no use: ask again, build anew, once.
            self._signing_key = None
            return self._encode(claims)

    def _encode(self, claims):
        key = self.signing_key()
        # An object of its own: the remote algorithm is nobody else's business.
        jws = jwt.PyJWS(algorithms=[])
        jws.register_algorithm(key.jwk.alg, _Remote(self))
        return jws.encode(json.dumps(claims).encode(), None, key.jwk.alg, {"kid": key.kid})

    def signing_key(self):
        """Who signs now. The answer holds until refresh_time, a minute at most: without the
        cache each JWT would cost two calls."""
        now = time.time()
        if self._signing_key is None or now >= self._refresh_at:
            self._signing_key = self._service.GetSigningKey(
                messages.GetSigningKeyRequest(key=self._key), timeout=TIMEOUT_S)
            refresh_time = self._signing_key.refresh_time.ToSeconds()
            self._refresh_at = min(refresh_time, now + MAX_AGE_S)
        return self._signing_key

    def sign_input(self, signing_input):
        """The JWT of a ready signing input; KidNotSigning if its kid does not sign any more."""
        request = messages.SignJwtRequest(key=self._key, signing_input=signing_input)
        try:
            return self._service.SignJwt(request, timeout=TIMEOUT_S).jwt
        except grpc.RpcError as error:
            reason = error_info(error)
            if (error.code() == grpc.StatusCode.FAILED_PRECONDITION
                    and reason.reason == "KID_NOT_SIGNING"):
                raise KidNotSigning(reason.metadata["kid"]) from error
            raise


class _Remote(jwt.algorithms.Algorithm):
    """What PyJWT takes for an algorithm: one that signs elsewhere, without a key here."""

    def __init__(self, sealward):
        self._sealward = sealward

    def prepare_key(self, key):
        return key

    def sign(self, msg, key):
        signature = self._sealward.sign_input(msg).rpartition(".")[2]
        return jwt.utils.base64url_decode(signature)

    def verify(self, msg, key, sig):
        raise NotImplementedError("validators verify, with the issuer's JWKS")

    @staticmethod
    def to_jwk(key_obj):
        raise NotImplementedError("the JWKS is published by Sealward")

    @staticmethod
    def from_jwk(jwk):
        raise NotImplementedError("the key stays in the HSM")


def error_info(error):
    """google.rpc.ErrorInfo of a refusal: its reason is for programs, the message for people."""
    for name, value in error.trailing_metadata() or ():
        if name == "grpc-status-details-bin":
            for detail in status.Status.FromString(value).details:
                info = details.ErrorInfo()
                if detail.Unpack(info):
                    return info
    return details.ErrorInfo()
