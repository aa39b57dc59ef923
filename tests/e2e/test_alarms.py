"""What tells operators that something is wrong, on the real programs: an alarm comes by
itself, says what to do, and ends with what was wrong. The rules of each kind and the
steps of the clock are unit tests (tests/unit/alarms, tests/unit/lifecycle)."""

import contextlib
import json
import os
import signal
import ssl
import urllib.request

import harness
from harness import Server, make_issuer, make_key, wait_until

EXIT_NOT_ALLOWED = 3
EXIT_PRECONDITION = 4
EXIT_CRITICAL = 6


class Alarms(harness.Case):
    start_server = False

    def setUp(self):
        self.state = self.new_state()
        self.server = Server(self.state)
        harness.make_tenant(self.server)
        make_issuer(self.server, "login")
        make_key(self.server, "main", "login")

    def alarms(self, role="admin", *arguments):
        result = self.server.cli(role, "alarms", *arguments, check=False)
        self.assertIn(result.code, (0, EXIT_CRITICAL), result)
        listed = result.data.get("alarms", [])
        critical = any(a["severity"] == "SEVERITY_CRITICAL" for a in listed)
        self.assertEqual(result.code == EXIT_CRITICAL, critical, result)
        return {(a["kind"], a["resource"]): a for a in listed}

    def events(self, event):
        lines = [json.loads(line) for line in self.server.log().splitlines()
                 if f'"event":"{event}"' in line]
        return [(line["kind"], line["resource"]) for line in lines]

    def gauge(self, kind):
        context = ssl.create_default_context(cafile=self.state.tls / "ca.pem")
        context.load_cert_chain(self.state.tls / "admin.pem", self.state.tls / "admin.key")
        context.set_alpn_protocols(["http/1.1"])
        opener = urllib.request.build_opener(urllib.request.HTTPSHandler(context=context))
        with opener.open(self.server.ready["metrics"] + "/metrics", timeout=30) as answer:
            text = answer.read().decode()
        line = next(line for line in text.splitlines()
                    if line.startswith(f'sealward_alarm{{kind="{kind}"'))
        return float(line.rpartition(" ")[2])

    def break_partition(self):
        """No sealward-hsm can start, and those that run end; returns what mends it."""
        config = self.state.hsm_config()
        hidden = config.with_name("hsm.toml.hidden")
        config.rename(hidden)
        for pid in self.server.hsm_pids():
            with contextlib.suppress(ProcessLookupError):
                os.kill(pid, signal.SIGKILL)
        return lambda: hidden.rename(config)

    def test_a_dead_hsm(self):
        unreachable = ("HSM_UNREACHABLE", "partitions/default")
        self.assertNotIn(unreachable, self.alarms())
        mend = self.break_partition()
        alarm = wait_until(lambda: self.alarms().get(unreachable), "the alarm")
        self.assertIn("What to do: ", alarm["description"])
        wait_until(lambda: unreachable in self.events("alarm_begins"), "the log's line")
        wait_until(lambda: self.gauge("HSM_UNREACHABLE") == 1, "the gauge")
        text = self.server.cli("admin", "status", json_output=False).out
        self.assertRegex(text, r"Alarms +[1-9]\d* critical")
        mend()
        wait_until(lambda: unreachable not in self.alarms(), "the end of the alarm")
        wait_until(lambda: unreachable in self.events("alarm_ends"), "the log's line")
        self.assertEqual(self.events("alarm_begins").count(unreachable), 1)
        wait_until(lambda: self.gauge("HSM_UNREACHABLE") == 0, "the gauge")
        self.assertEqual(self.server.stop(), 0)

    def test_who_sees_what(self):
        mend = self.break_partition()
        unreachable = ("HSM_UNREACHABLE", "partitions/default")
        wait_until(lambda: unreachable in self.alarms(), "the alarm")
        # The tenant's viewer may read keys, not the service.
        self.assertNotIn(unreachable, self.alarms("viewer"))
        self.assertNotIn(unreachable, self.alarms("viewer", "demo"))
        for role in ("stranger", "issuer"):
            refused = self.server.cli(role, "alarms", check=False)
            self.assertEqual(refused.code, EXIT_NOT_ALLOWED, refused)
        mend()
        self.assertEqual(self.server.stop(), 0)

    def test_the_clock_is_remembered_and_not_to_be_confirmed_without_need(self):
        shown = self.server.cli("admin", "clock", "show", json_output=False)
        self.assertIn("runs", shown.out)
        result = self.server.cli("admin", "clock", "confirm", "--now", "2026-11-22T06:00:00Z",
                                 check=False)
        self.assertEqual((result.code, result.error.get("reason")),
                         (EXIT_PRECONDITION, "CLOCK_NOT_FROZEN"), result)
        refused = self.server.cli("operator", "clock", "confirm", "--now", "2026-11-22T06:00:00Z",
                                  check=False)
        self.assertEqual(refused.code, EXIT_NOT_ALLOWED, refused)
        self.assertEqual(self.server.stop(signal.SIGKILL), -signal.SIGKILL)
        self.server = Server(self.state)
        self.assertIn("runs", self.server.cli("admin", "clock", "show", json_output=False).out)
        self.assertEqual(self.server.stop(), 0)


if __name__ == "__main__":
    harness.main()
