"""What the probes of test_users.py see when the measure behind them is left out.

If this goes, peer-check or server-not-dumpable (common/measures.h) can go as well, and
nothing notices. The other measures show without a server (tests/contract/hsm). Needs root.
"""

import os
import unittest.mock

import harness
from harness import Server, wait_until
from users import (SERVER_UID, STRANGER_UID, UsersCase, attempt, expect_packet, look, run_as,
                   waiting_signer)


def without(measure):
    """Programs that are started in the block have not taken it."""
    return unittest.mock.patch.dict(os.environ, SEALWARD_WITHOUT=measure)


class Missed(UsersCase):

    def setUp(self):
        super().setUp()
        self.prepare()

    def test_peer_check(self):
        with without("peer-check"):
            waiting, path = waiting_signer(self.state, self.signers.log)
        self.assertIsNone(attempt(STRANGER_UID, expect_packet(path)), "a stranger got nothing")
        self.assertEqual(waiting.wait(timeout=harness.PATIENCE_S), 0)
        self.assertNotIn("refused a connection", self.signers.text())

    def test_server_not_dumpable(self):
        with without("server-not-dumpable"):
            server = Server(self.state, launcher=run_as(SERVER_UID))
        memory = look(f"/proc/{server.pid}/mem")
        wait_until(lambda: attempt(SERVER_UID, memory) is None, "the server to be readable")
        self.assertEqual(server.stop(), 0)


if __name__ == "__main__":
    harness.main()
