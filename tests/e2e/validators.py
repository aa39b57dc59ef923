"""Independent JWT validators: npm jose, PyJWT, jwcrypto."""

import json
import os
import pathlib
import ssl
import subprocess
import urllib.request

import jwt as pyjwt
from jwcrypto import jwk as jwcrypto_jwk
from jwcrypto import jwt as jwcrypto_jwt

import harness

ALGORITHMS = ["ES256", "RS256", "EdDSA"]


def node_command(script):
    version = subprocess.run(["node", "--version"], check=True, capture_output=True, text=True)
    flags = []
    if int(version.stdout.lstrip("v").split(".")[0]) < 19:
        flags = ["--experimental-global-webcrypto"]
    return ["node", *flags, str(pathlib.Path(__file__).parent / script)]


class Tally:
    """npm jose as two caches of JWKS, which counts what they refuse of what load.py signs."""

    def __init__(self, state, jwks_uri, issuer, promise_s=1):
        environment = dict(os.environ, NODE_EXTRA_CA_CERTS=str(state.tls / "ca.pem"))
        self.process = subprocess.Popen(
            node_command("jose_validator.mjs")
            + ["tally", jwks_uri, issuer, harness.AUDIENCE, str(promise_s)],
            stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, env=environment,
            cwd=harness.SOURCE,
        )

    @property
    def input(self):
        """For the standard output of who signs."""
        return self.process.stdin

    def finish(self):
        """Its counts, once everything that was signed has been looked at."""
        counts = json.loads(self.process.stdout.readline())
        self.process.stdout.close()
        assert self.process.wait(timeout=harness.PATIENCE_S) == 0
        return counts


class Jose:
    """npm jose in a process of its own, one JWT a line (see jose_validator.mjs)."""

    def __init__(self, state, jwks_uri, issuer, mode="remote"):
        environment = dict(os.environ, NODE_EXTRA_CA_CERTS=str(state.tls / "ca.pem"))
        self.process = subprocess.Popen(
            node_command("jose_validator.mjs") + [mode, jwks_uri, issuer, harness.AUDIENCE],
            stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, env=environment,
            cwd=harness.SOURCE,
        )

    def check(self, token):
        """The payload; AssertionError if it is refused."""
        self.process.stdin.write(token + "\n")
        self.process.stdin.flush()
        answer = json.loads(self.process.stdout.readline())
        if not answer["ok"]:
            raise AssertionError(f"jose refused the JWT: {answer['error']}")
        return answer["payload"]

    def close(self):
        self.process.stdin.close()
        self.process.stdout.close()
        return self.process.wait(timeout=harness.PATIENCE_S)


def tls_context(state):
    return ssl.create_default_context(cafile=state.tls / "ca.pem")


def fetch(state, url):
    """Body and headers of an HTTPS URL."""
    with urllib.request.urlopen(url, context=tls_context(state), timeout=30) as response:
        return response.read(), response.headers


class PyJwt:
    """Debian's python3-jwt with its own client, which caches and refetches."""

    def __init__(self, state, jwks_uri, issuer, lifespan_s=300):
        # urllib's default context, which PyJWKClient uses, trusts this file.
        os.environ["SSL_CERT_FILE"] = str(state.tls / "ca.pem")
        self.client = pyjwt.PyJWKClient(jwks_uri, lifespan=lifespan_s)
        self.issuer = issuer

    def check(self, token):
        key = self.client.get_signing_key_from_jwt(token)
        return pyjwt.decode(token, key.key, algorithms=ALGORITHMS, audience=harness.AUDIENCE,
                            issuer=self.issuer, options={"require": ["exp", "iss", "aud"]})


def check_with_jwcrypto(jwks, token, issuer):
    """Debian's python3-jwcrypto."""
    keys = jwcrypto_jwk.JWKSet.from_json(jwks)
    checked = jwcrypto_jwt.JWT(jwt=token, key=keys, algs=ALGORITHMS,
                               check_claims={"iss": issuer, "aud": harness.AUDIENCE, "exp": None})
    return json.loads(checked.claims)
