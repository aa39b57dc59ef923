"""The events that a debug bundle knows, against those that the server logs.

If this goes, a new event is missing from bundles, where it would have said what went wrong.
"""

import os
import pathlib
import re
import unittest

ROOT = pathlib.Path(os.environ.get("SEALWARD_SOURCE", pathlib.Path(__file__).parents[3]))
CALL = re.compile(r"\bLog(?:Record)?\((?:[^;\"]*?)\"([a-z_]+)\"")


def logged():
    names = set()
    for path in (ROOT / "server").rglob("*.cc"):
        names |= set(CALL.findall(path.read_text(encoding="utf-8")))
    table = (ROOT / "server/app/hsm_events.cc").read_text(encoding="utf-8")
    return names | set(re.findall(r'Level::k\w+,\s*"([a-z_]+)"', table))


def known():
    text = (ROOT / "client/cli/bundle/known_events.cc").read_text(encoding="utf-8")
    return set(re.findall(r'"([a-z_]+)"', text))


class Events(unittest.TestCase):
    def test_a_bundle_knows_every_event(self):
        self.assertGreater(len(logged()), 40)
        # Names of fields, where a call's event is no literal.
        self.assertEqual(logged() - known() - {"partition", "key", "grpc", "object"}, set())


if __name__ == "__main__":
    unittest.main(verbosity=2)
