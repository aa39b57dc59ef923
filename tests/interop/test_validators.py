"""Every JOSE algorithm against every validator that npm and Debian have, over HTTPS.

Prints the matrix. A cell that is not as EXPECTED_REFUSALS says is a failure, in both
directions: a validator that learns an algorithm has to leave the table, and with it the
warning of server/api/algorithm_warning.cc. A signature that was altered has to be refused in
every cell, or "verified" would mean nothing.
"""

import base64
import concurrent.futures
import json
import os
import re
import subprocess

import apache_validator
import harness
import python_validators
import validators
from harness import AUDIENCE, claims, issuer_url

# One size of RSA for each hash and padding, and each size once: keys of 4096 bits take seconds.
ALGORITHMS = (
    "ES256", "ES384", "ES512", "EdDSA", "RS256-2048", "RS384-2048", "RS512-2048", "RS256-3072",
    "RS256-4096", "PS256-2048", "PS384-2048", "PS512-2048", "PS256-3072", "PS256-4096",
)
# Several algorithms in one JWKS: a key that a validator does not know must not cost it the others.
MIXED = ("RS256-2048", "ES256", "EdDSA", "ES512", "PS256-2048")
NPM = ("jose", "jsonwebtoken", "fast-jwt", "aws-jwt-verify", "jwks-rsa + jsonwebtoken")
VALIDATORS = (*NPM, *python_validators.VALIDATORS, apache_validator.NAME)
FORMS = ("claims", "input")

# (validator, JOSE algorithm): its own words, a pattern, about why it cannot verify it.
_AWS_PSS = "JWT signature algorithm not allowed: PS"
_NO_EDDSA = 'Unknown key type "ed25519"|invalid algorithm'
EXPECTED_REFUSALS = {
    ("aws-jwt-verify", "PS256"): _AWS_PSS,
    ("aws-jwt-verify", "PS384"): _AWS_PSS,
    ("aws-jwt-verify", "PS512"): _AWS_PSS,
    ("jsonwebtoken", "EdDSA"): _NO_EDDSA,
    ("jwks-rsa + jsonwebtoken", "EdDSA"): _NO_EDDSA,
    ("mod_auth_openidc", "EdDSA"): "cjose_jws_import failed: invalid argument",
}


def base64url(data):
    return base64.urlsafe_b64encode(data).rstrip(b"=").decode("ascii")


def altered(token):
    """The same JWT with another first byte of its signature."""
    head, _, signature = token.rpartition(".")
    return f"{head}.{'B' if signature[0] == 'A' else 'A'}{signature[1:]}"


class Key:
    """A key of one algorithm, and the two JWTs that it signed."""

    def __init__(self, algorithm, issuer, mixed=False):
        self.algorithm = algorithm
        self.issuer = issuer
        self.key = f"{issuer}-{algorithm.lower()}" if mixed else issuer
        self.label = f"{algorithm}, mixed set" if mixed else algorithm
        self.name = f"tenants/demo/keys/{self.key}"
        self.jwks_uri = None
        self.warnings = None
        self.requests = {}
        self.tokens = {}

    @property
    def alg(self):
        return self.algorithm.split("-")[0]

    def question(self, validator, form):
        return {"validator": validator, "jwks_uri": self.jwks_uri, "alg": self.alg,
                "issuer": issuer_url(self.issuer), "audience": AUDIENCE,
                "token": self.tokens[form]}


class Interop(harness.Case):

    @classmethod
    def prepare(cls):
        harness.make_tenant(cls.server)
        cls.keys = [Key(algorithm, f"one-{algorithm.lower()}") for algorithm in ALGORITHMS]
        cls.keys += [Key(algorithm, "mixed", mixed=True) for algorithm in MIXED]
        uris = {issuer: cls.make_issuer(issuer) for issuer in {key.issuer for key in cls.keys}}
        # Two at a time: the server has two sealward-hsm processes.
        with concurrent.futures.ThreadPoolExecutor(2) as threads:
            made = list(threads.map(lambda key: harness.make_key(cls.server, key.key, key.issuer,
                                                                 key.algorithm), cls.keys))
        for key, data in zip(cls.keys, made):
            key.jwks_uri = uris[key.issuer]
            key.warnings = " ".join(data.get("warnings", []))
        cls.sign_everything()
        cls.start_node()
        cls.apache = apache_validator.Apache(cls.state, uris)
        cls.addClassCleanup(cls.apache.stop)

    @classmethod
    def make_issuer(cls, issuer):
        flags = ("--shared",) if issuer == "mixed" else ()
        return harness.make_issuer(cls.server, issuer, "--max-age", "1s", "--propagation-time",
                                   "2s", *flags)["jwksUri"]

    @classmethod
    def start_node(cls):
        # urllib's default context, which PyJWKClient uses, trusts the first file; Node the other.
        os.environ["SSL_CERT_FILE"] = str(cls.state.tls / "ca.pem")
        environment = dict(os.environ, NODE_EXTRA_CA_CERTS=os.environ["SSL_CERT_FILE"])
        cls.node = subprocess.Popen(
            validators.node_command(harness.SOURCE / "tests/interop/npm_validators.mjs"),
            stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, env=environment,
            cwd=harness.SOURCE)
        cls.addClassCleanup(cls.end_node)

    @classmethod
    def end_node(cls):
        cls.node.stdin.close()
        cls.node.stdout.close()
        cls.node.wait(timeout=harness.PATIENCE_S)

    @classmethod
    def ask_server(cls, method, requests):
        """The answers to the token issuer's requests, in their order."""
        tls = cls.state.tls
        lines = "".join(f"SigningService/{method} {json.dumps(each)}\n" for each in requests)
        done = subprocess.run(
            [harness.BIN / "e2e_rpc_probe", cls.server.ready["admin"], tls / "ca.pem",
             tls / "issuer.pem", tls / "issuer.key"],
            input=lines, capture_output=True, text=True, timeout=harness.PATIENCE_S, check=True)
        return [json.loads(line) for line in done.stdout.splitlines()]

    @classmethod
    def signing_keys(cls):
        """What GetSigningKey says of every key, or None while one does not sign yet: the
        second key of an issuer waits until every cache has it."""
        answers = cls.ask_server("GetSigningKey", [{"key": key.name} for key in cls.keys])
        return None if any(each["code"] for each in answers) else [
            each["response"] for each in answers]

    @classmethod
    def sign_everything(cls):
        """One JWT of each key from claims, one from a signing input that is built here."""
        for key, signing in zip(cls.keys, harness.wait_until(cls.signing_keys, "all keys sign")):
            header = json.dumps({"alg": key.alg, "typ": "JWT", "kid": signing["kid"]})
            payload = json.dumps(claims(key.issuer, lifetime_s=1800)).encode()
            text = f"{base64url(header.encode())}.{base64url(payload)}"
            key.requests = {"claims": {"claims": base64.b64encode(payload).decode()},
                            "input": {"signingInput": base64.b64encode(text.encode()).decode()}}
        for form in FORMS:
            answers = cls.ask_server("SignJwt", [{"key": key.name} | key.requests[form]
                                                 for key in cls.keys])
            for key, answer in zip(cls.keys, answers):
                assert answer["code"] == 0, (key.label, form, answer)
                key.tokens[form] = answer["response"]["jwt"]

    def refusal(self, question):
        """Why the validator refuses the question's token, or None if it verifies it."""
        if question["validator"] == apache_validator.NAME:
            return self.apache.refusal(question)
        if question["validator"] not in NPM:
            return python_validators.refusal(question)
        self.node.stdin.write(json.dumps(question) + "\n")
        self.node.stdin.flush()
        answer = json.loads(self.node.stdout.readline())
        return None if answer["ok"] else answer["error"]

    def test_every_algorithm_in_every_validator(self):
        rows = []
        for key in self.keys:
            row = []
            for validator in VALIDATORS:
                refusals = [self.refusal(key.question(validator, form)) for form in FORMS]
                row.append("-" if all(refusals) else "?" if any(refusals) else "ok")
                with self.subTest(algorithm=key.label, validator=validator):
                    if (validator, key.alg) in EXPECTED_REFUSALS:
                        self.assertNotIn(None, refusals, "verified: out of the table with it")
                        for refusal in refusals:
                            self.assertRegex(refusal, EXPECTED_REFUSALS[validator, key.alg])
                    else:
                        self.assertEqual(refusals, [None] * len(FORMS))
            rows.append((key.label, row))
        print(table(rows), flush=True)

    def test_an_altered_signature_is_refused(self):
        for key in self.keys:
            for validator in VALIDATORS:
                with self.subTest(algorithm=key.label, validator=validator):
                    question = key.question(validator, "input")
                    question["token"] = altered(question["token"])
                    self.assertIsNotNone(self.refusal(question))

    def test_a_keys_warnings_name_those_that_refuse(self):
        """What the server tells the owner of a key is what is measured here."""
        for key in self.keys:
            for validator in VALIDATORS:
                if "+" in validator:  # two libraries
                    continue
                with self.subTest(algorithm=key.label, validator=validator):
                    name = rf"(?<![\w-]){re.escape(validator)}(?![\w-])"
                    self.assertEqual(re.search(name, key.warnings) is not None,
                                     (validator, key.alg) in EXPECTED_REFUSALS, key.warnings)

    def test_the_table_names_what_is_tested(self):
        tested = {(validator, key.alg) for validator in VALIDATORS for key in self.keys}
        self.assertLessEqual(set(EXPECTED_REFUSALS), tested)


def table(rows):
    """The matrix as text: ok verifies both forms, - none, ? one of them."""
    first = max(len(label) for label, _ in rows)
    lines = [" " * first + "  " + "  ".join(VALIDATORS)]
    for label, cells in rows:
        lines.append(f"{label:{first}}  " + "  ".join(
            f"{cell:{len(validator)}}" for cell, validator in zip(cells, VALIDATORS)))
    return "\n" + "\n".join(line.rstrip() for line in lines) + "\n"


if __name__ == "__main__":
    harness.main()
