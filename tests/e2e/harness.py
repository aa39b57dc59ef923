"""What every end-to-end test uses: a state directory, the server, the CLI.

Only the standard library. ctest passes in the environment:
  SEALWARD_BIN      folder of sealward-server, sealward-hsm, sealward, e2e_*
  SEALWARD_SOURCE   root of the source tree
Nothing here waits for a fixed time: wait_until looks at the thing itself and
fails with a message at its deadline.
"""

import base64
import contextlib
import json
import os
import pathlib
import shutil
import signal
import subprocess
import sys
import tempfile
import time
import tomllib
import unittest

BIN = pathlib.Path(os.environ.get("SEALWARD_BIN", "build/dev/bin")).resolve()
SOURCE = pathlib.Path(os.environ.get("SEALWARD_SOURCE", pathlib.Path(__file__).parents[2])).resolve()
# Generous: the machine may be busy with eight builds, or run a sanitizer.
PATIENCE_S = 90
ROLES = ("admin", "operator", "issuer", "viewer", "stranger")
AUDIENCE = "https://api.test"


def wait_until(condition, what, seconds=PATIENCE_S):
    """Returns the first true value of condition()."""
    deadline = time.monotonic() + seconds
    while True:
        value = condition()
        if value:
            return value
        if time.monotonic() > deadline:
            raise AssertionError(f"after {seconds} s still not: {what}")
        time.sleep(0.02)


def process_state(pid):
    """The state letter of /proc/PID/stat, or None if there is no such process."""
    try:
        text = pathlib.Path(f"/proc/{pid}/stat").read_text(encoding="ascii", errors="replace")
    except OSError:
        return None
    return text.rpartition(")")[2].split()[0]


def is_alive(pid):
    return process_state(pid) not in (None, "Z")


def pids_naming(text):
    """Processes with `text` in their command line."""
    found = []
    for entry in pathlib.Path("/proc").iterdir():
        if entry.name.isdigit() and int(entry.name) != os.getpid():
            with contextlib.suppress(OSError):
                if text.encode() in (entry / "cmdline").read_bytes():
                    found.append(int(entry.name))
    return found


class State:
    """A state directory as ./dev run makes it; removed by clean_up."""

    _ca = None  # made once a test process, copied for each state

    def __init__(self, hsm_processes=2, make_partition=True, make_store=True,
                 short_margins=False):
        self.dir = pathlib.Path(tempfile.mkdtemp(prefix="sealward-e2e-"))
        # The user of sealward-hsm has to get at its own folder below.
        self.dir.chmod(0o711)
        self.partition = self.dir / "partition"
        self.store = self.dir / "store" / "sealward.db"
        self.ready_file = self.dir / "ready.json"
        self.log_file = self.dir / "server.log"
        self.tls = self.dir / "tls"
        self.failed = False
        shutil.copytree(self._development_ca(), self.tls)
        (self.dir / "store").mkdir(mode=0o700)
        self.write_config(hsm_processes=hsm_processes)
        if short_margins:
            self.shorten_margins()
        if make_partition:
            self.init_partition()
        if make_store:
            self.init_store()

    @classmethod
    def _development_ca(cls):
        if cls._ca is None:
            cls._ca = tempfile.TemporaryDirectory(prefix="sealward-ca-")
            subprocess.run([SOURCE / "tools" / "dev_ca.sh", cls._ca.name], check=True)
        return cls._ca.name

    def write_config(self, hsm_processes=2, **listen):
        ports = {"signing": 0, "admin": 0, "https": 0, "metrics": 0} | listen
        (self.dir / "server.toml").write_text(
            f"""environment = "development"
[store]
path = "store/sealward.db"
[hsm]
binary = "{BIN}/sealward-hsm"
partition = "partition"
processes = {hsm_processes}
[grpc]
signing_listen = "127.0.0.1:{ports['signing']}"
admin_listen = "127.0.0.1:{ports['admin']}"
certificate = "tls/server.pem"
private_key = "tls/server.key"
client_ca = "tls/ca.pem"
trust_domain = "sealward.test"
[https]
listen = "127.0.0.1:{ports['https']}"
certificate = "tls/jwks.pem"
private_key = "tls/jwks.key"
[metrics]
listen = "127.0.0.1:{ports['metrics']}"
[log]
level = "info"
""",
            encoding="utf-8",
        )

    def shorten_margins(self):
        """A key's whole life in seconds: windows and safety margins of 1 s."""
        with open(self.dir / "server.toml", "a", encoding="utf-8") as config:
            config.write("[development]\nshort_margins = true\n")

    def init_partition(self):
        subprocess.run(
            [BIN / "sealward-hsm", "init", "--dir", self.partition,
             "--least-destroy-window-s", "1"],
            check=True, capture_output=True, timeout=PATIENCE_S,
        )

    def add_partition(self, name):
        """A PKCS#11 token of its own, [partitions.NAME]; returns its folder."""
        folder = self.dir / name
        subprocess.run([BIN / "sealward-hsm", "init", "--dir", folder,
                        "--least-destroy-window-s", "1"],
                       check=True, capture_output=True, timeout=PATIENCE_S)
        with open(self.dir / "server.toml", "a", encoding="utf-8") as config:
            config.write(f'[partitions.{name}]\nbinary = "{BIN}/sealward-hsm"\n'
                         f'partition = "{name}"\n')
        return folder

    def init_store(self, *admins):
        """Makes the store; `admins` are clients of the dev CA, "admin" if none is given."""
        flags = [flag for admin in admins or ("admin",)
                 for flag in ("--admin", f"spiffe://sealward.test/{admin}")]
        return subprocess.run(
            [BIN / "sealward-server", "init", "--config", self.dir / "server.toml", *flags],
            check=True, capture_output=True, timeout=PATIENCE_S,
        )

    def hsm_config(self):
        return self.partition / "hsm.toml"

    def hsm_settings(self):
        return tomllib.loads(self.hsm_config().read_text(encoding="utf-8"))

    def edit_hsm_config(self, old, new):
        """Replaces text of hsm.toml, keeping owner and mode."""
        path = self.hsm_config()
        text = path.read_text(encoding="utf-8")
        assert old in text, text
        with open(path, "r+", encoding="utf-8") as file:
            file.truncate()
            file.write(text.replace(old, new))

    def clean_up(self):
        """Ends every process of this state by its id, then removes the folder."""
        for pid in pids_naming(str(self.dir)):
            with contextlib.suppress(ProcessLookupError):
                os.kill(pid, signal.SIGKILL)
        if self.failed:
            print(f"\nthe state is kept in {self.dir}; the end of its log:", file=sys.stderr)
            with contextlib.suppress(OSError):
                print(self.log_file.read_text(errors="replace")[-6000:], file=sys.stderr)
        else:
            shutil.rmtree(self.dir, ignore_errors=True)


class Server:
    """One run of sealward-server on a State."""

    def __init__(self, state, preexec=None, wait=True, hsm=True, launcher=()):
        """`launcher` goes before the command: what runs it in a way of its own."""
        self.state = state
        self.ready = None
        state.ready_file.unlink(missing_ok=True)
        with open(state.log_file, "ab") as log:
            self.process = subprocess.Popen(
                [*launcher, BIN / "sealward-server", "serve", "--config",
                 state.dir / "server.toml", "--ready-file", state.ready_file],
                stdin=subprocess.DEVNULL, stdout=log, stderr=log, preexec_fn=preexec,
            )
        if wait:
            self.wait_ready(hsm)

    @property
    def pid(self):
        return self.process.pid

    def wait_ready(self, hsm=True):
        """Returns when it serves; with `hsm`, when all its sealward-hsm do."""
        wait_until(lambda: self.state.ready_file.exists() or self.process.poll() is not None,
                   "the ready file")
        if self.process.poll() is not None:
            raise AssertionError(f"sealward-server ended with {self.process.returncode}: "
                                 f"{self.log()[-2000:]}")
        self.ready = json.loads(self.state.ready_file.read_text(encoding="utf-8"))
        assert self.ready["pid"] == self.pid, self.ready
        self.write_profiles()
        if hsm:
            self.wait_hsm()

    def write_profiles(self):
        for role in ROLES:
            self.state.dir.joinpath(f"{role}.toml").write_text(
                f'server = "{self.ready["admin"]}"\nsigning_server = "{self.ready["signing"]}"\n'
                f'cert = "tls/{role}.pem"\nkey = "tls/{role}.key"\nca = "tls/ca.pem"\n',
                encoding="utf-8",
            )

    def hsm_processes(self):
        return self.cli("admin", "status").data["partition"]["processes"]

    def hsm_pids(self):
        return [p["pid"] for p in self.hsm_processes() if p["pid"] != 0]

    def wait_hsm(self):
        """Returns the pids when every sealward-hsm process is ready."""
        wait_until(lambda: all(p["ready"] for p in self.hsm_processes()), "all sealward-hsm ready")
        return self.hsm_pids()

    def cli(self, role, *arguments, **keywords):
        return cli(self.state, role, *arguments, **keywords)

    def log(self):
        return self.state.log_file.read_text(encoding="utf-8", errors="replace")

    def stop(self, how=signal.SIGTERM):
        """Ends it and returns its exit code."""
        if self.process.poll() is None:
            self.process.send_signal(how)
        return self.process.wait(timeout=PATIENCE_S)


class Result:
    """What a run of `sealward` gave."""

    def __init__(self, done):
        self.code = done.returncode
        self.out = done.stdout
        self.err = done.stderr
        self.data = None
        self.error = {}
        with contextlib.suppress(ValueError):
            self.data = json.loads(self.out)
        with contextlib.suppress(ValueError):
            self.error = json.loads(self.err).get("error", {})

    def __repr__(self):
        return f"exit {self.code}: {self.out}{self.err}"


def cli(state, role, *arguments, stdin=None, json_output=True, check=True, timeout="60s"):
    """Runs `sealward` as `role`; with check, it has to succeed."""
    command = [BIN / "sealward", "--config", state.dir / f"{role}.toml", "--timeout", timeout]
    if json_output:
        command += ["-o", "json"]
    data = stdin.encode("utf-8") if isinstance(stdin, str) else stdin
    done = subprocess.run(command + list(arguments), input=data if data is not None else b"",
                          capture_output=True, timeout=PATIENCE_S + 30, check=False)
    done.stdout = done.stdout.decode("utf-8", "replace")
    done.stderr = done.stderr.decode("utf-8", "replace")
    result = Result(done)
    if check and result.code != 0:
        raise AssertionError(f"sealward {' '.join(map(str, arguments))}: {result!r}")
    return result


class Case(unittest.TestCase):
    """A test case whose class shares one state and one running server.

    `start_server = False` leaves both to the tests, with self.new_state().
    """

    start_server = True
    maxDiff = None

    @classmethod
    def setUpClass(cls):
        cls.states = []
        cls.class_failed = True  # until it is prepared
        # Not in tearDownClass, which is left out where prepare fails: a server would live on.
        cls.addClassCleanup(cls.clean_up_states)
        if cls.start_server:
            cls.state = cls.make_state()
            cls.server = Server(cls.state)
            cls.prepare()
        cls.class_failed = False

    @classmethod
    def make_state(cls, **keywords):
        state = State(**keywords)
        cls.states.append(state)
        return state

    def new_state(self, **keywords):
        return self.make_state(**keywords)

    @classmethod
    def prepare(cls):
        """What the tests of a class find: override."""

    @classmethod
    def clean_up_states(cls):
        for state in cls.states:
            state.failed = cls.class_failed
            state.clean_up()

    def tearDown(self):
        outcome = self._outcome.result
        if any(test is self for test, _ in outcome.failures + outcome.errors):
            type(self).class_failed = True


def make_tenant(server, tenant="demo", *flags):
    """A tenant whose operator, token issuer and viewer are those of the dev CA."""
    server.cli("admin", "tenants", "create", tenant, *flags)
    for role, principal in (("operator", "operator"), ("token-issuer", "issuer"),
                            ("viewer", "viewer")):
        server.cli("admin", "bindings", "create", f"{tenant}/{role}", "--role", role,
                   "--principal", f"spiffe://sealward.test/{principal}")


def issuer_url(issuer):
    return f"https://{issuer}.test"


def make_issuer(server, issuer, *flags, tenant="demo"):
    return server.cli("admin", "issuers", "create", f"{tenant}/{issuer}", "--issuer-url",
                      issuer_url(issuer), *flags).data


def make_key(server, key, issuer, algorithm="ES256", *flags, tenant="demo"):
    return server.cli("operator", "keys", "create", f"{tenant}/{key}", "--issuer", issuer,
                      "--algorithm", algorithm, "--audience", AUDIENCE, *flags).data


def claims(issuer, lifetime_s=300, **more):
    now = int(time.time())
    return {"iss": issuer_url(issuer), "aud": AUDIENCE, "sub": "user", "iat": now,
            "exp": now + lifetime_s} | more


def sign(server, key, claim_set, tenant="demo", **keywords):
    return server.cli("issuer", "jwt", "sign", f"{tenant}/{key}", "--claims", "-",
                      stdin=json.dumps(claim_set), **keywords)


def header_of(jwt):
    first = jwt.split(".")[0]
    return json.loads(base64.urlsafe_b64decode(first + "=" * (-len(first) % 4)))


def main():
    unittest.main(verbosity=2)
