"""An HSM that goes away in each way that PKCS#11 has for it, and comes back: signing
recovers without a restart of the server, nothing wrong is released meanwhile, other
tenants notice nothing, and the PIN is presented as seldom as can be."""

import contextlib
import os
import signal
import ssl
import subprocess
import tempfile
import time
import urllib.request

import harness
import validators
from faults import Faults
from harness import Server, claims, sign, wait_until
from load import Load
from test_partitions import OWN, PartitionCase

GONE = ("CKR_DEVICE_REMOVED", "CKR_DEVICE_ERROR", "CKR_SESSION_HANDLE_INVALID",
        "CKR_USER_NOT_LOGGED_IN", "CKR_HOST_MEMORY")
PROCESSES = 2
# restart_schedule.h: starts of the doubling, and then one in so many seconds.
DOUBLING = 8
LAST_RESTART_DELAY_S = 5


class OutageCase(PartitionCase):

    def prepare_vault(self):
        self.faults = Faults(self.state, self.vault)

    def setUp(self):
        super().setUp()
        self.make_keys()
        self.before = self.kids()
        self.others = Load(self.server, "main", "shared", concurrency=2)

    def finish(self):
        """What holds after every outage."""
        wait_until(lambda: self.sign_own(check=False, timeout="5s").code == 0, "it to recover")
        self.wait_vault()
        self.assertEqual(self.kids(), self.before)
        self.assertFalse(self.partition(OWN).get("alarm"))
        counts = self.others.stop()
        self.assertEqual(counts["failed"], {}, "another tenant noticed")
        self.assertGreater(counts["signed"], 0)
        self.assertEqual(self.server.stop(), 0)

    def metric(self, name):
        context = ssl.create_default_context(cafile=self.state.tls / "ca.pem")
        context.load_cert_chain(self.state.tls / "viewer.pem", self.state.tls / "viewer.key")
        self.server.cli("admin", "bindings", "create", "scraper", "--role", "viewer", "--principal",
                        "spiffe://sealward.test/viewer", check=False)
        with urllib.request.urlopen(self.server.ready["metrics"] + "/metrics", context=context,
                                    timeout=30) as response:
            text = response.read().decode()
        series = f'{name}{{partition="{OWN}"}} '
        return next(float(line[len(series):]) for line in text.splitlines()
                    if line.startswith(series))

    def wait_dead(self):
        """Returns when no process of the vault is ready, or the breaker is open."""
        wait_until(lambda: self.partition(OWN).get("alarm"), "the outage to be noticed")


class Outages(OutageCase):

    def test_it_goes_and_comes_back(self):
        for rv in GONE:
            with self.subTest(rv):
                logins, began = self.faults.calls("C_Login"), time.monotonic()
                load = Load(self.server, "main", "vaulted", concurrency=4, tenant="own")
                with self.faults.during(f"C_SignInit * return {rv}"):
                    self.wait_dead()
                    asked = time.monotonic()
                    # It has a minute, and is refused at once, by whatever refuses.
                    self.assert_unavailable(self.sign_own(check=False, timeout="60s"))
                    self.assertLess(time.monotonic() - asked, 30)
                    # Long enough for a storm to show.
                    starts = self.faults.calls("C_Login")
                    wait_until(lambda n=starts: self.faults.calls("C_Login") > n, "another try")
                wait_until(lambda: self.sign_own(check=False, timeout="5s").code == 0, "recovery")
                self.wait_vault()
                counts = load.stop()
                spent = self.faults.calls("C_Login") - logins
                seconds = time.monotonic() - began
                print(f"{rv}: {spent} logins in {seconds:.1f} s, {counts['failed']}")
                self.assertLessEqual(set(counts["failed"]), {"UNAVAILABLE HSM_UNAVAILABLE"})
                self.assertEqual(counts["without_retry_info"], 0)
                self.assertLessEqual(
                    spent, 2 * PROCESSES + DOUBLING + seconds / LAST_RESTART_DELAY_S)
                # Each start is a login, and nothing else is.
                self.assertLessEqual(spent, self.log_count("hsm_process_started") - PROCESSES)
        self.assertGreater(self.metric("sealward_hsm_breaker_opens_total"), 0)
        self.assertEqual(self.metric("sealward_hsm_breaker_open"), 0)
        self.assertFalse((self.vault / "pin-latch").exists())
        self.finish()

    def log_count(self, event):
        return sum(f'"{event}"' in line and f'"{OWN}"' in line
                   for line in self.server.log().splitlines())

    def test_one_lost_session_costs_one_login_and_no_client_notices(self):
        load = Load(self.server, "main", "vaulted", concurrency=2, tenant="own", attempts=6)
        logins, pids = self.faults.calls("C_Login"), set(self.vault_pids())
        self.faults.set("C_Sign once return CKR_SESSION_HANDLE_INVALID")
        wait_until(lambda: self.faults.calls("C_Login") == logins + 1, "the one that replaces it")
        self.wait_vault()
        self.assertEqual(len(pids & set(self.vault_pids())), 1, "the other one goes on")
        counts = load.stop()
        self.assertEqual(counts["failed"], {})
        self.assertEqual(self.faults.calls("C_Login"), logins + 1)
        self.finish()

    def test_wrong_results_never_leave(self):
        uri = self.server.cli("viewer", "issuers", "get", "own/vaulted").data["jwksUri"]
        jwks = validators.fetch(self.state, uri)[0]
        with tempfile.TemporaryFile(mode="w+") as jwts:
            load = Load(self.server, "main", "vaulted", concurrency=2, tenant="own", stdout=jwts)
            for fault in ("C_Sign * truncate 8", "C_Sign * flip", "C_Sign * truncate 64"):
                with self.subTest(fault), self.faults.during(fault):
                    refused = self.sign_own(check=False, timeout="20s")
                    self.assertNotEqual(refused.code, 0)
                    self.assertNotIn("jwt", refused.out)
                wait_until(lambda: self.sign_own(check=False, timeout="5s").code == 0, "recovery")
            counts = load.stop()
            self.assertNotEqual(counts["failed"], {}, "the faults were met")
            jwts.seek(0)
            lines = jwts.read().split()
        self.assertGreater(len(lines), 0)
        step = max(1, len(lines) // 300)
        for jwt in lines[::step]:
            validators.check_with_jwcrypto(jwks, jwt, harness.issuer_url("vaulted"))
        self.finish()

    def test_it_is_slow(self):
        with self.faults.during("C_Sign * delay 200"):
            self.assertEqual(self.sign_own(timeout="20s").code, 0)
        self.finish()

    def test_a_call_that_hangs(self):
        logins = self.faults.calls("C_Login")
        old = self.vault_pids()
        with self.faults.during("C_Sign * hang"):
            load = Load(self.server, "main", "vaulted", concurrency=4, tenant="own")
            wait_until(lambda: not set(old) & set(self.vault_pids()), "both to be replaced")
            self.wait_dead()
            self.assertIn("hsm_process_wedged", self.server.log())
            # The next one hangs in its self-test: it is not ready, and so not killed.
            starting = wait_until(self.vault_pids, "a process that starts")
            asked = time.monotonic()
            self.assert_unavailable(self.sign_own(check=False, timeout="60s"))
            self.assertLess(time.monotonic() - asked, 30)
            counts = load.stop()
            self.assertLessEqual(set(counts["failed"]), {"UNAVAILABLE HSM_UNAVAILABLE",
                                                         "DEADLINE_EXCEEDED "})
        wait_until(lambda: self.sign_own(check=False, timeout="5s").code == 0, "recovery")
        self.assertLessEqual(set(starting), set(self.vault_pids()))
        self.wait_vault()
        self.assertEqual(self.faults.calls("C_Login"), logins + PROCESSES)
        self.finish()


class Pin(OutageCase):

    def test_a_pin_that_is_refused_once_is_presented_once(self):
        logins = self.faults.calls("C_Login")
        self.faults.set("C_Login once return CKR_PIN_INCORRECT")
        for pid in self.vault_pids():
            with contextlib.suppress(ProcessLookupError):
                os.kill(pid, signal.SIGKILL)
        wait_until(lambda: self.partition(OWN).get("pinLatched"), "the latch")
        # Processes go on being started and end before they present it.
        for _ in range(2):
            starts = self.faults_starts()
            wait_until(lambda n=starts: self.faults_starts() > n, "another start")
        self.assertEqual(self.faults.calls("C_Login"), logins + 1)
        self.assert_unavailable(self.sign_own(check=False, timeout="60s"))
        self.sign_shared()
        # Nor after a restart of the server.
        self.others.stop()
        self.assertEqual(self.server.stop(), 0)
        self.server = Server(self.state, hsm=False)
        wait_until(lambda: self.partition(OWN).get("pinLatched"), "the latch")
        self.assertEqual(self.faults.calls("C_Login"), logins + 1)
        self.others = Load(self.server, "main", "shared", concurrency=2)
        subprocess.run([harness.BIN / "sealward-hsm", "clear-pin-latch", "--dir", self.vault],
                       capture_output=True, check=True, timeout=harness.PATIENCE_S)
        self.wait_vault()
        self.assertEqual(self.faults.calls("C_Login"), logins + 1 + PROCESSES)
        self.finish()

    def faults_starts(self):
        return self.server.log().count("hsm_process_started")

    def test_a_pin_that_expires_in_use_is_not_presented_again(self):
        logins = self.faults.calls("C_Login")
        self.faults.set("C_SignInit * return CKR_PIN_EXPIRED")
        for _ in range(PROCESSES):
            self.sign_own(check=False, timeout="20s")
        wait_until(lambda: self.partition(OWN).get("pinLatched"), "the latch")
        self.assert_unavailable(self.sign_own(check=False, timeout="60s"))
        self.assertLessEqual(self.faults.calls("C_Login"), logins + 1)
        self.faults.lift()
        subprocess.run([harness.BIN / "sealward-hsm", "clear-pin-latch", "--dir", self.vault],
                       capture_output=True, check=True, timeout=harness.PATIENCE_S)
        self.finish()


if __name__ == "__main__":
    harness.main()
