"""A running service to be attacked, and the situations that it is attacked in."""

import contextlib
import json
import os
import signal
import subprocess
import tempfile
import threading

import harness
from faults import Faults
from harness import Server, State, make_issuer, make_key, wait_until
from load import Load

from . import attacks, canaries, nonces, softhsm_files, thief

ALGORITHMS = {"es": "ES256", "ed": "EdDSA", "rs": "RS256-2048"}
# One more than are crashed in an act, so that the server goes on signing.
SIGNERS = 4
LOAD_CONCURRENCY = 4
# Signatures of each key before an attack: enough for every thread to have made some.
LEAST_SIGNATURES = 24
# Of the newest signatures of a key: a stack holds no more.
MOST_SIGNATURES = 500
QUICK = ("--max-age", "1s", "--propagation-time", "1s")


class Stage:
    """A state whose server logs at debug level and may be dumped, with a key of each
    kind; one start of the server after the other. `signer` is the program to start in
    place of sealward-hsm, `with_faults` puts the partition on the fault module.

    Server, signers, CLI and intruder are the same user, and not root: the least that
    protects the signers, and what a change of uid would protect of itself is not there."""

    def __init__(self, signer=None, with_faults=False, signers=SIGNERS):
        self.state = State(hsm_processes=signers)
        config = self.state.dir / "server.toml"
        text = config.read_text(encoding="utf-8").replace('"info"', '"debug"')
        if signer:
            text = text.replace(f"{harness.BIN}/sealward-hsm", str(harness.BIN / signer))
        config.write_text(text + "[debug]\ncore_dumps = true\n", encoding="utf-8")
        self.uid = self.state.partition.stat().st_uid
        self.faults = Faults(self.state, self.state.partition) if with_faults else None
        self.jwts = []       # files that loads write
        # In the environment of each CLI: whether a dump of it is a dump of its memory.
        self.marker = canaries.Secret("marker", "marker", os.urandom(32).hex().encode())
        self.canaries = {}   # by object id: keys that were destroyed meanwhile, too
        self.signers_wanted = signers
        self.started = []    # the signers that the server started first
        self.server = None
        self.cast = 0        # numbers what is made
        # Read while nobody logs in: each login writes token.object anew.
        self.token = softhsm_files.open_partition(self.state.partition)
        self.give_state_away()
        self.start()
        harness.make_tenant(self.server)
        for name, algorithm in ALGORITHMS.items():
            make_issuer(self.server, name, *QUICK)
            make_key(self.server, name, name, algorithm)

    def start(self):
        """Returns when every signer is ready."""
        log = self.state.log_file
        before = log.stat().st_size if log.exists() else 0
        self.server = Server(self.state, preexec=self.become, hsm=False)
        self.jwts.clear()

        def ready():
            # The log instead of the CLI: a run of that is a tenth of a second.
            lines = log.read_bytes()[before:].decode("utf-8", "replace").splitlines()
            return [json.loads(line)["pid"] for line in lines
                    if '"event":"hsm_process_ready"' in line]

        self.started = wait_until(lambda: len(found := ready()) == self.signers_wanted and found,
                                  "all signers ready")

    def end(self):
        """Ends what is left of a start of the server."""
        if self.faults:
            self.faults.lift()
        if self.server.process.poll() is None:
            self.server.stop()
        wait_until(lambda: not self.signers(), "the signers to end")

    def become(self):
        attacks.become_with_cores(self.uid)

    def give_state_away(self):
        """All of the state, made by us, belongs to that user."""
        for path in (self.state.dir, *self.state.dir.rglob("*")):
            os.chown(path, self.uid, self.uid, follow_symlinks=False)

    def kill(self):
        """Ends everything, whatever it is in; the state stays."""
        if self.faults:
            self.faults.lift()
        for pid in harness.pids_naming(str(self.state.dir)):
            with contextlib.suppress(ProcessLookupError):
                os.kill(pid, signal.SIGKILL)
        self.server.process.wait(timeout=harness.PATIENCE_S)
        wait_until(lambda: not self.signers(), "the signers to end")

    def clean_up(self):
        self.state.clean_up()

    def signers(self):
        """All processes that serve the partition, ready or not."""
        return [pid for pid in harness.pids_naming(str(self.state.partition))
                if harness.is_alive(pid) and pid != self.server.pid]

    # What the test knows.

    def read_canaries(self):
        for canary in canaries.of_token(self.token, self.canaries):
            self.canaries[canary.object_id] = canary

    def secrets(self):
        """PIN and keys, and the nonces of what was signed since the start."""
        self.read_canaries()
        secrets = canaries.login_secrets(self.token)
        for canary in self.canaries.values():
            secrets += canary.secrets()
        signatures = self.signatures()
        some = [secret for canary in self.canaries.values()
                for secret in nonces.secrets_of(canary, signatures.get(canary.name, ()))]
        return secrets, some

    def signatures(self):
        """The newest signatures since the start, by canary."""
        by_kid = {thief.thumbprint(canary): canary.name for canary in self.canaries.values()}
        signatures = {}
        for path in self.jwts:
            # A client that was killed may have written half a line.
            for line in path.read_text(encoding="ascii").split("\n")[:-1]:
                name = by_kid[harness.header_of(line)["kid"]]
                signatures.setdefault(name, []).append(nonces.Signature.of_jwt(line))
        return {name: all_of[-MOST_SIGNATURES:] for name, all_of in signatures.items()}

    # What happens on it.

    @contextlib.contextmanager
    def load(self, keys=tuple(ALGORITHMS)):
        """The keys sign on several threads, from some signatures before the block on."""
        loads = []
        try:
            for name in keys:
                self.cast += 1
                path = self.state.dir / f"{name}.{self.cast}.jwts"
                self.jwts.append(path)
                with open(path, "wb") as out:
                    loads.append(Load(self.server, name, name, stdout=out,
                                      concurrency=LOAD_CONCURRENCY))
            for path in self.jwts[-len(loads):]:
                # Lines arrive by the buffer.
                wait_until(lambda p=path: p.read_bytes().count(b"\n") >= LEAST_SIGNATURES,
                           "signatures")
            yield
        finally:
            for load in loads:
                load.stop()

    def sign_a_while(self):
        """All keys, and last the one whose nonces are worth the key."""
        with self.load():
            pass
        with self.load(["es"]):
            pass

    def make_and_rotate(self, name, algorithm):
        make_issuer(self.server, name, *QUICK)
        make_key(self.server, name, name, algorithm)
        self.server.cli("operator", "keys", "rotate", f"demo/{name}")

    @contextlib.contextmanager
    def rotations(self):
        """Keys are made and rotated, one after another, through the block."""
        stop, met = threading.Event(), threading.Event()

        algorithms = list(ALGORITHMS.values())

        def churn():
            while not stop.is_set():
                self.cast += 1
                algorithm = algorithms[self.cast % len(algorithms)]
                try:
                    self.make_and_rotate(f"rotated{self.cast}", algorithm)
                except AssertionError:  # the server was crashed under it
                    if self.server.process.poll() is None:
                        continue
                    return
                met.set()

        thread = threading.Thread(target=churn)
        thread.start()
        try:
            wait_until(met.is_set, "a rotation")
            yield
        finally:
            stop.set()
            thread.join()

    def hold_cli(self, role, *arguments, stdin=""):
        """A run of the CLI that waits at its end, with all that it knows."""
        here, there = os.pipe()
        environment = dict(os.environ, SEALWARD_HOLD_FD=str(there),
                           SEALWARD_MARKER=self.marker.value.decode(),
                           LD_PRELOAD=str(harness.BIN / "containment_hold_at_exit.so"))
        with tempfile.TemporaryFile() as words:
            words.write(stdin.encode())
            words.seek(0)
            process = subprocess.Popen(
                [harness.BIN / "sealward", "--config", self.state.dir / f"{role}.toml",
                 "--timeout", "20s", *arguments], stdin=words, stdout=subprocess.DEVNULL,
                stderr=subprocess.DEVNULL, env=environment, pass_fds=[there],
                preexec_fn=self.become)
        os.close(there)
        told = os.read(here, 1)  # nothing, if it ended instead
        os.close(here)
        assert told == b"x", f"sealward {arguments} did not get to its end"
        return process

