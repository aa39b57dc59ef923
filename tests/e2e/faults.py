"""A partition on the fault module (tests/fakes/fault_module): what goes wrong, and
how often each PKCS#11 function was called, by all processes together."""

import contextlib
import os
import shutil

import harness


class Faults:
    """Puts `folder`, a partition made on SoftHSM2, on the module. Before the server starts."""

    def __init__(self, state, folder):
        self.folder = folder
        # The user of sealward-hsm may not be able to enter the build folder.
        module = state.dir / "fault_module.so"
        if not module.exists():
            shutil.copy(harness.BIN / "sealward_fault_module.so", module)
            module.chmod(0o755)
        config = folder / "hsm.toml"
        text = config.read_text(encoding="utf-8")
        assert "/usr/lib/softhsm/libsofthsm2.so" in text, text
        with open(config, "r+", encoding="utf-8") as file:  # keeps owner and mode
            file.truncate()
            file.write(text.replace("/usr/lib/softhsm/libsofthsm2.so", str(module)))

    def set(self, *rules):
        """From now on these and no others; see fault_script.h."""
        staging = self.folder / "faults.new"
        staging.write_text("\n".join(rules), encoding="ascii")
        staging.chmod(0o644)
        os.replace(staging, self.folder / "faults")

    def lift(self):
        self.set()

    @contextlib.contextmanager
    def during(self, *rules):
        self.set(*rules)
        try:
            yield
        finally:
            self.lift()

    def calls(self, function):
        path = self.folder / f"calls.{function}"
        return path.stat().st_size if path.exists() else 0
