"""Sealward on a TPM: tpm2-pkcs11 in front of swtpm. Optional: ./dev tpm runs it, as root.

tpm2-abrmd is between them: the module makes two connections in each process, and swtpm takes
one. All three run as Debian's user for TPMs, on a D-Bus of their own. What cannot be had is
asserted here as well, and said at the end: a newer module that has it fails this.
"""

import os
import pathlib
import pwd
import re
import shutil
import signal
import socket
import subprocess
import sys
import unittest

import harness
import python_validators
from harness import Server, claims, make_issuer, make_key, sign, wait_until
from users import SERVER_UID, UsersCase, run_as

USER = pwd.getpwnam("tss")
MODULE = next(pathlib.Path("/usr/lib").glob("*/pkcs11/libtpm2_pkcs11.so"))
LABEL = "sealward"
LISTENING = "00010000"  # in /proc/net/unix
AS_USER = {"user": USER.pw_uid, "group": USER.pw_gid, "extra_groups": []}

# C_InitToken and C_InitPIN with random PINs: the officer's is forgotten, the user's is in the
# file "pin" alone. tpm2_ptool would take them from its arguments. The module gives the token a
# slot of its own once it begins again.
_MAKE_TOKEN = """
import ctypes, os, secrets, sys
module, ulong = ctypes.CDLL(sys.argv[1]), ctypes.c_ulong
label = sys.argv[2].encode().ljust(32)
READ_WRITE, OFFICER = ulong(6), ulong(0)
def call(name, *arguments):
    rv = getattr(module, name)(*arguments)
    assert rv == 0, f"{name}: {rv:#x}"
def slots():
    found, count = (ulong * 8)(), ulong(8)
    call("C_GetSlotList", 1, found, ctypes.byref(count))
    return [ulong(each) for each in found[:count.value]]
def label_in(slot):
    info = ctypes.create_string_buffer(512)
    call("C_GetTokenInfo", slot, info)
    return info.raw[:32]
officer, pin = secrets.token_hex(16).encode(), secrets.token_hex(16).encode()
call("C_Initialize", None)
call("C_InitToken", slots()[0], officer, ulong(len(officer)), label)
call("C_Finalize", None)
call("C_Initialize", None)
slot = next(each for each in slots() if label_in(each) == label)
session = ulong()
call("C_OpenSession", slot, READ_WRITE, None, None, ctypes.byref(session))
call("C_Login", session, OFFICER, officer, ulong(len(officer)))
call("C_InitPIN", session, pin, ulong(len(pin)))
call("C_Finalize", None)
with open(os.open("pin", os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o400), "wb") as file:
    file.write(pin)
"""

# What the page of sealward-hsm check says of an algorithm and, where it says no, why.
DECRYPTS = ("the module signs with CKM_RSA_PKCS by TPM2_RSA_Decrypt, which wants a key that may "
            "decrypt; Sealward's may only sign")
ALGORITHMS = {
    "ES256": ("yes", "it signs, and its public key verifies", None),
    "ES384": ("yes", "it signs, and its public key verifies", None),
    "ES512": ("NO", "CKA_EC_POINT is no point of the curve",
              "the module's CKA_EC_POINT is no DER: one byte for a length of 133"),
    "EdDSA": ("no", "the module does not offer it", "the module has no CKM_EDDSA"),
    "RS256-2048": ("NO", "CKR_GENERAL_ERROR", DECRYPTS),
    "RS512-3072": ("NO", "CKR_GENERAL_ERROR", DECRYPTS),
    "RS256-4096": ("no", "the module does not offer it", "swtpm's RSA ends at 3072 bits"),
    "PS256-2048": ("yes", "it signs, and its public key verifies", None),
    "PS512-3072": ("yes", "signs, and the public key verifies", None),
}
FINDINGS = {"C_FindObjects by CKA_ID": "yes", "C_DestroyObject": "yes",
            "private data objects": "yes", "C_CopyObject to a session": "NO"}
LIMITS = {
    "two processes": "the module lists the token's objects once, in C_Initialize: a process does "
                     "not see what another one makes, nor a first one another's canary",
    "many keys": "the module leaves both halves of each pair that it makes loaded, destroyed or "
                 "not, and tpm2-abrmd ends at 27 objects: a process makes 13 pairs",
}
MANY_KEYS = 14  # each has a standby, too
SIGN_JWTS = ("ES256", "ES384", "PS256-2048")


def listens(path):
    """Whether somebody listens on this UNIX socket; connecting would take swtpm's one place."""
    lines = (line.split() for line in pathlib.Path("/proc/net/unix").read_text().splitlines())
    return any(words[3] == LISTENING and words[-1] == str(path) for words in lines)


class Tpm:
    """A software TPM behind a resource manager, in a folder of its own."""

    def __init__(self, folder):
        self.folder = folder
        folder.mkdir(mode=0o700)
        os.chown(folder, USER.pw_uid, USER.pw_gid)
        self.bus = f"unix:path={folder}/bus"
        self.processes = []
        self.log = open(folder / "log", "ab")
        self.start("dbus-daemon", "--session", "--nofork", "--nosyslog", "--nopidfile",
                   f"--address={self.bus}")
        wait_until(lambda: listens(folder / "bus"), "the bus")
        self.start("swtpm", "socket", "--tpm2", "--tpmstate", f"dir={folder}",
                   "--server", f"type=unixio,path={folder}/tpm",
                   "--ctrl", f"type=unixio,path={folder}/tpm.ctrl",
                   "--flags", "not-need-init,startup-clear")
        wait_until(lambda: listens(folder / "tpm") and listens(folder / "tpm.ctrl"), "the TPM")
        self.start("tpm2-abrmd", "--session", f"--tcti=swtpm:path={folder}/tpm")
        wait_until(self.is_managed, "the TPM's resource manager")

    def start(self, program, *arguments):
        path = shutil.which(program, path="/usr/bin:/usr/sbin")
        self.processes.append(subprocess.Popen(
            [path, *arguments], stdin=subprocess.DEVNULL, stdout=self.log, stderr=self.log,
            env=self.environment(), **AS_USER))

    def run(self, *command, **keywords):
        """A program as the TPM's user."""
        return subprocess.run(command, stdin=subprocess.DEVNULL, stderr=self.log,
                              timeout=harness.PATIENCE_S, **AS_USER, **keywords)

    def is_managed(self):
        done = self.run("/usr/bin/dbus-send", "--session", "--print-reply",
                        "--dest=org.freedesktop.DBus", "/", "org.freedesktop.DBus.NameHasOwner",
                        "string:com.intel.tss2.Tabrmd", env=self.environment(),
                        stdout=subprocess.PIPE, check=False)
        return b"boolean true" in done.stdout

    def environment(self, partition=None):
        """What a unit of systemd would give sealward-hsm with Environment=."""
        address = "tabrmd:bus_type=session"
        variables = {"PATH": "/usr/bin", "DBUS_SESSION_BUS_ADDRESS": self.bus,
                     "TPM2_PKCS11_TCTI": address, "TPM2TOOLS_TCTI": address}
        if partition:
            variables["TPM2_PKCS11_STORE"] = str(partition)
        return variables

    def stop(self):
        for process in reversed(self.processes):
            process.terminate()
            process.wait(timeout=harness.PATIENCE_S)
        self.log.close()


class OnTpm(UsersCase):
    """Users, environment and system calls are those of deploy/systemd."""

    def new_state(self, **keywords):
        state = super().new_state(make_partition=False, **keywords)
        self.tpm = Tpm(state.dir / "tpm")
        self.addCleanup(self.tpm.stop)
        self.make_partition(state.partition)
        # urllib's default context trusts it; the validators fetch the JWKS with that.
        os.environ["SSL_CERT_FILE"] = str(state.tls / "ca.pem")
        return state

    def make_partition(self, folder):
        folder.mkdir(mode=0o700)
        (folder / "hsm.toml").write_text(
            f'module = "{MODULE}"\nlabel = "{LABEL}"\nprofile = "generic"\n', encoding="utf-8")
        for path in (folder, folder / "hsm.toml"):
            os.chown(path, USER.pw_uid, USER.pw_gid)
        where = {"cwd": folder, "env": self.tpm.environment(folder), "check": True}
        # tpm2_ptool tries what the TPM's PSS salt is like; the module itself only asks whether
        # the TPM is in FIPS mode, and would offer no PS256.
        for words in (["init"], ["addemptytoken", "--pid", "1"]):
            self.tpm.run("/usr/bin/tpm2_ptool", *words, "--path", folder,
                         stdout=self.tpm.log, **where)
        self.tpm.run(sys.executable, "-c", _MAKE_TOKEN, MODULE, LABEL, **where)

    def setUp(self):
        super().setUp()
        self.log_in_once()

    def log_in_once(self):
        """As sealward-hsm init does: two first processes would make two canaries here, neither
        seeing the other's, and no process takes a canary that is not alone."""
        ours, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        with ours, theirs:
            ours.settimeout(harness.PATIENCE_S)
            process = subprocess.Popen(
                [*self.signer(), harness.BIN / "sealward-hsm", "serve", "--dir",
                 self.state.partition, "--fd", str(theirs.fileno())],
                stdin=subprocess.DEVNULL, stderr=self.tpm.log, pass_fds=[theirs.fileno()])
            theirs.close()
            self.assertTrue(ours.recv(65536), "it ended before it was ready")
        self.assertEqual(process.wait(timeout=harness.PATIENCE_S), 0)

    def signer(self):
        """What runs sealward-hsm as its unit in deploy/systemd does, with Environment=."""
        variables = self.tpm.environment(self.state.partition)
        return ["/usr/bin/env", "-i", *(f"{name}={value}" for name, value in variables.items()),
                *run_as(USER.pw_uid, "sealward-hsm@.service")]

    def serve(self, processes=1):
        self.prepare(launcher=self.signer(), count=processes)
        server = Server(self.state, launcher=run_as(SERVER_UID, "sealward-server.service"))
        harness.make_tenant(server)
        return server

    def test_check_says_what_the_module_can_do(self):
        done = subprocess.run(
            [*self.signer(), harness.BIN / "sealward-hsm", "check", "--dir",
             self.state.partition, "--pin-file", "pin"],
            capture_output=True, text=True, check=False, timeout=harness.PATIENCE_S)
        print(f"\n{done.stdout}", flush=True)
        self.assertEqual(done.returncode, 0, done.stderr)
        for name, (word, detail, _) in ALGORITHMS.items():
            self.assertRegex(done.stdout, rf"(?m)^  {name} +{word} .*{re.escape(detail)}")
        for what, word in FINDINGS.items():
            self.assertRegex(done.stdout, rf"(?m)^  \w+ +{re.escape(what)} +{word}\b")
        self.assertIn("Sealward can use this module.", done.stdout)
        # Why it does not sign with RSA, in the module's own words.
        self.assertIn("Esys_RSA_Decrypt: tpm:handle(1):inconsistent attributes", done.stderr)

    def test_jwts_are_accepted_also_of_the_next_process(self):
        """If this goes, no JWT of any test is signed by a module that has the keys elsewhere."""
        server = self.serve()
        for algorithm in SIGN_JWTS:
            self.make_key(server, algorithm.lower(), algorithm)
        kids = [self.verified(server, algorithm) for algorithm in SIGN_JWTS]
        self.replace_signer(server)
        self.assertEqual([self.verified(server, algorithm) for algorithm in SIGN_JWTS], kids)
        self.assertEqual(server.stop(), 0)

    def test_rs256_is_refused_and_others_sign(self):
        """A key that cannot be made says so, and the next one is made and signs."""
        server = self.serve()
        make_issuer(server, "rsa")
        self.assertNotEqual(self.try_key(server, "rsa", "RS256-2048").code, 0)
        self.assertIn("key_refused", server.log())
        self.make_key(server, "es256")
        self.verified(server, "ES256")
        self.assertEqual(server.stop(), 0)

    def test_a_process_makes_a_few_keys(self):
        server = self.serve()
        made = []
        for name in (f"key-{i}" for i in range(MANY_KEYS)):
            make_issuer(server, name)
            if self.try_key(server, name).code:
                break
            made.append(name)
        self.assertIn(len(made), range(4, MANY_KEYS), "the module's limit is another one")
        self.assertIn("max_entries of 27 exceeded", (self.tpm.folder / "log").read_text())
        sign(server, made[0], claims(made[0]))
        self.assertEqual(server.stop(), 0)

    def test_two_processes_do_not_see_the_same_keys(self):
        server = self.serve(processes=2)
        self.make_key(server, "es256")
        wait_until(lambda: sign(server, "es256", claims("es256"), check=False).code,
                   "a process that does not know the key")
        self.assertIn("the partition has no key pair", server.log())
        self.assertEqual(server.stop(), 0)

    def make_key(self, server, name, algorithm="ES256"):
        make_issuer(server, name)
        make_key(server, name, name, algorithm)

    def try_key(self, server, name, algorithm="ES256"):
        return server.cli("operator", "keys", "create", f"demo/{name}", "--issuer", name,
                          "--algorithm", algorithm, "--audience", harness.AUDIENCE, check=False)

    def replace_signer(self, server):
        old = server.hsm_pids()
        for pid in old:
            os.kill(pid, signal.SIGKILL)
        wait_until(lambda: set(old).isdisjoint(server.hsm_pids()), "the signer to be gone")
        server.wait_hsm()

    def verified(self, server, algorithm):
        """The kid of a JWT that three validators accept."""
        name = algorithm.lower()
        token = sign(server, name, claims(name)).data["jwt"]
        for validator in python_validators.VALIDATORS:
            self.assertIsNone(python_validators.refusal({
                "validator": validator, "token": token, "alg": algorithm.split("-")[0],
                "issuer": harness.issuer_url(name), "audience": harness.AUDIENCE,
                "jwks_uri": f"{server.ready['https']}/tenants/demo/issuers/{name}/jwks.json"}))
        return harness.header_of(token)["kid"]


def main():
    result = unittest.main(verbosity=2, exit=False).result
    if result.wasSuccessful():
        reasons = {}
        for what, why in ({name: row[2] for name, row in ALGORITHMS.items()} | LIMITS).items():
            reasons.setdefault(why, []).append(what)
        print("\nNot possible with this module and TPM, as was asserted:")
        for why, what in reasons.items():
            if why:
                print(f"  {', '.join(what)}: {why}")
    sys.exit(not result.wasSuccessful())


if __name__ == "__main__":
    main()
