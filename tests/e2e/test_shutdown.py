"""SIGTERM under load, and a disk that is full."""

import base64
import json
import resource
import signal
import subprocess

import harness
from harness import Server, claims, make_issuer, make_key, sign, wait_until
from load import Load

BATCH = 200


class Shutdown(harness.Case):
    start_server = False

    def start(self):
        state = self.new_state()
        server = Server(state)
        harness.make_tenant(server)
        make_issuer(server, "login")
        return state, server

    def test_requests_in_flight_finish(self):
        state, server = self.start()
        make_key(server, "slow", "login", "RS256-4096")
        one = {"key": "tenants/demo/keys/slow",
               "claims": base64.b64encode(json.dumps(claims("login")).encode()).decode()}
        batch = subprocess.Popen(
            [harness.BIN / "e2e_rpc_probe", server.ready["signing"], state.tls / "ca.pem",
             state.tls / "issuer.pem", state.tls / "issuer.key", "SigningService/BatchSignJwt",
             json.dumps({"requests": [one] * BATCH})], stdout=subprocess.PIPE, text=True)
        # Some are signed, many are not: now.
        wait_until(lambda: 0 < sum(int(p["signatures"]) for p in server.hsm_processes()),
                   "the batch to be under way")
        signed = sum(int(p["signatures"]) for p in server.hsm_processes())
        server.process.send_signal(signal.SIGTERM)
        answer = json.loads(batch.communicate(timeout=harness.PATIENCE_S)[0])
        self.assertLess(signed, BATCH, "the batch was over before the signal")
        self.assertEqual(answer["code"], 0, answer["message"])
        self.assertEqual(sum("response" in r for r in answer["response"]["results"]), BATCH)
        self.assertEqual(server.process.wait(timeout=harness.PATIENCE_S), 0)

    def test_sigterm_under_load_ends_clean(self):
        state, server = self.start()
        make_key(server, "main", "login")
        hsm = server.wait_hsm()
        load = Load(server, "main", "login")
        wait_until(lambda: sum(int(p["signatures"]) for p in server.hsm_processes()) > 100, "load")
        self.assertEqual(server.stop(), 0)
        self.assertFalse([pid for pid in hsm if harness.is_alive(pid)], "sealward-hsm left over")
        counts = load.stop()
        # New requests find nobody; none was cut off with another error.
        self.assertLessEqual(set(counts["failed"]), {"UNAVAILABLE CONNECTION_FAILED"}, counts)
        again = Server(state)
        sign(again, "main", claims("login"))
        self.assertEqual(again.stop(), 0)

    def test_sigint_ends_clean_too(self):
        _, server = self.start()
        self.assertEqual(server.stop(signal.SIGINT), 0)


class FullDisk(harness.Case):
    """RLIMIT_FSIZE on the server stands for a disk that has no room for the store."""

    start_server = False

    def test_a_full_disk_loses_nothing(self):
        state = self.new_state()
        server = Server(state)
        harness.make_tenant(server)
        make_issuer(server, "login")
        make_key(server, "main", "login")
        self.assertEqual(server.stop(), 0)
        limit = 96 * 1024 + state.store.stat().st_size

        def no_room():
            signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
            resource.setrlimit(resource.RLIMIT_FSIZE, (limit, limit))

        state.log_file.unlink()
        server = Server(state, preexec=no_room)
        made, refused = [], None
        while refused is None and len(made) < 2000:
            name = f"tenant{len(made)}"
            result = server.cli("admin", "tenants", "create", name, check=False)
            if result.code == 0:
                made.append(name)
            else:
                refused = result
        self.assertIsNotNone(refused, "the limit was never reached")
        self.assertIn(refused.code, (1, 4, 5), refused)
        self.assertTrue(refused.error["message"], refused)
        # What needs no disk goes on.
        sign(server, "main", claims("login"))
        listed = server.cli("admin", "tenants", "list").data["tenants"]
        self.assertEqual(len(listed), len(made) + 1)
        self.assertEqual(server.stop(), 0)
        # With room again everything that was acknowledged is there, and no more.
        server = Server(state)
        listed = {t["name"] for t in server.cli("admin", "tenants", "list").data["tenants"]}
        self.assertEqual(listed, {"tenants/demo"} | {"tenants/" + name for name in made})
        server.cli("admin", "tenants", "create", "room-again")
        self.assertEqual(server.stop(), 0)


if __name__ == "__main__":
    harness.main()
