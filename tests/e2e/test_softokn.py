"""A whole Sealward on another PKCS#11 module, NSS's softokn, which keeps no marks.

If this breaks, Sealward works with SoftHSM2 alone: the contract suite has shown only that
sealward-hsm can sign with other modules, not that keys rotate, end and come back there.
"""

import shutil
import subprocess

import harness
import validators
from harness import Server, claims, header_of, make_issuer, make_key, sign, wait_until

QUICK = ["--max-age", "1s", "--propagation-time", "1s"]


class Softokn(harness.Case):
    start_server = False

    def setUp(self):
        self.state = self.new_state(hsm_processes=2, make_partition=False)
        subprocess.run(
            [harness.BIN / "sealward-hsm", "init", "--dir", self.state.partition,
             "--profile", "softokn", "--least-destroy-window-s", "1"],
            check=True, capture_output=True, timeout=harness.PATIENCE_S)
        self.server = Server(self.state)
        harness.make_tenant(self.server)
        make_issuer(self.server, "main", *QUICK)

    def tearDown(self):
        super().tearDown()
        self.server.stop()

    def sign_accepted(self, name="main"):
        jwt = sign(self.server, name, claims(name)).data["jwt"]
        uri = self.server.cli("viewer", "issuers", "get", f"demo/{name}").data["jwksUri"]
        validators.PyJwt(self.state, uri, harness.issuer_url(name)).check(jwt)
        return header_of(jwt)

    def version_states(self):
        listed = self.server.cli("viewer", "keys", "versions", "demo/main").data["keyVersions"]
        return [v["state"] for v in listed]

    def test_keys_rotate_and_are_revoked(self):
        make_key(self.server, "main", "main")
        make_issuer(self.server, "rsa", *QUICK)
        make_key(self.server, "rsa", "rsa", "RS256-2048")
        self.assertEqual(self.sign_accepted("rsa")["alg"], "RS256")
        first = self.sign_accepted()["kid"]
        wait_until(lambda: "STANDBY" in self.version_states(), "a STANDBY")
        self.server.cli("operator", "keys", "rotate", "demo/main")
        wait_until(lambda: "VERIFY_ONLY" in self.version_states(), "the switch")
        second = self.sign_accepted()["kid"]
        self.assertNotEqual(first, second)
        wait_until(lambda: "STANDBY" in self.version_states(), "the next STANDBY")
        self.server.cli("operator", "revoke", "--version", "demo/main/2", "--reason",
                        "key-compromise")
        self.assertNotIn(self.sign_accepted()["kid"], (first, second))

    def test_a_backup_signs_again(self):
        make_key(self.server, "main", "main")
        kid = self.sign_accepted()["kid"]
        places = ["--store", self.state.store, "--partition", f"default={self.state.partition}"]
        to = self.state.dir / "backup"
        harness.cli(self.state, "admin", "backup", "create", to, *places)
        harness.cli(self.state, "admin", "backup", "verify", to)
        pin = self.state.partition / "pin"
        owner = pin.stat()
        saved = shutil.copy2(pin, self.state.dir / "pin-from-elsewhere")
        self.server.stop()
        harness.cli(self.state, "admin", "backup", "restore", to, *places, "--replace")
        shutil.copy2(saved, pin)
        harness.os.chown(pin, owner.st_uid, owner.st_gid)
        self.server = Server(self.state)
        self.assertEqual(self.sign_accepted()["kid"], kid)


if __name__ == "__main__":
    harness.main()
