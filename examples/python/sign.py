"""Signs a JWT in both ways and verifies it with PyJWT; once more for each line of input."""

import json
import os
import ssl
import sys
import time
import urllib.request

import jwt

from sealward_client import Sealward

# What ./dev run makes; set others in the environment.
TLS = os.environ.get("SEALWARD_TLS", ".state/tls")
TARGET = os.environ.get("SEALWARD_TARGET", "localhost:7443")
KEY = os.environ.get("SEALWARD_KEY", "tenants/demo/keys/main")
ISSUER = os.environ.get("ISSUER", "https://localhost:8443/tenants/demo/issuers/main")
AUDIENCE = os.environ.get("AUDIENCE", "https://api.example")
# Never the header's own alg: a validator decides what it takes.
ALGORITHMS = ["ES256", "RS256"]


def jwks_client():
    """Finds the keys as any validator does: by OpenID Connect discovery, over HTTPS."""
    os.environ["SSL_CERT_FILE"] = f"{TLS}/ca.pem"  # the development CA
    url = f"{ISSUER}/.well-known/openid-configuration"
    with urllib.request.urlopen(url, timeout=10, context=ssl.create_default_context()) as answer:
        return jwt.PyJWKClient(json.load(answer)["jwks_uri"])


def main():
    sealward = Sealward(TARGET, TLS, KEY)
    keys = jwks_client()
    while True:
        now = int(time.time())
        claims = {"iss": ISSUER, "aud": AUDIENCE, "sub": "alice", "iat": now, "exp": now + 300}
        for token in (sealward.sign_claims(claims), sealward.sign_with_pyjwt(claims)):
            verified = jwt.decode(token, keys.get_signing_key_from_jwt(token).key,
                                  algorithms=ALGORITHMS, issuer=ISSUER, audience=AUDIENCE,
                                  options={"require": ["exp"]})
            if verified != claims:
                sys.exit("the claims are not those that were sent")
            print(json.dumps(jwt.get_unverified_header(token)))
        print("verified", flush=True)
        if not sys.stdin.readline():
            return


if __name__ == "__main__":
    main()
