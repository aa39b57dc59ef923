"""Server and signer as users of their own, as deploy/systemd runs them.

REQUIRES: root. What a test may not do here fails; nothing is left out.
"""

import os
import socket
import subprocess
import sys
import threading

import certificates
import harness

# Nobody's: neither has an entry in /etc/passwd.
SERVER_UID = 64901
STRANGER_UID = 64902

EXIT_CONFIG = 78

# Runs a program as another user, with no more system calls than those named, if any are
# (libseccomp; anything else kills it). The program is opened before: the build may lie in
# a folder that only its owner may enter.
_RUN_AS = """
import ctypes, os, sys
uid, calls, program = int(sys.argv[1]), sys.argv[2].split(), os.open(sys.argv[3], os.O_RDONLY)
os.setgroups([])
os.setresgid(uid, uid, uid)
os.setresuid(uid, uid, uid)
if calls:
    KILL_PROCESS, ALLOW = 0x80000000, 0x7fff0000
    library = ctypes.CDLL('libseccomp.so.2')
    library.seccomp_init.restype = ctypes.c_void_p
    context = ctypes.c_void_p(library.seccomp_init(ctypes.c_uint32(KILL_PROCESS)))
    for call in calls:
        number = library.seccomp_syscall_resolve_name(call.encode())
        if number >= 0:  # others are other machines'
            assert library.seccomp_rule_add(context, ctypes.c_uint32(ALLOW), number, 0) == 0, call
    assert library.seccomp_load(context) == 0
os.execve(program, sys.argv[3:], os.environ)
"""


def run_as(uid, unit=None):
    """Words before a command, which then runs as `uid`, with what SystemCallFilter of that
    file of deploy/systemd lets it call."""
    return [sys.executable, "-c", _RUN_AS, str(uid), " ".join(allowed_calls(unit))]


def allowed_calls(unit):
    """As systemd.exec(5) has it: what is listed, less what is listed with a tilde."""
    calls = set()
    if unit is None:
        return calls
    for line in (harness.SOURCE / "deploy/systemd" / unit).read_text().splitlines():
        key, _, value = line.partition("=")
        if key != "SystemCallFilter":
            continue
        named = set().union(*(_members(word) for word in value.lstrip("~").split()))
        calls = calls - named if value.startswith("~") else calls | named
    return sorted(calls)


def _members(name):
    if not name.startswith("@"):
        return {name}
    lines = subprocess.run(["systemd-analyze", "syscall-filter", name], check=True,
                           capture_output=True, text=True).stdout.splitlines()[1:]
    words = (line.strip() for line in lines)
    return set().union(*(_members(word) for word in words if word and not word.startswith("#")))


def attempt(uid, code):
    """Runs Python `code` as `uid`: None if it went through, else the exception's name."""
    done = subprocess.run(
        [*run_as(uid), sys.executable, "-c", code], capture_output=True, text=True, cwd="/",
        timeout=harness.PATIENCE_S, check=False)
    return done.stderr.strip().splitlines()[-1].split(":")[0] if done.returncode else None


class Signers:
    """sealward-hsm processes that listen, each started again when it has ended."""

    # As RestartPreventExitStatus of deploy/systemd/sealward-hsm@.service.
    FOR_GOOD = (2, 77, 78)

    def __init__(self, state, count=2, peer_uid=SERVER_UID, launcher=()):
        self.state = state
        self.launcher = launcher
        self.peer_uid = peer_uid
        folder = state.dir / "signers"
        folder.mkdir(mode=0o755)
        os.chown(folder, state.partition.stat().st_uid, -1)
        self.sockets = [folder / f"{i}.sock" for i in range(count)]
        self.processes = [None] * count
        self.stopping = False
        self.lock = threading.Lock()
        self.log = open(state.dir / "hsm.log", "ab")
        self.keepers = [threading.Thread(target=self._keep, args=(i,)) for i in range(count)]
        for keeper in self.keepers:
            keeper.start()
        harness.wait_until(lambda: self.text().count("listening on") >= count, "the signers")

    def _start(self, i):
        with self.lock:
            if self.stopping:
                return None
            self.processes[i] = subprocess.Popen(
                [*self.launcher, harness.BIN / "sealward-hsm", "serve", "--dir", self.state.partition,
                 "--listen", self.sockets[i], "--peer-uid", str(self.peer_uid)],
                stdin=subprocess.DEVNULL, stdout=self.log, stderr=self.log)
            return self.processes[i]

    def _keep(self, i):
        while process := self._start(i):
            if process.wait() in self.FOR_GOOD:
                return

    def text(self):
        return (self.state.dir / "hsm.log").read_text(encoding="utf-8", errors="replace")

    def stop(self):
        with self.lock:
            self.stopping = True
            for process in filter(None, self.processes):
                process.terminate()
        for keeper in self.keepers:
            keeper.join(timeout=harness.PATIENCE_S)
        self.log.close()


def give_to(uid, *paths):
    """Makes files, and folders with what is in them, `uid`'s."""
    for path in paths:
        inside = path.rglob("*") if path.is_dir() else ()
        for each in (path, *inside):
            os.chown(each, uid, uid)


def waiting_signer(state, log):
    """A sealward-hsm that listens and has accepted nobody yet, and its socket."""
    path = state.dir / "waiting.sock"
    process = subprocess.Popen(
        [harness.BIN / "sealward-hsm", "serve", "--dir", state.partition, "--listen", path,
         "--peer-uid", str(SERVER_UID)], stdin=subprocess.DEVNULL, stdout=log, stderr=log)
    harness.wait_until(path.exists, "the socket")
    return process, path


def expect_packet(path):
    """Python that fails unless whoever listens on the socket `path` speaks to it."""
    return (f"import socket; s = socket.socket(socket.AF_UNIX, {int(socket.SOCK_SEQPACKET)}); "
            f"s.connect({str(path)!r}); assert s.recv(65536), 'nothing'")


def look(path):
    """Python that reads a file or lists a folder."""
    return f"import os; p = {str(path)!r}; os.listdir(p) if os.path.isdir(p) else open(p, 'rb')"


class UsersCase(harness.Case):
    start_server = False

    def setUp(self):
        self.assertEqual(os.geteuid(), 0, "only root can make processes of several users")
        self.signers = None
        self.state = self.new_state(make_store=False)
        self.make_certificates()
        self.signer_uid = self.state.partition.stat().st_uid

    def tearDown(self):
        super().tearDown()
        if self.signers:
            self.signers.stop()

    def make_certificates(self):
        """Production refuses those of the development CA."""
        ca = certificates.Ca("Test CA")
        (self.state.tls / "ca.pem").write_bytes(ca.pem)
        for name in ("server", "jwks"):
            ca.issue(self.state.tls, name, server=True)
        for role in harness.ROLES:
            ca.issue(self.state.tls, role, uris=[f"spiffe://sealward.test/{role}"])

    def configure(self, environment, sockets):
        path = self.state.dir / "server.toml"
        text = path.read_text(encoding="utf-8").replace('"development"', f'"{environment}"')
        if sockets:
            names = ", ".join(f'"{each}"' for each in sockets)
            text = text.replace("processes = 2", f"sockets = [{names}]")
        path.write_text(text, encoding="utf-8")

    def prepare(self, environment="production", uid=SERVER_UID, launcher=(), count=2):
        """Signers that listen for `uid`, a configuration and a store of `uid`'s."""
        self.signers = Signers(self.state, count, peer_uid=uid, launcher=launcher)
        self.configure(environment, self.signers.sockets)
        run = self.state.dir / "run"
        run.mkdir()
        self.state.ready_file = run / "ready.json"
        give_to(uid, self.state.tls, self.state.store.parent, run, self.state.dir / "server.toml")
        subprocess.run(
            [*run_as(uid), harness.BIN / "sealward-server", "init", "--config",
             self.state.dir / "server.toml", "--admin", "spiffe://sealward.test/admin"],
            check=True, capture_output=True, timeout=harness.PATIENCE_S)

    def refused(self, uid=SERVER_UID):
        """What the log of a server that did not start says."""
        server = harness.Server(self.state, wait=False, launcher=run_as(uid))
        self.assertEqual(server.process.wait(timeout=harness.PATIENCE_S), EXIT_CONFIG,
                         server.log()[-2000:])
        return server.log()

    def partition(self, server):
        return server.cli("admin", "status").data["partition"]
