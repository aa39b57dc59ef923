"""The state directory of the service under test: made, served, removed."""

import fcntl
import json
import os
import pathlib
import shutil
import ssl
import subprocess
import tempfile
import time
import tomllib
import urllib.request

from . import plan, processes
from .processes import BenchError

HSM_PROCESSES = 2
START_TIMEOUT_S = 60
GENERATION_TIMEOUT_S = 300
_PREFIX = "sealward-bench-"
_AUDIENCE = "https://api.bench.test"

_SERVER_TOML = """\
environment = "development"
[store]
path = "store/sealward.db"
[hsm]
binary = "{hsm}"
partition = "partition"
processes = {processes}
[grpc]
signing_listen = "127.0.0.1:0"
admin_listen = "127.0.0.1:0"
certificate = "tls/server.pem"
private_key = "tls/server.key"
client_ca = "tls/ca.pem"
trust_domain = "sealward.test"
[https]
listen = "127.0.0.1:0"
certificate = "tls/jwks.pem"
private_key = "tls/jwks.key"
[metrics]
listen = "127.0.0.1:0"
[log]
level = "info"
"""


def _remove_stale():
    """Removes what runners left that were killed with -9: nobody holds its lock."""
    for old in pathlib.Path(tempfile.gettempdir()).glob(_PREFIX + "*"):
        try:
            with open(old / "lock", "r+", encoding="ascii") as lock:
                fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
                shutil.rmtree(old, ignore_errors=True)
        except OSError:
            continue  # in use, not ours, or not a state directory


class Service:
    """sealward-server with a fresh state directory, two tenants and their keys."""

    def __init__(self, binaries, source):
        self._binaries = binaries
        self._source = source
        self._server = None
        self.ready = None
        self.hsm_pids = []
        _remove_stale()
        self.directory = pathlib.Path(tempfile.mkdtemp(prefix=_PREFIX))
        self._lock = open(self.directory / "lock", "w", encoding="ascii")
        fcntl.flock(self._lock, fcntl.LOCK_EX)
        self.log = open(self.directory / "programs.log", "w+", encoding="utf-8")

    def start(self):
        self._initialise()
        self._serve()
        self.hsm_pids = self._wait_for_hsm()
        self._create_resources()

    def close(self):
        if self._server is not None:
            processes.stop(self._server)
        self.log.close()
        shutil.rmtree(self.directory, ignore_errors=True)
        self._lock.close()

    def log_tail(self):
        self.log.flush()
        return "".join((self.directory / "programs.log").read_text().splitlines(True)[-20:])

    def partition(self):
        """What raw_pkcs11 needs to open the same partition, and its environment."""
        directory = self.directory / "partition"
        config = tomllib.loads((directory / "hsm.toml").read_text())
        settings = {
            "directory": str(directory),
            "module": config["module"],
            "label": config["label"],
            "pin_file": config.get("pin_file", "pin"),
            "lock_file": config.get("lock_file", "lock"),
        }
        return settings, {**os.environ, "SOFTHSM2_CONF": "softhsm2.conf"}

    def public_keys(self, key):
        """{kid: JWK} as a validator fetches them."""
        trust = ssl.create_default_context(cafile=self.directory / "tls/ca.pem")
        url = f"{self._issuer_url(key)}/jwks.json"
        with urllib.request.urlopen(url, timeout=10, context=trust) as answer:
            return {jwk["kid"]: jwk for jwk in json.load(answer)["keys"]}

    def signing_kid(self, key):
        return json.loads(self._cli("issuer", "signing-key", key.resource, "-o", "json"))["kid"]

    def claims(self, key):
        now = int(time.time())
        return {
            "iss": self._issuer_url(key),
            "sub": "user-4f1c2b7e",
            "aud": _AUDIENCE,
            "iat": now,
            "nbf": now,
            "exp": now + 3500,  # the scope allows an hour
            "jti": "bench-00000000",
            "scope": "orders.read orders.write profile",
        }

    def _initialise(self):
        processes.run([self._source / "tools/dev_ca.sh", self.directory / "tls"])
        processes.run(
            [self._binaries.hsm, "init", "--dir", self.directory / "partition", "--label", "bench"]
        )
        config = self.directory / "server.toml"
        config.write_text(_SERVER_TOML.format(hsm=self._binaries.hsm, processes=HSM_PROCESSES))
        processes.run(
            [self._binaries.server, "init", "--config", config]
            + ["--admin", "spiffe://sealward.test/admin"]
        )

    def _serve(self):
        ready_file = self.directory / "ready.json"
        self._server = subprocess.Popen(
            [str(self._binaries.server), "serve", "--config", str(self.directory / "server.toml")]
            + ["--ready-file", str(ready_file)],
            stdin=subprocess.DEVNULL,
            stdout=self.log,
            stderr=self.log,
            preexec_fn=processes.die_with_parent,
        )
        self._wait_until(ready_file.exists, "sealward-server does not get ready")
        self.ready = json.loads(ready_file.read_text())

    def _wait_for_hsm(self):
        """Pids of the sealward-hsm processes; the server serves before all are ready."""

        def ready_pids():
            partition = json.loads(self._cli("admin", "status", "-o", "json"))["partition"]
            pids = [each["pid"] for each in partition["processes"] if each.get("ready")]
            return pids if len(pids) == HSM_PROCESSES else None

        return self._wait_until(ready_pids, "the sealward-hsm processes do not get ready")

    def _wait_until(self, condition, complaint, timeout_s=START_TIMEOUT_S):
        """The condition's first true value, while the server lives."""
        deadline = time.monotonic() + timeout_s
        while not (value := condition()):
            try:
                code = self._server.wait(0.05)
                raise BenchError(f"sealward-server ended with code {code}")
            except subprocess.TimeoutExpired:
                if time.monotonic() > deadline:
                    raise BenchError(complaint) from None
        return value

    def set_noisy_quota(self, per_second):
        """0 for none."""
        flags = ["--quota-per-second", str(per_second)] if per_second else ["--no-quota"]
        self._cli("admin", "tenants", "update", "noisy", *flags)

    def create_tenant(self, tenant):
        """With an operator and a token issuer."""
        self._cli("admin", "tenants", "create", f"tenants/{tenant}")
        for role, name in (("operator", "operator"), ("token-issuer", "issuer")):
            self._cli(
                *("admin", "bindings", "create", f"tenants/{tenant}/roleBindings/{name}"),
                *("--role", role, "--principal", f"spiffe://sealward.test/{name}"),
            )

    def _create_resources(self):
        for tenant, keys in (("bench", plan.KEYS), ("noisy", plan.NOISY_KEYS)):
            self.create_tenant(tenant)
            for key in keys:
                self.create_key(key)

    def count_events(self, event, key, version):
        """How often the log says so of that version of keys whose name starts with `key`."""
        self.log.flush()
        parts = (f'"event":"{event}"', f'"key":"{key}', f'"version":{version},')
        with open(self.directory / "programs.log", encoding="utf-8") as lines:
            return sum(all(part in line for part in parts) for line in lines)

    def await_successors(self, keys):
        """Until nothing is left to generate: RSA-4096 takes a core for seconds."""

        def have_two_versions():
            return all(self.count_events("key_version_generated", f'{key.resource}"', 2) for key in keys)

        self._wait_until(have_two_versions, "a key gets no successor", GENERATION_TIMEOUT_S)

    def create_key(self, key):
        self._cli("admin", "issuers", "create", key.issuer, "--issuer-url", self._issuer_url(key))
        self._cli(
            *("operator", "keys", "create", key.resource, "--issuer", key.issuer),
            *("--algorithm", key.algorithm, "--audience", _AUDIENCE),
        )

    def make_revocable_key(self, number):
        """A new key whose successor is STANDBY: its signing version, and claims for it."""
        key = plan.BenchKey(f"revoked-{number}", "ES256", "ES256")
        self._cli(
            *("admin", "issuers", "create", key.issuer, "--issuer-url", self._issuer_url(key)),
            *("--max-age", "1s", "--propagation-time", "1s"),
        )
        self._cli(
            *("operator", "keys", "create", key.resource, "--issuer", key.issuer),
            *("--algorithm", key.algorithm, "--audience", _AUDIENCE),
        )

        def is_ready():
            listed = self._cli("operator", "keys", "versions", key.resource, "-o", "json")
            return "STANDBY" in [each["state"] for each in json.loads(listed)["keyVersions"]]

        self._wait_until(is_ready, "no standby appears")
        return f"{key.resource}/versions/1", self.claims(key)

    def _issuer_url(self, key):
        return f"{self.ready['https']}/{key.issuer}"

    def _cli(self, identity, *arguments):
        tls = self.directory / "tls"
        profile = self.directory / f"{identity}.toml"
        profile.write_text(
            f'server = "{self.ready["admin"]}"\nsigning_server = "{self.ready["signing"]}"\n'
            f'ca = "{tls}/ca.pem"\ncert = "{tls}/{identity}.pem"\nkey = "{tls}/{identity}.key"\n'
        )
        return processes.run([self._binaries.cli, "--config", profile, *arguments])
