"""A build has the tests' switches if, and only if, it was configured with them.

If this goes, a release could ship with SEALWARD_WITHOUT, which turns hardening off from the
environment, or SEALWARD_FAILPOINT, which kills it. Called with ON or OFF and the programs.
"""

import pathlib
import sys
import unittest

SWITCHES, PROGRAMS = sys.argv[1], sys.argv[2:]
NAMES = (b"SEALWARD_WITHOUT", b"SEALWARD_FAILPOINT", b"not-dumpable")


class NoSwitches(unittest.TestCase):
    def test_the_names_are_where_they_belong(self):
        self.assertGreaterEqual(len(PROGRAMS), 2)
        for program in PROGRAMS:
            content = pathlib.Path(program).read_bytes()
            for name in NAMES:
                self.assertEqual(name in content, SWITCHES == "ON", f"{program}: {name}")


if __name__ == "__main__":
    unittest.main(argv=sys.argv[:1], verbosity=2)
