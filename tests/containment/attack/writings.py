"""Everything else that Sealward writes, under the same scanner: logs at debug level,
answers and errors, pages, the store, backups, debug bundles, the partition's own files."""

import json
import ssl
import subprocess
import urllib.request

import harness
from harness import claims, sign

from . import scanner
from .act import tls_secrets
from .results import Cell
from .stage import Stage

# Calls that are refused, each in another way: METHOD and request.
REFUSED = (
    ("SigningService/SignJwt", {"name": "tenants/demo/keys/es"}),
    ("SigningService/SignJwt", {"name": "tenants/demo/keys/none"}),
    ("SigningService/SignJwt", {"name": "tenants/other/keys/es"}),
    ("SigningService/SignJwt", {"name": "\n"}),
    ("SigningService/GetSigningKey", {"name": "tenants/demo/keys/none"}),
    ("KeyService/GetKey", {"name": "tenants/demo/keys/none"}),
    ("KeyService/CreateKey", {"parent": "tenants/demo"}),
    ("KeyService/RotateKey", {"name": "tenants/demo/keys/none"}),
    ("LifecycleService/Revoke", {}),
    ("TenantService/CreateTenant", {"tenantId": "Not A Name"}),
    ("IssuerService/CreateIssuer", {"parent": "tenants/none"}),
    ("StatusService/GetServiceStatus", {}),
)


class Writings:

    def __init__(self, results, folder):
        self.results, self.folder = results, folder
        self.stage = Stage(with_faults=True)
        self.state = self.stage.state

    def play(self):
        try:
            self.live_a_little()
            groups = self.groups()
            secrets, nonces = self.stage.secrets()
            secrets += tls_secrets(self.state.tls)
            for what, files in groups.items():
                self.check(secrets, nonces, what, [path for path in files if path.is_file()])
            self.check_the_search(secrets)
        finally:
            self.stage.end()
            self.stage.clean_up()

    def live_a_little(self):
        """Signing, rotation, an HSM that fails in some ways and goes away, refusals."""
        with self.stage.load(), self.stage.rotations():
            for fault in ("C_Sign once return CKR_GENERAL_ERROR", "C_Sign once truncate 8",
                          "C_SignInit once return CKR_DEVICE_REMOVED"):
                self.stage.faults.set(fault)
                sign(self.stage.server, "es", claims("es"), check=False, timeout="5s")
        self.stage.faults.lift()
        self.stage.server.wait_hsm()

    def page(self, url, name):
        context = ssl.create_default_context(cafile=self.state.tls / "ca.pem")
        context.load_cert_chain(self.state.tls / "admin.pem", self.state.tls / "admin.key")
        path = self.folder / name
        with urllib.request.urlopen(url, context=context, timeout=30) as response:
            path.write_bytes(response.read())
        return path

    def pages(self):
        ready = self.stage.server.ready
        uri = self.stage.server.cli("viewer", "issuers", "get", "demo/es").data["jwksUri"]
        return [self.page(f"{ready['metrics']}/metrics", "metrics"), self.page(uri, "jwks"),
                self.page(f"{ready['https']}/readyz", "readyz")]

    def answers(self):
        """The bytes of gRPC errors with their details and trailers, and of some answers,
        of both listeners and as each role; the CLI's words for them."""
        tls, path = self.state.tls, self.folder / "answers"
        lines = "".join(f"{method} {json.dumps(request)}\n" for method, request in REFUSED)
        with open(path, "wb") as out:
            for role in ("admin", "operator", "issuer", "stranger"):
                for listener in ("admin", "signing"):
                    subprocess.run(
                        [harness.BIN / "e2e_rpc_probe", self.stage.server.ready[listener],
                         tls / "ca.pem", tls / f"{role}.pem", tls / f"{role}.key"],
                        input=lines.encode(), stdout=out, stderr=out, check=False,
                        timeout=harness.PATIENCE_S)
                for arguments in (("status",), ("keys", "list", "demo"), ("jwt", "sign", "x"),
                                  ("keys", "versions", "demo/es"), ("alarms",)):
                    result = self.stage.server.cli(role, *arguments, check=False)
                    out.write((result.out + result.err).encode())
        text = path.read_text(encoding="utf-8", errors="replace")
        decoded = self.folder / "details"
        # The details are spelled in hexadecimal; inside they may be anything.
        decoded.write_bytes(b"".join(
            bytes.fromhex(each.get("details") or "") for each in map(loads, text.splitlines())))
        return [path, decoded]

    def backup(self):
        to = self.state.dir / "backup"
        harness.cli(self.state, "admin", "backup", "create", to, "--store", self.state.store,
                    "--partition", f"default={self.state.partition}")
        return list(to.rglob("*"))

    def bundle(self):
        """With all that an operator may add to it."""
        folder = self.state.dir / "bundle"
        harness.cli(self.state, "admin", "debug", "bundle", folder,
                    "--server-config", self.state.dir / "server.toml",
                    "--log", self.state.log_file, "--metrics", self.folder / "metrics")
        return list(folder.rglob("*"))

    def groups(self):
        partition = [path for path in self.state.partition.rglob("*") if path.name != "pin"]
        return {
            "gRPC answers, errors and details, the CLI's output": self.answers(),
            "metrics, JWKS, health": self.pages(),
            "debug bundle": self.bundle(),
            "backup": self.backup(),
            "store with its WAL": list(self.state.store.parent.iterdir()),
            "logs of server and signers at debug level": [self.state.log_file],
            "ready file and configurations": [self.state.ready_file,
                                              *self.state.dir.glob("*.toml")],
            "the partition's directory but for the PIN file": partition,
        }

    def check(self, secrets, nonces, what, files):
        size = sum(path.stat().st_size for path in files)
        findings = scanner.scan(self.folder, secrets, nonces, files) if size else []
        problem = f"{findings[0]} in {findings[0].file.name}" if findings else ""
        if size == 0:
            problem = "there is nothing to look at"
        self.results.check(
            Cell("files", what, f"{len(files)} files, {size / 1e6:.1f} MB"), problem)

    def check_the_search(self, secrets):
        pin = scanner.scan(self.folder, secrets, (), [self.state.partition / "pin"])
        self.results.check(Cell("control", "files", "the PIN is found in the PIN file"),
                           "" if any(f.full and f.secret.what == "pin" for f in pin) else
                           "it was not")


def loads(line):
    try:
        found = json.loads(line)
    except ValueError:
        return {}
    return found if isinstance(found, dict) else {}


def play(results, folder):
    Writings(results, folder).play()
