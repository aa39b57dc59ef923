"""A debug bundle of a real server, with secrets planted wherever one could come from.

If this goes, a bundle may pass on a name, a path or worse, and only its reader would notice.
"""

import json
import os
import stat
import urllib.request

import harness
import validators
from harness import Server, claims, make_issuer, make_key, sign

SECRET = "pl4nted-s3cret"
FILES = {"status", "versions", "alarms", "counts", "config", "log", "metrics"}


class Bundle(harness.Case):

    @classmethod
    def prepare(cls):
        cls.server.cli("admin", "tenants", "create", "demo", "--display-name", SECRET)
        for role, principal in (("operator", "operator"), ("token-issuer", "issuer"),
                                ("viewer", "viewer")):
            cls.server.cli("admin", "bindings", "create", f"demo/{role}", "--role", role,
                           "--principal", f"spiffe://sealward.test/{principal}")
        cls.server.cli("admin", "bindings", "create", "watch", "--role", "viewer",
                       "--principal", "spiffe://sealward.test/viewer")
        make_issuer(cls.server, "login")
        make_key(cls.server, "main", "login")
        sign(cls.server, "main", claims("login"))

    def metrics(self):
        context = validators.tls_context(self.state)
        context.load_cert_chain(self.state.tls / "viewer.pem", self.state.tls / "viewer.key")
        with urllib.request.urlopen(f"{self.server.ready['metrics']}/metrics", context=context,
                                    timeout=30) as answer:
            return answer.read().decode()

    def plant(self):
        """Inputs with the secret in them: a configuration, a log, metrics."""
        config = self.state.dir / "planted.toml"
        config.write_text((self.state.dir / "server.toml").read_text(encoding="utf-8").replace(
            "tls/server.key", f"/keys/{SECRET}.pem") + f'# {SECRET}\n[extra]\npin = "{SECRET}"\n',
            encoding="utf-8")
        log = self.state.dir / "planted.log"
        log.write_text(self.server.log() + f"{SECRET}\n" + json.dumps(
            {"ts": "2026-11-22T06:00:00Z", "level": "info", "event": SECRET, "detail": SECRET,
             SECRET: SECRET}) + "\n", encoding="utf-8")
        metrics = self.state.dir / "planted.prom"
        metrics.write_text(self.metrics() + f'sealward_x{{tenant="{SECRET}"}} 1\n# {SECRET}\n',
                           encoding="utf-8")
        return config, log, metrics

    def test_nothing_but_what_is_listed_gets_in(self):
        config, log, metrics = self.plant()
        for path in (config, log, metrics):
            self.assertIn(SECRET, path.read_text(encoding="utf-8"), "control")
        folder = self.state.dir / "bundle"
        os.environ["SEALWARD_PLANTED"] = SECRET
        try:
            self.server.cli("viewer", "debug", "bundle", str(folder), "--server-config",
                            str(config), "--log", str(log), "--metrics", str(metrics))
        finally:
            del os.environ["SEALWARD_PLANTED"]
        self.assertEqual({path.stem for path in folder.iterdir()}, FILES)
        self.assertEqual(stat.S_IMODE(folder.stat().st_mode), 0o700)
        parts = {}
        for path in folder.iterdir():
            self.assertEqual(stat.S_IMODE(path.stat().st_mode), 0o600)
            text = path.read_text(encoding="utf-8")
            for word in (SECRET, str(self.state.dir), "demo", "login", "spiffe", "127.0.0.1"):
                self.assertNotIn(word, text, path.name)
            parts[path.stem] = json.loads(text)
        # And what is listed is there.
        self.assertEqual(parts["config"]["environment"], "development")
        self.assertEqual(parts["config"]["hsm"]["processes"], 2)
        self.assertEqual(parts["counts"], {"keys": 1, "tenants": 1})
        self.assertTrue(parts["status"]["partitions"][0]["processes"][0]["ready"])
        self.assertIn("serving", [line.get("event") for line in parts["log"]["lines"]])
        self.assertIn("sealward_sign_requests_total", parts["metrics"])
        self.assertRegex(parts["versions"]["grpc"], r"^1\.")

    def test_a_bundle_takes_nobodys_place(self):
        folder = self.state.dir / "taken"
        folder.mkdir()
        refused = self.server.cli("viewer", "debug", "bundle", str(folder), check=False)
        self.assertEqual(refused.code, 2, refused)

    def test_a_server_that_is_gone_leaves_what_files_tell(self):
        state = self.new_state()
        server = Server(state)
        self.assertEqual(server.stop(), 0)
        folder = state.dir / "bundle"
        server.cli("admin", "debug", "bundle", str(folder), "--log", str(state.log_file),
                   timeout="5s")
        self.assertEqual(json.loads((folder / "status.json").read_text()),
                         {"missing": "UNAVAILABLE"})
        self.assertTrue(json.loads((folder / "log.json").read_text())["lines"])


if __name__ == "__main__":
    harness.main()
