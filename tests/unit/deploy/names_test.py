"""Names in deploy/ against the server's own.

If this goes, a panel or an alert looks at a metric that was renamed: it shows nothing,
and fires never.
"""

import json
import os
import pathlib
import re
import unittest

ROOT = pathlib.Path(os.environ.get("SEALWARD_SOURCE", pathlib.Path(__file__).parents[3]))
DASHBOARD = ROOT / "deploy/grafana/sealward.json"
RULES = ROOT / "deploy/prometheus/sealward.rules.yml"
NAME = re.compile(r"\bsealward_[a-z_]+\b")


def read(path):
    return (ROOT / path).read_text(encoding="utf-8")


def served_names():
    """What /metrics can have: the names in the source, and a histogram's three."""
    source = read("server/telemetry/metrics.cc")
    names = set(re.findall(r'"(sealward_[a-z_]+)"', source))
    for name in list(names):
        if name.endswith("_seconds"):
            names |= {name + suffix for suffix in ("_bucket", "_sum", "_count")}
    return names


def alarm_kinds():
    return set(re.findall(r'\{Kind::k\w+, "([A-Z_]+)"', read("server/alarms/alarm.cc")))


class Names(unittest.TestCase):
    def check(self, text, where):
        used = set(NAME.findall(text))
        self.assertGreater(len(used), 5, where)
        self.assertEqual(used - served_names(), set(), f"{where} names what is not served")

    def test_the_source_was_understood(self):
        self.assertIn("sealward_alarm", served_names())
        self.assertIn("sealward_driver_pass_duration_seconds_bucket", served_names())
        self.assertEqual(len(alarm_kinds()), int(re.search(
            r"kKinds = (\d+)", read("server/alarms/alarm.h")).group(1)))

    def test_rules(self):
        self.check(RULES.read_text(encoding="utf-8"), RULES.name)

    def test_kinds_in_the_tests_of_rules_exist(self):
        text = read("deploy/prometheus/sealward.rules.test.yml")
        kinds = set(re.findall(r'kind="([A-Z_]+)"', text))
        self.assertTrue(kinds)
        self.assertEqual(kinds - alarm_kinds(), set())

    def test_dashboard(self):
        dashboard = json.loads(DASHBOARD.read_text(encoding="utf-8"))
        self.assertEqual(dashboard["uid"], "sealward")
        ids = [panel["id"] for panel in dashboard["panels"]]
        self.assertEqual(len(ids), len(set(ids)))
        for panel in dashboard["panels"]:
            self.assertTrue(panel["targets"], panel["title"])
            for target in panel["targets"]:
                self.assertTrue(NAME.search(target["expr"]), target)
        self.check(DASHBOARD.read_text(encoding="utf-8"), DASHBOARD.name)


if __name__ == "__main__":
    unittest.main(verbosity=2)
