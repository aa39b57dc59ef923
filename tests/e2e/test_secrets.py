"""What the server does not have, and what nobody gets out of sealward-hsm.

Each attack runs with its positive control: the same attack on a process that is
not protected has to work, else the test proves nothing.
"""

import contextlib
import ctypes
import os
import pathlib
import shutil
import subprocess
import sys

import harness
from harness import Server, claims, make_issuer, make_key, sign

SOFTHSM = "softhsm"
# Sleeps as a process of the same user would: dumpable, unprotected.
VICTIM = [sys.executable, "-c", "import sys; secret = 'control-secret-0123456789'; "
          "print('up', flush=True); sys.stdin.read()"]


def mapped_files(pid):
    files = set()
    for line in pathlib.Path(f"/proc/{pid}/maps").read_text(encoding="utf-8").splitlines():
        fields = line.split(maxsplit=5)
        if len(fields) == 6 and fields[5].startswith("/"):
            files.add(fields[5])
    return files


def pkcs11_modules(pid):
    """Mapped files that export the entry point of every PKCS#11 module."""
    return {path for path in mapped_files(pid)
            if SOFTHSM in path or b"C_GetFunctionList" in exported_names(path)}


def exported_names(path):
    if ".so" not in path:
        return b""
    return subprocess.run(["nm", "-D", "--defined-only", path], capture_output=True,
                          check=False).stdout


def memory_holds(pid, needle):
    """Whether any readable memory of the process holds the bytes."""
    regions = []
    with open(f"/proc/{pid}/maps", encoding="utf-8") as maps:
        for line in maps:
            span, mode = line.split()[:2]
            if mode.startswith("r") and "[v" not in line:
                regions.append([int(x, 16) for x in span.split("-")])
    with open(f"/proc/{pid}/mem", "rb", buffering=0) as memory:
        for start, end in regions:
            tail = b""
            while start < end:
                with contextlib.suppress(OSError):
                    memory.seek(start)
                    chunk = memory.read(min(1 << 22, end - start))
                    if needle in tail + chunk:
                        return True
                    tail = chunk[-len(needle):]
                start += 1 << 22
    return False


def as_user(uid):
    """preexec_fn that becomes `uid`, if we may; a no-op for our own."""
    def become():
        if os.geteuid() == 0 and uid != 0:
            os.setgroups([])
            os.setresgid(uid, uid, uid)
            os.setresuid(uid, uid, uid)
    return become


class Secrets(harness.Case):
    start_server = False

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.state = cls.make_state()
        # The server is allowed dumps here, so that the test can look into it.
        config = cls.state.dir / "server.toml"
        config.write_text(config.read_text(encoding="utf-8") + "[debug]\ncore_dumps = true\n",
                          encoding="utf-8")
        cls.server = Server(cls.state)
        harness.make_tenant(cls.server)
        for name, algorithm in (("es", "ES256"), ("rs", "RS256-2048"), ("ed", "EdDSA")):
            make_issuer(cls.server, name)
            make_key(cls.server, name, name, algorithm)
            sign(cls.server, name, claims(name))
        cls.hsm = cls.server.wait_hsm()
        cls.hsm_uid = int(next(
            line.split()[1] for line in
            pathlib.Path(f"/proc/{cls.hsm[0]}/status").read_text(encoding="utf-8").splitlines()
            if line.startswith("Uid:")))

    @contextlib.contextmanager
    def victim(self):
        process = subprocess.Popen(VICTIM, stdin=subprocess.PIPE, stdout=subprocess.PIPE,
                                   preexec_fn=as_user(self.hsm_uid), cwd="/")
        try:
            process.stdout.readline()
            yield process.pid
        finally:
            process.communicate(timeout=harness.PATIENCE_S)

    def test_the_server_maps_no_pkcs11_module(self):
        self.assertEqual(pkcs11_modules(self.server.pid), set())

    def test_the_search_for_modules_finds_one(self):
        loaded = ctypes.CDLL(self.state.hsm_settings()["module"])
        self.assertTrue(pkcs11_modules(os.getpid()))
        del loaded

    def test_the_pin_is_not_in_the_servers_memory(self):
        pin = (self.state.partition / "pin").read_bytes().strip()
        self.assertGreaterEqual(len(pin), 32)
        self.assertFalse(memory_holds(self.server.pid, pin))
        # The control: something that the server does know.
        self.assertTrue(memory_holds(self.server.pid, b"spiffe://sealward.test/admin"))

    def test_nobody_but_sealward_hsm_may_read_the_pin(self):
        status = (self.state.partition / "pin").stat()
        self.assertEqual(status.st_mode & 0o077, 0)
        self.assertEqual(self.state.partition.stat().st_mode & 0o077, 0)
        if os.geteuid() == 0:
            self.assertNotEqual(self.hsm_uid, 0, "sealward-hsm serves as root")

    def test_the_pin_is_in_no_command_line_or_environment(self):
        pin = (self.state.partition / "pin").read_bytes().strip()
        for pid in [self.server.pid, *self.hsm]:
            self.assertNotIn(pin, pathlib.Path(f"/proc/{pid}/cmdline").read_bytes())
            with contextlib.suppress(PermissionError):
                self.assertNotIn(pin, pathlib.Path(f"/proc/{pid}/environ").read_bytes())
        self.assertNotIn(pin.decode(), self.server.log())

    def read_memory_as(self, pid):
        """Exit code of a process of sealward-hsm's own user that opens mem."""
        return subprocess.run(
            [sys.executable, "-c", f"open('/proc/{pid}/mem', 'rb')"], cwd="/",
            preexec_fn=as_user(self.hsm_uid), capture_output=True, check=False).returncode

    def test_sealward_hsm_is_not_dumpable(self):
        # The kernel gives /proc/PID/mem of a non-dumpable process to root.
        for pid in self.hsm:
            self.assertEqual(os.stat(f"/proc/{pid}/mem").st_uid, 0)
            if self.hsm_uid != 0:
                self.assertNotEqual(self.read_memory_as(pid), 0)
        with self.victim() as pid:
            self.assertEqual(os.stat(f"/proc/{pid}/mem").st_uid, self.hsm_uid)
            self.assertEqual(self.read_memory_as(pid), 0)

    def gcore(self, pid):
        """Whether gcore, run by sealward-hsm's own user, gets a core of it."""
        directory = self.state.dir / f"core-{pid}"
        directory.mkdir()
        if os.geteuid() == 0:
            os.chown(directory, self.hsm_uid, self.hsm_uid)
        subprocess.run(["gcore", "-o", directory / "core", str(pid)], capture_output=True,
                       cwd="/", preexec_fn=as_user(self.hsm_uid), check=False,
                       timeout=harness.PATIENCE_S)
        return any(directory.iterdir())

    def test_gcore_gets_nothing(self):
        if shutil.which("gcore") is None:
            # No debugger here: the same system call that it would fail on.
            self.test_sealward_hsm_is_not_dumpable()
            return
        for pid in self.hsm:
            self.assertFalse(self.gcore(pid))
        with self.victim() as pid:
            self.assertTrue(self.gcore(pid), "the control: gcore works on others")

    def test_sealward_hsm_runs_sandboxed(self):
        for pid in self.hsm:
            status = pathlib.Path(f"/proc/{pid}/status").read_text(encoding="utf-8")
            self.assertIn("Seccomp:\t2", status)
            self.assertIn("NoNewPrivs:\t1", status)


if __name__ == "__main__":
    harness.main()
