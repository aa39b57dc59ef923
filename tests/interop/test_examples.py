"""The programs of examples/, as they stand there, against a real server.

Each signs and verifies, then waits for a line of input to do so again. In between the version
whose kid it keeps is revoked: an example that does not build its JWT anew fails here, and who
copied it in production. Go's and Java's are in toolchains.py.
"""

import platform
import subprocess

import jwt

import harness
import validators
from examples import EXAMPLES, ExampleCase


def newer_node():
    """The system's Node, or ./dev setup's where that is too old for oidc-provider."""
    tools = harness.SOURCE / "tools/node"
    if subprocess.run(["node", tools / "new_enough.cjs"], check=False).returncode == 0:
        return "node"
    machine = {"x86_64": "x64", "aarch64": "arm64"}[platform.machine()]
    return tools / f"node_modules/node-linux-{machine}/bin/node"


class Examples(ExampleCase):

    def test_python(self):
        self.check("python", ["/usr/bin/python3", EXAMPLES / "python/sign.py"],
                   self.make("python"))

    def test_cpp(self):
        environment = self.make("cpp")
        tokens = self.check("cpp", [harness.BIN / "example_sign"], environment)
        # It verifies with OpenSSL alone: here is a validator. It has never seen the version that
        # is revoked.
        validator = validators.PyJwt(self.state, environment["JWKS_URI"], environment["ISSUER"])
        self.assertEqual([self.accepted(validator, token) for token in tokens],
                         [False] * 4 + [True] * 2)

    def accepted(self, validator, token):
        try:
            validator.check(token)
        except jwt.PyJWKClientError:
            return False
        return True

    def test_node(self):
        environment = self.make("node", "--audience", "web-app", "--typ", "JWT", "--typ", "at+jwt",
                                issuer_url="https://login.example")
        self.check("node", [newer_node(), EXAMPLES / "node/login.mjs"], environment,
                   typs=("JWT", "at+jwt"))


if __name__ == "__main__":
    harness.main()
