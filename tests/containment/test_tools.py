"""The tools of the attack, each tried on what it has to find.

If this goes, a scanner that finds nothing, canaries that are not the service's keys, or
a core_pattern that stays changed would not be noticed.
"""

import base64
import functools
import hashlib
import json
import pathlib
import random
import resource
import shutil
import signal
import subprocess
import sys
import tempfile
import unittest

sys.path[:0] = [str(pathlib.Path(__file__).parent),
                str(pathlib.Path(__file__).parents[1] / "e2e")]

import harness  # noqa: E402
import validators  # noqa: E402
from attack import act, attacks, canaries, core_sinks, nonces, patterns, results, scanner  # noqa: E402
from attack import softhsm_files, thief  # noqa: E402
from cryptography.hazmat.primitives import hashes, serialization  # noqa: E402
from cryptography.hazmat.primitives.asymmetric import ec, ed25519, rsa, utils  # noqa: E402
from harness import claims, make_issuer, make_key, sign  # noqa: E402

BLOCK_BYTES = 16384
ALGORITHMS = {"es": "ES256", "rs": "RS256-2048", "ed": "EdDSA"}


class FakeKey(softhsm_files.PrivateKey):
    """A private key object as a token directory would have it, of a key made here."""

    def __init__(self, private):
        if isinstance(private, ec.EllipticCurvePrivateKey):
            d = private.private_numbers().private_value
            super().__init__(b"ec", softhsm_files.CKK_EC,
                             {softhsm_files.CKA_VALUE: d.to_bytes(32, "big")})
        elif isinstance(private, ed25519.Ed25519PrivateKey):
            raw = private.private_bytes(
                serialization.Encoding.Raw, serialization.PrivateFormat.Raw,
                serialization.NoEncryption())
            super().__init__(b"ed", softhsm_files.CKK_EC_EDWARDS, {softhsm_files.CKA_VALUE: raw})
        else:
            n = private.private_numbers()
            parts = {"d": n.d, "p": n.p, "q": n.q, "dp": n.dmp1, "dq": n.dmq1, "qinv": n.iqmp}
            values = {softhsm_files.RSA_PARTS[name]: part.to_bytes(256, "big")
                      for name, part in parts.items()}
            values[softhsm_files.CKA_MODULUS] = n.public_numbers.n.to_bytes(256, "big")
            values[softhsm_files.CKA_PUBLIC_EXPONENT] = n.public_numbers.e.to_bytes(3, "big")
            super().__init__(b"rsa", softhsm_files.CKK_RSA, values)


@functools.cache
def rsa_key(seed):
    """An RSA key of 2048 bits, for a seed always the same."""
    numbers = random.Random(seed)

    def prime():
        while True:
            p = numbers.getrandbits(1024) | 3 << 1022 | 1
            if p % 65537 != 1 and all(pow(a, p - 1, p) == 1 for a in (2, 3, 5)):
                return p
    p, q, e = prime(), prime(), 65537
    d = pow(e, -1, (p - 1) * (q - 1))
    return rsa.RSAPrivateNumbers(p, q, d, rsa.rsa_crt_dmp1(d, p), rsa.rsa_crt_dmq1(d, q),
                                 rsa.rsa_crt_iqmp(p, q),
                                 rsa.RSAPublicNumbers(e, p * q)).private_key()


def canary(private):
    key = FakeKey(private)
    return canaries.KINDS[key.key_type](key)


def ecdsa_jwt(private, payload):
    """A JWT-like signature, as the load client records them."""
    signing_input = f"e30.{payload}".encode()
    r, s = utils.decode_dss_signature(private.sign(signing_input, ec.ECDSA(hashes.SHA256())))
    return nonces.Signature(signing_input, r.to_bytes(32, "big") + s.to_bytes(32, "big"))


def ecdsa_jwt_with(private, payload, k):
    """The same with a nonce of ours (FIPS 186-5 section 6.4.1)."""
    n = canaries.P256_ORDER
    signing_input = f"e30.{payload}".encode()
    digest = int.from_bytes(hashlib.sha256(signing_input).digest(), "big")
    r = ec.derive_private_key(k, ec.SECP256R1()).public_key().public_numbers().x % n
    s = pow(k, -1, n) * (digest + r * private.private_numbers().private_value) % n
    return nonces.Signature(signing_input, r.to_bytes(32, "big") + s.to_bytes(32, "big"))


class TempDir(unittest.TestCase):
    def setUp(self):
        self.temp = tempfile.TemporaryDirectory(prefix="sealward-containment-")
        self.addCleanup(self.temp.cleanup)
        self.dir = pathlib.Path(self.temp.name)
        self.random = random.Random(5)

    def dump_with(self, *pieces):
        """A file of random bytes and empty pages in which the pieces stand."""
        data = self.random.randbytes(BLOCK_BYTES)
        for piece in pieces:
            data += piece + bytes(-len(piece) % 8) + self.random.randbytes(64) + bytes(BLOCK_BYTES)
        path = self.dir / f"dump{self.random.random()}"
        path.write_bytes(data)
        return path

    def scan(self, secrets, *pieces, some=()):
        return scanner.scan(self.dir, secrets, some, [self.dump_with(*pieces)])


class Decryption(harness.Case):
    """The canaries are the keys that the service signs with."""

    def test_public_keys_are_those_of_the_jwks(self):
        harness.make_tenant(self.server)
        self.server.wait_hsm()
        token = softhsm_files.open_partition(self.state.partition)
        for name, algorithm in ALGORITHMS.items():
            jwks_uri = make_issuer(self.server, name)["jwksUri"]
            make_key(self.server, name, name, algorithm)
            kid = sign(self.server, name, claims(name)).data["kid"]
            published = json.loads(validators.fetch(self.state, jwks_uri)[0])
            found = {thief.thumbprint(each) for each in canaries.of_token(token)}
            self.assertIn(kid, found)
            for key in published["keys"]:
                self.assertIn(key["kid"], found)

    def test_another_pin_opens_nothing(self):
        token = softhsm_files.open_partition(self.state.partition)
        self.assertNotEqual(token.master_key, token.pin_key)
        self.assertEqual(len(token.master_key), 32)
        with self.assertRaises(softhsm_files.Unreadable):
            softhsm_files.Token(token.directory, b"0" * len(token.pin))


class Scanner(TempDir):

    def test_every_spelling_of_every_secret_is_found_whole(self):
        private = (ec.generate_private_key(ec.SECP256R1()), ed25519.Ed25519PrivateKey.generate(),
                   rsa.generate_private_key(65537, 2048))
        pin = canaries.Secret("pin", "pin", self.random.randbytes(16).hex().encode())
        secrets = [pin] + [secret for key in private for secret in canary(key).secrets()]
        spelled = [(secret, name, value) for secret in secrets
                   for name, _, value in patterns.spellings(secret)]
        found = {(f.secret, f.spelling) for f in
                 self.scan(secrets, *(value for _, _, value in spelled)) if f.full}
        for secret, name, _ in spelled:
            with self.subTest(f"{secret.name} {name}"):
                self.assertIn((secret, name), found)
        self.assertGreater(len(spelled), 100)

    def test_pieces_are_found_and_told_from_wholes(self):
        secret = canaries.Secret("key", "ec", self.random.randbytes(32))
        for begin, end, found in ((0, 8, True), (24, 32, True), (13, 21, True), (3, 31, True),
                                  (5, 12, False)):
            with self.subTest(f"{begin}-{end}"):
                findings = self.scan([secret], secret.value[begin:end])
                self.assertEqual([f.full for f in findings], [False] if found else [])
                if found:
                    self.assertEqual((findings[0].in_secret, findings[0].length),
                                     (begin, end - begin))

    def test_text_needs_more_than_eight_characters(self):
        secret = canaries.Secret("key", "ec", self.random.randbytes(32))
        spelled = secret.value.hex().encode()
        self.assertEqual(self.scan([secret], spelled[:15]), [])
        self.assertEqual(len(self.scan([secret], spelled[:16])), 1)

    def test_base64_at_each_alignment(self):
        secret = canaries.Secret("key", "ec", self.random.randbytes(32))
        for before in range(6):
            text = base64.b64encode(bytes(before) + secret.value + bytes(7))
            self.assertTrue(any(f.full for f in self.scan([secret], text)), before)

    def test_nothing_is_found_where_nothing_is(self):
        private = ec.generate_private_key(ec.SECP256R1())
        some = [s for i in range(2000) for s in
                nonces.ecdsa_secrets(f"x{i}", ecdsa_jwt(private, i), 5)]
        self.assertEqual(self.scan(canary(private).secrets(), some=some), [])

    def test_a_piece_across_a_border_of_pages_is_found(self):
        secret = canaries.Secret("key", "ec", self.random.randbytes(32))
        path = self.dir / "border"
        for begin in (4096 - 4, 4096 - 31, 8192 - 1):
            path.write_bytes(bytes(begin) + secret.value + bytes(16384 - begin - 32))
            (finding,) = scanner.scan(self.dir, [secret], (), [path])
            self.assertTrue(finding.full)

    def test_a_file_that_cannot_be_read_is_an_error(self):
        secret = canaries.Secret("key", "ec", self.random.randbytes(32))
        with self.assertRaises(scanner.Failed):
            scanner.scan(self.dir, [secret], (), [self.dir / "missing"])


class Nonces(TempDir):

    def test_ecdsa_nonces_give_the_key(self):
        private = ec.generate_private_key(ec.SECP256R1())
        d, n = private.private_numbers().private_value, canaries.P256_ORDER
        signature = ecdsa_jwt(private, "nonce")
        k = nonces.ecdsa_nonce(signature, d)
        point = ec.derive_private_key(k, ec.SECP256R1()).public_key().public_numbers()
        self.assertEqual(point.x % n, signature.r)
        of = {s.name: int.from_bytes(s.value, "big")
              for s in nonces.ecdsa_secrets("x", signature, d)}
        self.assertEqual(of["x.k"], k)
        self.assertEqual(of["x.k"] * of["x.kinv"] % n, 1)
        self.assertEqual(of["x.kinv"] * of["x.h+rd"] % n, signature.s)
        self.assertEqual(of["x.kR"], k * 2 ** 256 % n)

    def test_ed25519_nonces_give_the_key(self):
        private = ed25519.Ed25519PrivateKey.generate()
        message = b"e30.e30"
        raw = private.sign(message)
        of = {s.name: s.value for s in nonces.secrets_of(canary(private),
                                                         [nonces.Signature(message, raw)])}
        secret = {s.name.rpartition(".")[2]: s.value for s in canary(private).secrets()}
        public = thief.raw_public(private.public_key())
        k = int.from_bytes(hashlib.sha512(raw[:32] + public + message).digest(), "little")
        r = next(int.from_bytes(v, "little") for name, v in of.items() if name.endswith(".r"))
        scalar = int.from_bytes(secret["scalar"], "little")
        self.assertEqual((r + k * scalar) % nonces.ED_ORDER, int.from_bytes(raw[32:], "little"))


class Thief(TempDir):
    """Its keys and nonces are the same in each run: the thief passes by one of some thousand
    numbers, because it does not look random (candidates.h)."""

    def setUp(self):
        super().setUp()
        self.private = {"ec": ec.derive_private_key(self.scalar(), ec.SECP256R1()),
                        "ed": ed25519.Ed25519PrivateKey.from_private_bytes(
                            self.random.randbytes(32)),
                        "rsa": rsa_key(5)}
        self.canaries = {kind: canary(private) for kind, private in self.private.items()}
        self.signatures = [ecdsa_jwt_with(self.private["ec"], i, self.scalar())
                           for i in range(50)]

    def scalar(self):
        return self.random.randrange(1, canaries.P256_ORDER)

    def steal(self, *pieces):
        signatures = {self.canaries["ec"].name: self.signatures}
        return thief.steal(self.dir, list(self.canaries.values()), signatures,
                           [self.dump_with(*pieces)])

    def assert_stolen(self, kind, by, *pieces):
        stolen = self.steal(*pieces).keys
        self.assertEqual([(key.canary, key.by) for key in stolen], [(self.canaries[kind], by)])

    def test_a_nonce_gives_the_key(self):
        d = self.private["ec"].private_numbers().private_value
        for order in ("little", "big"):
            k = nonces.ecdsa_nonce(self.signatures[17], d)
            self.assert_stolen("ec", "nonce", k.to_bytes(32, order))
            self.assert_stolen("ec", "nonce", (canaries.P256_ORDER - k).to_bytes(32, order))

    def test_what_is_worth_a_nonce_gives_the_key(self):
        d, by = self.private["ec"].private_numbers().private_value, {"rd": "product",
                                                                     "h+rd": "sum"}
        for secret in nonces.ecdsa_secrets("x", self.signatures[3], d):
            part = secret.name.removeprefix("x.").removesuffix("R")
            with self.subTest(secret.name):
                self.assert_stolen("ec", by.get(part, "nonce"), secret.value[::-1])

    def test_a_word_of_text_is_chance_and_two_are_text(self):
        d, n = self.private["ec"].private_numbers().private_value, canaries.P256_ORDER
        for text, by in ((b"a lookup", ["nonce"]), (b"a lookup, in a file", [])):
            random = self.random.randbytes(32 - len(text))
            k = int.from_bytes(random[:8] + text + random[8:], "big")
            self.assertLess(k, n)
            self.signatures = [ecdsa_jwt_with(self.private["ec"], "text", k)]
            self.assertEqual(nonces.ecdsa_nonce(self.signatures[0], d), k)
            stolen = self.steal(k.to_bytes(32, "big")).keys
            self.assertEqual([key.by for key in stolen], by)

    def test_keys_primes_and_seeds(self):
        self.assert_stolen("ec", "key", self.canaries["ec"].d.to_bytes(32, "little"))
        self.assert_stolen("ed", "seed", self.canaries["ed"].seed)
        p = self.private["rsa"].private_numbers().p
        for order in ("little", "big"):
            self.assert_stolen("rsa", "prime", p.to_bytes(128, order))

    def test_nothing_is_stolen_where_nothing_is(self):
        stolen = self.steal()
        self.assertEqual(stolen.keys, [])
        self.assertEqual(stolen.tried, stolen.of)
        self.assertGreater(stolen.tried, 1000)


def without_cores():
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))


class StackOverflow(unittest.TestCase):

    def test_a_function_that_calls_nothing_does_not_survive(self):
        with subprocess.Popen([harness.BIN / "containment_busy_leaf"],
                              stdout=subprocess.PIPE, preexec_fn=without_cores) as process:
            self.addCleanup(process.kill)
            self.assertEqual(process.stdout.readline(), b"\n")
            attacks.run_off_stack(process.pid)
            self.assertEqual(process.wait(timeout=harness.PATIENCE_S), -signal.SIGSEGV)


class Judgement(TempDir):
    """What counts as a leak, and what as no dump at all."""

    def setUp(self):
        super().setUp()
        self.key = canaries.Secret("key", "ec", self.random.randbytes(32))
        self.tls = canaries.Secret("server", "tls", self.random.randbytes(32))
        self.other_tls = canaries.Secret("other", "tls", self.random.randbytes(32))

    def judge(self, *pieces, proof="server"):
        return act.judge(self.scan([self.key, self.tls, self.other_tls], *pieces), proof)

    def test_memory_with_tls_keys_alone_is_clean(self):
        self.assertEqual(self.judge(self.tls.value[::-1], self.other_tls.value), "")

    def test_a_piece_of_a_key_is_a_leak(self):
        self.assertIn("0 whole and 1 partial", self.judge(self.tls.value, self.key.value[5:13]))
        self.assertIn("1 whole and 0 partial", self.judge(self.tls.value, self.key.value))

    def test_memory_without_what_proves_it_is_no_dump(self):
        for pieces in ((), (self.other_tls.value,), (self.tls.value[:31],)):
            self.assertIn("no whole dump", self.judge(*pieces))

    def test_a_tls_key_elsewhere_is_a_leak(self):
        self.assertIn("server", self.judge(self.tls.value, proof=None))
        self.assertEqual(self.judge(proof=None), "")

    def test_only_a_refusal_is_one(self):
        problem = act.Act.reading_problem
        self.assertEqual(problem("PTRACE_SEIZE: Operation not permitted"), "")
        self.assertIn("could read", problem(None))
        self.assertIn("not refused", problem("[Errno 3] No such process"))

    def test_one_failed_try_fails_its_cell(self):
        said = []
        counted = results.Results(said.append)
        cell = results.Cell("server", "idle", "SEGV", "file")
        for problem in ("", "a leak", ""):
            counted.check(cell, problem)
        counted.check(results.Cell("server", "idle", "SEGV", "pipe"), "")
        self.assertEqual(counted.counts, (1, 1))
        self.assertEqual(len(said), 1)
        self.assertIn("LEAK/FAIL", "".join(counted.table("server", ["SEGV"], ["file", "pipe"])))


TAKER = """
import select
import sys
sys.path[:0] = {path!r}
from attack.core_sinks import CorePattern
import pathlib
with CorePattern() as taken, taken.sink("file", pathlib.Path(sys.argv[1]) / "sink"):
    print("taken", flush=True)
    # Not one long read: Python would not see a signal that came just before it.
    while not select.select([sys.stdin], [], [], 0.1)[0]:
        pass
"""


class HostsCorePattern(TempDir):
    """The host gets its core_pattern back, whatever ends a run."""

    def setUp(self):
        super().setUp()
        with core_sinks.CorePattern():  # waits for others, puts right what they left
            pass
        self.before = self.settings()

    def settings(self):
        return [path.read_text(encoding="ascii") for path in core_sinks.SETTINGS]

    def take(self):
        process = subprocess.Popen([sys.executable, "-c", TAKER.format(path=sys.path[:2]),
                                    self.dir], stdin=subprocess.PIPE, stdout=subprocess.PIPE)
        self.addCleanup(process.wait)
        self.addCleanup(process.kill)  # the next test waits for the lock that it holds
        self.assertEqual(process.stdout.readline(), b"taken\n")
        self.assertNotEqual(self.settings(), self.before)
        return process

    def test_at_the_end_and_at_signals(self):
        for end in (lambda p: p.stdin.close(), lambda p: p.terminate(),
                    lambda p: p.send_signal(signal.SIGINT), lambda p: p.send_signal(signal.SIGHUP)):
            process = self.take()
            end(process)
            process.wait(timeout=harness.PATIENCE_S)
            process.stdin.close()
            process.stdout.close()
            self.assertEqual(self.settings(), self.before)
            shutil.rmtree(self.dir / "sink")

    def test_by_the_next_run_after_a_kill(self):
        process = self.take()
        process.kill()
        process.communicate(timeout=harness.PATIENCE_S)
        self.assertNotEqual(self.settings(), self.before)
        with core_sinks.CorePattern():
            self.assertEqual(self.settings()[0], self.before[0])
        self.assertEqual(self.settings(), self.before)


if __name__ == "__main__":
    unittest.main(verbosity=2)
