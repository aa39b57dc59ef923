"""What runs a program of examples/ against a real server."""

import json
import os
import subprocess

import harness

EXAMPLES = harness.SOURCE / "examples"


class Example:
    """An example that has begun."""

    def __init__(self, command, environment):
        self.process = subprocess.Popen(
            [str(word) for word in command], stdin=subprocess.PIPE, stdout=subprocess.PIPE,
            text=True, env=dict(os.environ, **environment), cwd=harness.SOURCE)
        self.tokens = []

    def headers(self):
        """What it prints until it says that all is verified; whole JWTs go to self.tokens."""
        headers = []
        for line in self.process.stdout:
            if line == "verified\n":
                return headers
            if line.startswith("{"):
                headers.append(json.loads(line))
            else:
                self.tokens.append(line.strip())
        raise AssertionError(f"it ended with {self.process.wait()} after {headers}")

    def again(self):
        self.process.stdin.write("\n")
        self.process.stdin.flush()
        return self.headers()

    def end(self):
        """Its exit code, once it has seen the end of its input."""
        self.process.stdin.close()
        self.process.stdout.close()
        return self.process.wait(timeout=harness.PATIENCE_S)


class ExampleCase(harness.Case):
    """A server whose tenant gets a key for each example."""

    @classmethod
    def prepare(cls):
        harness.make_tenant(cls.server)

    def make(self, name, *flags, issuer_url=None):
        """An issuer and its key with a standby; what the example gets in its environment."""
        server = self.server
        own_url = f"{server.ready['https']}/tenants/demo/issuers/{name}"
        server.cli("admin", "issuers", "create", f"demo/{name}", "--issuer-url",
                   issuer_url or own_url, "--max-age", "1s", "--propagation-time", "2s")
        server.cli("operator", "keys", "create", f"demo/{name}", "--issuer", name,
                   "--algorithm", "ES256", "--audience", harness.AUDIENCE, *flags)
        self.wait_standby(name)
        return {"SEALWARD_TLS": str(self.state.tls),
                "SEALWARD_TARGET": server.ready["signing"].replace("127.0.0.1", "localhost"),
                "SEALWARD_KEY": f"tenants/demo/keys/{name}", "ISSUER": issuer_url or own_url,
                "AUDIENCE": harness.AUDIENCE, "JWKS_URI": f"{own_url}/jwks.json",
                "NODE_EXTRA_CA_CERTS": str(self.state.tls / "ca.pem")}

    def make_raw(self, name):
        """A key for SignRaw, and its name for the environment."""
        self.server.cli("operator", "keys", "create", f"demo/{name}", "--purpose", "raw",
                        "--algorithm", "ES256", "--retire-after", "1h")
        self.wait_standby(name)
        return {"SEALWARD_RAW_KEY": f"tenants/demo/keys/{name}"}

    def wait_standby(self, name):
        """Validators have to see the standby with their first fetch: jose asks for a kid
        that it does not know only half a minute after the last time."""
        harness.wait_until(lambda: self.kids(name).get("STANDBY"), "a standby")

    def kids(self, name):
        """{state: kid} of the key's versions."""
        listed = self.server.cli("viewer", "keys", "versions", f"demo/{name}").data["keyVersions"]
        return {each["state"].removeprefix("KEY_VERSION_STATE_"): each.get("kid")
                for each in listed}

    def check(self, name, command, environment, typs=("JWT",), more_keys=()):
        """Two rounds, then a third after the version that it knows was revoked, long before
        refresh_time. Returns the JWTs that it printed."""
        before = self.kids(name)
        example = Example(command, environment)
        self.addCleanup(example.end)
        for headers in (example.headers(), example.again()):
            self.assert_headers(headers, before["ACTIVE"], typs)
        for key in (name, *more_keys):
            self.server.cli("operator", "revoke", "--version", f"demo/{key}/1", "--reason",
                            "key-compromise")
        self.assert_headers(example.again(), before["STANDBY"], typs)
        self.assertEqual(example.end(), 0)
        return example.tokens

    def assert_headers(self, headers, kid, typs):
        for header in headers:
            self.assertEqual((header["alg"], header["kid"]), ("ES256", kid))
        self.assertEqual({header.get("typ", "JWT") for header in headers}, set(typs))
