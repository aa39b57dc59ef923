"""sealward-hsm processes that die: requests fail cleanly or not at all, and the
partition and its keys survive."""

import contextlib
import os
import random
import signal
import subprocess
import time

import harness
from harness import Server, claims, make_issuer, make_key, sign, wait_until
from load import Load

LOGIN_KILLS = 12


class HsmFaults(harness.Case):

    @classmethod
    def prepare(cls):
        harness.make_tenant(cls.server)
        make_issuer(cls.server, "login")
        make_key(cls.server, "main", "login")

    def kill(self, pids):
        for pid in pids:
            with contextlib.suppress(ProcessLookupError):
                os.kill(pid, signal.SIGKILL)

    def token_object(self):
        return next(self.state.partition.glob("tokens/*/token.object"))

    def signatures(self):
        return sum(int(p["signatures"]) for p in self.server.hsm_processes())

    def wait_signing(self, start):
        wait_until(lambda: self.signatures() > start, "signatures")

    def assert_only_unavailable(self, counts):
        self.assertLessEqual(set(counts["failed"]), {"UNAVAILABLE HSM_UNAVAILABLE"}, counts)
        self.assertEqual(counts["without_retry_info"], 0, counts)

    def test_one_process_killed_under_load(self):
        pids = self.server.wait_hsm()
        load = Load(self.server, "main", "login")
        self.wait_signing(self.signatures())
        self.kill(pids[:1])
        wait_until(lambda: pids[0] not in self.server.hsm_pids(), "the dead process to be noticed")
        new = self.server.wait_hsm()
        self.assertEqual(len(set(new) & set(pids)), 1, "the other one goes on")
        sign(self.server, "main", claims("login"))
        counts = load.stop()
        self.assert_only_unavailable(counts)
        # What was under way in one process: 2 packets of 16 operations at most.
        self.assertLessEqual(sum(counts["failed"].values()), 32, counts)
        self.assertGreater(counts["signed"], 0)

    def test_all_processes_killed_under_load(self):
        pids = self.server.wait_hsm()
        load = Load(self.server, "main", "login", concurrency=4)
        self.wait_signing(self.signatures())
        self.kill(pids)
        wait_until(lambda: not set(pids) & set(self.server.hsm_pids()), "both to be noticed")
        self.server.wait_hsm()
        sign(self.server, "main", claims("login"))
        self.assert_only_unavailable(load.stop())

    def test_a_client_with_retries_notices_nothing_of_one_death(self):
        pids = self.server.wait_hsm()
        load = Load(self.server, "main", "login", attempts=5)
        self.wait_signing(self.signatures())
        self.kill(pids[:1])
        wait_until(lambda: pids[0] not in self.server.hsm_pids(), "the dead process to be noticed")
        self.server.wait_hsm()
        self.assertEqual(load.stop()["failed"], {})

    def test_kills_in_the_middle_of_logins_lose_nothing(self):
        # SoftHSM2 rewrites the file with the master key at each login: a kill in
        # between empties it, and with it every key (FACTS). Here the process is
        # shot while it starts, at random moments, again and again.
        seed = random.randrange(1 << 30)
        print(f"seed {seed}")
        moments = random.Random(seed)
        pids = self.server.wait_hsm()
        self.kill(pids)
        for _ in range(LOGIN_KILLS):
            new = wait_until(lambda: harness.pids_naming(str(self.state.partition)),
                             "a new process")
            # Not a wait for anything: it chooses where in the login the shot falls.
            time.sleep(moments.uniform(0, 0.08))
            self.kill(new)
            wait_until(lambda old=new: not any(map(harness.is_alive, old)), "it to die")
        self.server.wait_hsm()
        sign(self.server, "main", claims("login"))
        self.assertGreater(self.token_object().stat().st_size, 0)

    def test_a_stopped_process_is_replaced(self):
        # SIGSTOP stands for a module that hangs in a call: no end of file tells of it.
        pids = self.server.wait_hsm()
        load = Load(self.server, "main", "login", concurrency=4)
        self.wait_signing(self.signatures())
        os.kill(pids[0], signal.SIGSTOP)
        try:
            wait_until(lambda: pids[0] not in self.server.hsm_pids(), "the wedged one replaced")
        finally:
            with contextlib.suppress(ProcessLookupError):
                os.kill(pids[0], signal.SIGCONT)
        self.server.wait_hsm()
        sign(self.server, "main", claims("login"))
        counts = load.stop()
        self.assertLessEqual(set(counts["failed"]),
                             {"UNAVAILABLE HSM_UNAVAILABLE", "DEADLINE_EXCEEDED "}, counts)

    def test_keys_made_before_a_kill_are_still_there(self):
        # The answer to CreateKey promises that the key is on the disk.
        make_issuer(self.server, "made")
        make_key(self.server, "made", "made")
        self.kill(self.server.wait_hsm())
        wait_until(lambda: sign(self.server, "made", claims("made"), check=False,
                                timeout="5s").code == 0, "the key to sign again")


class Restarts(harness.Case):
    """The server itself killed: everything is still there."""

    start_server = False

    def test_kill_9_and_start_again(self):
        state = self.new_state()
        server = Server(state)
        harness.make_tenant(server)
        kids = {}
        for i in range(3):
            make_issuer(server, f"issuer{i}")
            make_key(server, f"key{i}", f"issuer{i}")
            kids[i] = sign(server, f"key{i}", claims(f"issuer{i}")).data["kid"]
            # Each commit was answered: a kill right after it may not undo it.
            hsm = server.hsm_pids()
            server.stop(signal.SIGKILL)
            wait_until(lambda old=hsm: not any(map(harness.is_alive, old)),
                       "sealward-hsm to end with its server")
            server = Server(state)
            for j in range(i + 1):
                jwt = sign(server, f"key{j}", claims(f"issuer{j}")).data
                self.assertEqual(jwt["kid"], kids[j])
        self.assertEqual(len(server.cli("viewer", "keys", "list", "demo").data["keys"]), 3)
        self.assertEqual(server.stop(), 0)

    def test_kill_9_while_keys_are_made(self):
        # Intent, HSM, commit: a kill between any two leaves nothing half done.
        state = self.new_state()
        server = Server(state)
        harness.make_tenant(server)
        for i in range(4):
            make_issuer(server, f"issuer{i}")
            maker = subprocess.Popen(
                [harness.BIN / "sealward", "--config", state.dir / "operator.toml", "keys",
                 "create", f"demo/key{i}", "--issuer", f"issuer{i}", "--algorithm", "RS256-2048",
                 "--audience", harness.AUDIENCE],
                stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
            wait_until(lambda i=i, m=maker: m.poll() is not None or
                       server.cli("viewer", "keys", "get", f"demo/key{i}", check=False).code == 0,
                       "the intent")
            server.stop(signal.SIGKILL)
            maker.wait(timeout=harness.PATIENCE_S)
            server = Server(state)
            if server.cli("viewer", "keys", "get", f"demo/key{i}", check=False).code == 0:
                wait_until(lambda i=i: sign(server, f"key{i}", claims(f"issuer{i}"), check=False,
                                            timeout="5s").code == 0, f"key{i} to be finished")
        self.assertEqual(server.stop(), 0)

    def test_a_second_start_finds_everything(self):
        state = self.new_state()
        server = Server(state)
        harness.make_tenant(server)
        make_issuer(server, "login")
        make_key(server, "main", "login")
        commands = (("tenants", "list"), ("issuers", "list", "demo"), ("bindings", "list", "demo"))
        before = [server.cli("admin", *command).data for command in commands]
        kid = sign(server, "main", claims("login")).data["kid"]
        self.assertEqual(server.stop(), 0)
        server = Server(state)
        for issuer in before[1]["issuers"]:
            issuer["jwksUri"] = server.ready["https"] + issuer["jwksUri"].partition("/tenants")[1] \
                + issuer["jwksUri"].partition("/tenants")[2]
        self.assertEqual([server.cli("admin", *command).data for command in commands], before)
        self.assertEqual(sign(server, "main", claims("login")).data["kid"], kid)
        self.assertEqual(server.stop(), 0)


if __name__ == "__main__":
    harness.main()
