"""Two persons, with the real programs: one admin's certificate is not enough.

Without this test the approval policy could be switched on and yet be asked by none
of the commands that operators use, be forgotten by a restart, or leave no record.
"""

import json
import re

import harness
from harness import Server

NEW = "spiffe://sealward.test/stranger"


def decisions(server):
    records = []
    for line in server.log().splitlines():
        if '"event":"decision"' in line:
            records.append(json.loads(line))
    return records


class Approvals(harness.Case):
    start_server = False

    def setUp(self):
        self.state = self.new_state(make_store=False)
        # Both are there from the first day, so both may approve from the first day.
        self.state.init_store("admin", "operator")
        self.server = Server(self.state)

    def tearDown(self):
        self.server.stop()
        super().tearDown()

    def bind(self, check=False):
        return self.server.cli("admin", "bindings", "create", "ops", "--role", "viewer",
                               "--principal", NEW, check=check)

    def waiting(self, role="operator"):
        return self.server.cli(role, "approvals", "list").data.get("approvals", [])

    def test_a_second_admin_has_to_agree(self):
        self.server.cli("admin", "approvals", "set-policy", "--two-persons", "on")
        refused = self.bind()
        self.assertEqual(refused.code, 4, refused)
        self.assertEqual(refused.error["reason"], "APPROVAL_REQUIRED")
        name = re.search(r"approvals/a[0-9a-f]{16}", refused.error["message"]).group()
        self.assertEqual([a["name"] for a in self.waiting()], [name])

        # Asked for, approved, and carried out in three runs of the server.
        self.restart()
        own = self.server.cli("admin", "approvals", "approve", name, check=False)
        self.assertEqual(own.error["reason"], "OWN_REQUEST", own)
        self.assertIn(NEW, self.server.cli("operator", "approvals", "get", name).data["requestJson"])
        approved = self.server.cli("operator", "approvals", "approve", name).data
        self.assertEqual(approved["approver"], "spiffe://sealward.test/operator")
        self.restart()
        self.bind(check=True)
        self.assertEqual(self.waiting(), [])
        again = self.server.cli("admin", "bindings", "delete", "ops", check=False)
        self.assertEqual(again.error["reason"], "APPROVAL_REQUIRED", again)

        acts = [(d["verb"], d["outcome"], d["reason"]) for d in decisions(self.server)
                if d["resource"] == "roleBindings/ops"]
        self.assertIn(("roleBindings.manage", "denied", "APPROVAL_REQUIRED"), acts)
        self.assertIn("allowed", [outcome for _, outcome, _ in acts])

    def test_what_takes_rights_away_in_an_emergency_does_not_wait(self):
        self.server.cli("admin", "approvals", "set-policy", "--two-persons", "on")
        stolen = self.state.tls / "issuer.pem"
        self.server.cli("operator", "certificates", "deny", "--file", stolen,
                        "--reason", "stolen")
        refused = self.server.cli("issuer", "approvals", "list", check=False)
        self.assertNotEqual(refused.code, 0, refused)
        self.assertEqual(self.waiting(), [])

    def test_messages_of_mistakes(self):
        for arguments, code, words in (
            (("approvals", "set-policy", "--two-persons", "yes"), 2, "neither on nor off"),
            (("approvals", "approve", "A!"), 2, "approvals/{approval}"),
            (("approvals", "get", "a0123456789abcdef"), 4, "does not exist"),
            (("approvals", "aprove", "a0"), 2, 'did you mean "approve"'),
        ):
            with self.subTest(arguments):
                done = self.server.cli("admin", *arguments, json_output=False, check=False)
                self.assertEqual(done.code, code, done)
                self.assertIn(words, done.err)
        denied = self.server.cli("viewer", "approvals", "policy", check=False)
        self.assertEqual(denied.code, 3, denied)

    def restart(self):
        self.assertEqual(self.server.stop(), 0)
        self.server = Server(self.state)


if __name__ == "__main__":
    harness.main()
