"""Load: e2e_load_client as a process of the test."""

import json
import subprocess
import tempfile

import harness


class Load:
    """Signs with `key` until stopped; lines go to `stdout`, or are dropped."""

    def __init__(self, server, key, issuer, stdout=None, concurrency=8, attempts=1, tenant="demo",
                 lifetime_s=300):
        tls = server.state.tls
        self.errors = tempfile.TemporaryFile()
        self.process = subprocess.Popen(
            [harness.BIN / "e2e_load_client", "--server", server.ready["signing"],
             "--ca", tls / "ca.pem", "--cert", tls / "issuer.pem", "--key-file",
             tls / "issuer.key", "--key", f"tenants/{tenant}/keys/{key}",
             "--issuer", harness.issuer_url(issuer), "--audience", harness.AUDIENCE,
             "--concurrency", str(concurrency), "--attempts", str(attempts),
             "--lifetime-s", str(lifetime_s)]
            + ([] if stdout else ["--quiet"]),
            stdin=subprocess.PIPE, stdout=stdout or subprocess.DEVNULL, stderr=self.errors,
        )

    def stop(self):
        """Ends it and returns its counts."""
        self.process.stdin.close()
        code = self.process.wait(timeout=harness.PATIENCE_S)
        self.errors.seek(0)
        text = self.errors.read().decode("utf-8", "replace")
        self.errors.close()
        assert code == 0, text
        return json.loads(text.strip().splitlines()[-1])
