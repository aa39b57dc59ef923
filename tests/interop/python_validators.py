"""JWT validators from Debian's python3, each used as its documents say, on the JWKS behind
an HTTPS URL. A question is what npm_validators.mjs takes; an answer is None, or why not."""

import functools
import json
import urllib.request

import jwt as pyjwt
from authlib.jose import JsonWebKey, JsonWebToken
from jwcrypto import jwk as jwcrypto_jwk
from jwcrypto import jwt as jwcrypto_jwt


@functools.cache
def _jwks(uri):
    with urllib.request.urlopen(uri, timeout=30) as response:
        return response.read().decode("utf-8")


_pyjwt_client = functools.cache(pyjwt.PyJWKClient)


def _with_pyjwt(question):
    key = _pyjwt_client(question["jwks_uri"]).get_signing_key_from_jwt(question["token"])
    pyjwt.decode(question["token"], key.key, algorithms=[question["alg"]],
                 issuer=question["issuer"], audience=question["audience"])


def _with_jwcrypto(question):
    jwcrypto_jwt.JWT(jwt=question["token"], algs=[question["alg"]],
                     key=jwcrypto_jwk.JWKSet.from_json(_jwks(question["jwks_uri"])),
                     check_claims={"iss": question["issuer"], "aud": question["audience"],
                                   "exp": None})


def _with_authlib(question):
    keys = JsonWebKey.import_key_set(json.loads(_jwks(question["jwks_uri"])))
    claims = JsonWebToken([question["alg"]]).decode(
        question["token"], keys,
        claims_options={"iss": {"essential": True, "value": question["issuer"]},
                        "aud": {"essential": True, "value": question["audience"]}})
    claims.validate()


VALIDATORS = {"PyJWT": _with_pyjwt, "jwcrypto": _with_jwcrypto, "Authlib": _with_authlib}


def refusal(question):
    """Why the validator refuses the question's token, or None if it verifies it."""
    try:
        VALIDATORS[question["validator"]](question)
    except Exception as error:  # pylint: disable=broad-except
        return f"{type(error).__name__}: {error}"
    return None
