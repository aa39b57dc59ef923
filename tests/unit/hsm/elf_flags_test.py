"""Programs are linked with every symbol bound at start and tables that are read-only after.

If this goes, a change of compiler or flags brings lazy binding back: the resolver's frames
keep what is in registers while the module signs, and tables of functions can be overwritten.
Called with the control, which must fail each check, and then the programs.
"""

import subprocess
import sys
import unittest

CONTROL, PROGRAMS = sys.argv[1], sys.argv[2:]


def readelf(option, path):
    return subprocess.run(["readelf", "-W", option, path], check=True, capture_output=True,
                          text=True).stdout


def binds_now(path):
    return any(" NOW" in line and "FLAGS_1" in line for line in readelf("-d", path).splitlines())


def is_relro(path):
    return "GNU_RELRO" in readelf("-l", path)


def is_pie(path):
    return "DYN (" in readelf("-h", path)


def stack_is_data(path):
    return any("GNU_STACK" in line and " RW " in line for line in readelf("-l", path).splitlines())


class ElfFlags(unittest.TestCase):
    def test_every_program_has_them_and_the_control_has_none(self):
        self.assertGreaterEqual(len(PROGRAMS), 3)
        for check in (binds_now, is_relro, is_pie, stack_is_data):
            self.assertFalse(check(CONTROL), f"control: {check.__name__}")
            for program in PROGRAMS:
                self.assertTrue(check(program), f"{program}: {check.__name__}")

    def test_nothing_tells_the_loader_where_else_to_look(self):
        for program in PROGRAMS:
            dynamic = readelf("-d", program)
            self.assertNotIn("RPATH", dynamic)
            self.assertNotIn("RUNPATH", dynamic)


if __name__ == "__main__":
    unittest.main(argv=sys.argv[:1], verbosity=2)
