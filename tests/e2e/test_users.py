"""Server and signer under users of their own, connected by listening sockets, in production.

If this goes, nothing notices a server that could read the PIN, the keys' files or the
signer's memory; nor does anything prove that [hsm] sockets works at all. Needs root.
"""

import os
import pathlib
import signal
import subprocess
import sys

import harness
import validators
from harness import Server, claims, make_issuer, make_key, sign, wait_until
from users import (SERVER_UID, STRANGER_UID, UsersCase, attempt, expect_packet, look, run_as,
                   waiting_signer)

SECRETS = ("mem", "environ", "maps", "auxv", "fd", "map_files", "root", "cwd")


class Apart(UsersCase):
    """One server that is apart from its signers, both with the users and the system calls
    that deploy/systemd gives them."""

    def setUp(self):
        super().setUp()
        self.prepare(launcher=run_as(self.signer_uid, "sealward-hsm@.service"))
        self.server = Server(self.state,
                             launcher=run_as(SERVER_UID, "sealward-server.service"))

    def test_a_call_that_the_unit_does_not_allow_kills(self):
        """The control: else the filter that both run under would be none."""
        for unit in ("sealward-hsm@.service", "sealward-server.service"):
            done = subprocess.run([*run_as(SERVER_UID, unit), sys.executable, "-c",
                                   "import os; os.chroot('/')"], check=False)
            self.assertEqual(done.returncode, -signal.SIGSYS)
        self.assertEqual(self.server.stop(), 0)

    def test_the_server_signs_and_reads_nothing_of_the_signer(self):
        harness.make_tenant(self.server)
        make_issuer(self.server, "main")
        make_key(self.server, "main", "main")
        token = sign(self.server, "main", claims("main")).data["jwt"]
        jwks, _ = validators.fetch(
            self.state, f"{self.server.ready['https']}/tenants/demo/issuers/main/jwks.json")
        validators.check_with_jwcrypto(jwks.decode(), token, harness.issuer_url("main"))

        status = self.partition(self.server)
        self.assertEqual(status.get("exposure", ""), "")
        pids = [process["pid"] for process in status["processes"]]
        self.assertEqual(len(pids), 2)
        for pid in pids:
            self.assertEqual(self.uid_of(pid), self.signer_uid)
            for name in SECRETS:
                self.assertEqual(attempt(SERVER_UID, look(f"/proc/{pid}/{name}")),
                                 "PermissionError", name)
        for name in ("pin", "tokens", "token.object.copy", "hsm.toml"):
            path = self.state.partition / name
            self.assertEqual(attempt(SERVER_UID, look(path)), "PermissionError", path)
            self.assertIsNone(attempt(self.signer_uid, look(path)), "control: its own user can")
        # The server keeps its own secrets, too: another process of its user reads no key.
        self.assertEqual(self.uid_of(self.server.pid), SERVER_UID)
        self.assertEqual(pathlib.Path(f"/proc/{self.server.pid}/environ").stat().st_uid, 0)
        self.assertEqual(attempt(SERVER_UID, look(f"/proc/{self.server.pid}/mem")),
                         "PermissionError")
        self.strangers_are_turned_away()
        self.killed_signers_come_back()
        self.assertEqual(self.server.stop(), 0)

    def uid_of(self, pid):
        lines = pathlib.Path(f"/proc/{pid}/status").read_text(encoding="ascii").splitlines()
        return int(next(line.split()[1] for line in lines if line.startswith("Uid:")))

    def strangers_are_turned_away(self):
        """A process of another user gets no packet, whoever may open the path."""
        # One that waits for its server: the others have theirs, and accept nobody.
        waiting, path = waiting_signer(self.state, self.signers.log)
        code = expect_packet(path)
        wait_until(lambda: attempt(STRANGER_UID, code) == "AssertionError", "to be hung up on")
        self.assertIn(f"refused a connection from uid {STRANGER_UID}", self.signers.text())
        self.assertIsNone(attempt(SERVER_UID, code), "control: the server's user gets a packet")
        self.assertEqual(waiting.wait(timeout=harness.PATIENCE_S), 0)

    def killed_signers_come_back(self):
        old = set(self.server.hsm_pids())
        for pid in old:
            os.kill(pid, 9)
        wait_until(lambda: old.isdisjoint(self.server.hsm_pids()), "the signers to be gone")
        self.server.wait_hsm()
        self.assertEqual(sign(self.server, "main", claims("main")).code, 0)


class NotApart(UsersCase):
    """Servers that could read what is the signer's do not start."""

    def test_the_signers_own_user(self):
        self.prepare(uid=self.signer_uid)
        log = self.refused(uid=self.signer_uid)
        self.assertIn("is not apart from this server", log)
        self.assertIn(str(self.state.partition / "pin"), log)

    def test_root(self):
        self.prepare(uid=0)
        self.assertIn("is not apart from this server", self.refused(uid=0))

    def test_a_directory_that_is_not_named(self):
        """Then only the process itself can tell."""
        self.prepare(uid=self.signer_uid)
        path = self.state.dir / "server.toml"
        path.write_text(path.read_text(encoding="utf-8").replace('partition = "partition"\n', ""))
        self.assertIn("runs as the same user", self.refused(uid=self.signer_uid))

    def test_a_pin_that_others_may_read(self):
        self.prepare()
        for path, mode in ((self.state.partition, 0o755), (self.state.partition / "pin", 0o644)):
            path.chmod(mode)
        self.assertIn(str(self.state.partition / "pin"), self.refused())

    def test_a_server_that_starts_its_signers(self):
        self.configure("production", [])
        self.state.init_store()
        self.assertIn("is not apart from this server", self.refused(uid=0))

    def test_in_development_it_is_said_aloud(self):
        self.configure("development", [])
        self.state.init_store()
        server = Server(self.state)
        self.assertIn('"signer_not_apart"', server.log())
        exposure = self.partition(server)["exposure"]
        self.assertIn(str(self.state.partition / "pin"), exposure)
        self.assertIn(f"/proc/{server.hsm_pids()[0]}/mem", exposure)
        self.assertIn("TO THE SERVER", server.cli("admin", "status", json_output=False).out)
        self.assertEqual(server.stop(), 0)


if __name__ == "__main__":
    harness.main()
