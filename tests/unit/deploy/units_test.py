"""The systemd units: well formed, and no more exposed than when they were written.

If this goes, a directive that is misspelt is ignored by systemd with a line in a log, and one
that is taken away is missed by nobody. systemd itself need not run here: both commands read files.
"""

import os
import pathlib
import re
import shutil
import subprocess
import tempfile
import unittest

ROOT = pathlib.Path(os.environ.get("SEALWARD_SOURCE", pathlib.Path(__file__).parents[3]))
UNITS = ROOT / "deploy/systemd"
# In tenths, as `systemd-analyze security --threshold` wants it: 0 is nothing, 100 all. What
# is left of the signer's is its UNIX socket, and users that it has to tell apart; of the
# server's, the network.
CEILINGS = {"sealward-hsm@0.service": 6, "sealward-server.service": 14}
# Taken away one by one, each must show in the figure.
MUST_COUNT = {
    "sealward-hsm@0.service": (
        "PrivateNetwork=yes", "NoNewPrivileges=yes", "ProtectSystem=strict", "ProtectProc=invisible",
        "SystemCallFilter=~@privileged", "CapabilityBoundingSet=", "User=sealward-hsm"),
    "sealward-server.service": (
        "NoNewPrivileges=yes", "ProtectSystem=strict", "CapabilityBoundingSet=", "User=sealward",
        "ProtectHome=yes"),
}
# No part of the figure, but of what keeps keys in.
MUST_HAVE = {
    "sealward-hsm@0.service": (
        "LimitCORE=1", "LimitMEMLOCK=infinity", "MemorySwapMax=0", "Environment=LD_BIND_NOW=1",
        "MemoryDenyWriteExecute=yes", "SendSIGKILL=no", "RestartPreventExitStatus=2 77 78", "UMask=0077"),
    "sealward-server.service": (
        "LimitCORE=1", "MemoryDenyWriteExecute=yes", "InaccessiblePaths=-/var/lib/sealward-hsm"),
}


class Units(unittest.TestCase):
    def setUp(self):
        self.folder = pathlib.Path(tempfile.mkdtemp(prefix="sealward-units-"))
        self.addCleanup(shutil.rmtree, self.folder)
        for name in CEILINGS:
            self.put(name, self.text(name))

    def text(self, name):
        """A unit as it is in deploy/, with a program that is there, whatever is installed."""
        text = (UNITS / name.replace("@0", "@")).read_text(encoding="utf-8")
        return re.sub(r"(?m)^ExecStart=/usr/bin/sealward-\S+", "ExecStart=/bin/true", text)

    def put(self, name, text):
        path = self.folder / name
        path.write_text(text, encoding="utf-8")
        return path

    def analyze(self, *words):
        return subprocess.run(["systemd-analyze", *words], capture_output=True, text=True,
                              check=False, cwd=self.folder)

    def security(self, name, ceiling):
        return self.analyze("security", "--offline=true", f"--threshold={ceiling}",
                            str(self.folder / name)).returncode

    def test_they_are_well_formed(self):
        for name in CEILINGS:
            done = self.analyze("verify", "--man=no", str(self.folder / name))
            self.assertEqual((done.returncode, done.stderr.strip()), (0, ""), name)

    def test_a_misspelt_directive_is_found(self):
        name = "sealward-server.service"
        self.put(name, self.text(name).replace("ProtectHome=", "ProtectHouse="))
        self.assertIn("ProtectHouse", self.analyze("verify", "--man=no",
                                                   str(self.folder / name)).stderr)

    def test_none_is_over_its_ceiling(self):
        for name, ceiling in CEILINGS.items():
            self.assertEqual(self.security(name, ceiling), 0, name)
            self.assertNotEqual(self.security(name, ceiling - 1), 0, f"{name}: lower the ceiling")

    def test_each_directive_counts(self):
        for name, directives in MUST_COUNT.items():
            for directive in directives:
                with self.subTest(name=name, directive=directive):
                    text = self.text(name)
                    self.assertEqual(text.splitlines().count(directive), 1)
                    self.put(name, text.replace(f"\n{directive}\n", "\n"))
                    self.assertNotEqual(self.security(name, CEILINGS[name]), 0)

    def test_what_is_no_part_of_the_figure_is_there(self):
        for name, directives in MUST_HAVE.items():
            for directive in directives:
                self.assertIn(directive, self.text(name).splitlines(), name)

    def test_programs_and_flags_exist(self):
        """What ExecStart says is what the programs take."""
        binaries = pathlib.Path(os.environ["SEALWARD_BIN"])
        for name in CEILINGS:
            text = (UNITS / name.replace("@0", "@")).read_text(encoding="utf-8")
            words = re.search(r"(?m)^ExecStart=(.*)$", text).group(1).split()
            program = binaries / pathlib.Path(words[0]).name
            usage = subprocess.run([program, words[1], "--help"], capture_output=True, text=True,
                                   check=True).stdout
            for flag in (word for word in words[2:] if word.startswith("--")):
                self.assertIn(flag, usage, name)

    def test_the_exit_codes_are_the_programs_own(self):
        codes = {name: (ROOT / path).read_text(encoding="utf-8") for name, path in (
            ("sealward-hsm@0.service", "hsm/exit_codes.h"),
            ("sealward-server.service", "server/app/exit_codes.h"))}
        for name, header in codes.items():
            known = set(re.findall(r"kExit\w+ = (\d+);", header))
            listed = re.search(r"(?m)^RestartPreventExitStatus=(.*)$", self.text(name)).group(1)
            self.assertLessEqual(set(listed.split()), known, name)

    def test_the_example_configuration_names_the_sockets(self):
        config = (ROOT / "deploy/server.toml").read_text(encoding="utf-8")
        listen = re.search(r"--listen (\S+)", self.text("sealward-hsm@0.service")).group(1)
        for instance in "01":
            self.assertIn(f'"{listen.replace("%i", instance)}"', config)


if __name__ == "__main__":
    unittest.main(verbosity=2)
