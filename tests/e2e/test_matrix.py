"""N x N: every role on every level against every tenant, issuer and key, over real mTLS.

Who may do what is read from the table in ARCHITECTURE.md, which a unit test holds
against the function that decides. If this fails, somebody reaches what is not
theirs, or can tell from the answer that it exists.
"""

import base64
import json
import re
import subprocess
import time

import harness
from harness import AUDIENCE

OK, INVALID_ARGUMENT, DENIED = 0, 3, 7  # google.rpc.Code
TENANTS = ("red", "blue", "green")
KEYS = ("one", "two")
ROLES = {"service": ("operator", "viewer", "validator", "auditor"),
         "tenant": ("tenant-admin", "operator", "token-issuer", "viewer", "validator", "auditor"),
         "key": ("operator", "token-issuer", "viewer", "auditor")}


def documented_roles():
    """{(verb, role): {levels}} of the table in ARCHITECTURE.md."""
    text = (harness.SOURCE / "ARCHITECTURE.md").read_text(encoding="utf-8")
    rows = re.search(r"roles:begin -->\n(.*?)\n<!-- roles:end", text, re.S)[1].splitlines()
    cells = [[cell.strip() for cell in row.strip("|").split("|")] for row in rows]
    return {(row[0], role): set(re.findall(r"service|tenant|key", cell))
            for row in cells[2:] for role, cell in zip(cells[0][1:], row[1:])}


def url(tenant, key):
    return f"https://{tenant}.test/{key}"


def claims(tenant, key):
    text = json.dumps({"iss": url(tenant, key), "aud": AUDIENCE, "exp": int(time.time()) + 300})
    return base64.b64encode(text.encode()).decode()


def new_key(tenant, issuer_tenant, issuer, key):
    return {"parent": f"tenants/{tenant}", "keyId": key, "validateOnly": True,
            "key": {"purpose": "KEY_PURPOSE_JWT", "algorithm": "ALGORITHM_ES256",
                    "scope": {"issuer": f"tenants/{issuer_tenant}/issuers/{issuer}",
                              "audiences": [AUDIENCE]}}}


def new_issuer(tenant, issuer, issuer_url):
    return {"parent": f"tenants/{tenant}", "issuerId": issuer, "validateOnly": True,
            "issuer": {"issuerUrl": issuer_url}}


def new_binding(parent):
    return {"parent": parent, "roleBindingId": "new", "validateOnly": True,
            "roleBinding": {"principal": "spiffe://sealward.test/x", "role": "ROLE_VIEWER"}}


# What is asked about a key that each tenant has: verb, whether it is about the
# key alone, method, request. None changes anything.
def about(tenant, key):
    name = f"tenants/{tenant}/keys/{key}"
    yield "keys.sign", True, "SigningService/SignJwt", {"key": name, "claims": claims(tenant, key)}
    yield "keys.readSigningKey", True, "SigningService/GetSigningKey", {"key": name}
    yield "keys.read", True, "KeyService/GetKey", {"name": name}
    yield "keys.read", True, "KeyService/ListKeyVersions", {"parent": name}
    yield "keys.read", False, "KeyService/ListKeys", {"parent": f"tenants/{tenant}"}
    yield ("keys.rotate", True, "KeyService/RotateKey", {"name": name, "validateOnly": True})
    version = f"{name}/versions/1"
    dry = {"validateOnly": True}
    yield "keys.read", True, "LifecycleService/PlanKey", {"name": name}
    yield ("keys.pause", True, "LifecycleService/PauseKey",
           {"name": name, "duration": "60s", "reason": "matrix"} | dry)
    yield ("keyVersions.suspend", True, "LifecycleService/SuspendKeyVersion",
           {"name": version} | dry)
    yield ("keyVersions.revoke", True, "LifecycleService/Revoke",
           {"name": version, "reason": "REVOCATION_REASON_CESSATION"} | dry)
    yield ("keys.setRotationPolicy", True, "KeyService/UpdateKey",
           {"key": {"name": name}, "updateMask": "rotationPolicy"} | dry)
    yield ("keys.update", True, "KeyService/UpdateKey",
           {"key": {"name": name}, "updateMask": "quota"} | dry)
    yield ("keyVersions.revoke", False, "LifecycleService/Revoke",
           {"name": f"tenants/{tenant}", "reason": "REVOCATION_REASON_CESSATION"} | dry)
    yield ("issuers.update", False, "IssuerService/UpdateIssuer",
           {"issuer": {"name": f"tenants/{tenant}/issuers/{key}"}, "updateMask": "maxAge"} | dry)
    yield ("issuers.read", False, "IssuerService/ListForeignKeys",
           {"parent": f"tenants/{tenant}/issuers/{key}"})
    yield ("keys.create", False, "KeyService/CreateKey",
           new_key(tenant, tenant, "spare", f"{key}-new"))
    yield ("issuers.read", False, "IssuerService/GetIssuer",
           {"name": f"tenants/{tenant}/issuers/{key}"})
    yield "tenants.read", False, "TenantService/GetTenant", {"name": f"tenants/{tenant}"}
    yield "roleBindings.read", True, "RoleBindingService/ListRoleBindings", {"parent": name}
    yield ("roleBindings.manage", True, "RoleBindingService/CreateRoleBinding", new_binding(name))


class Principal:
    """A client with one role on one place: "", (tenant,) or (tenant, key)."""

    def __init__(self, role, place):
        self.role = role
        self.place = place
        self.name = "-".join((role, *place)) if place else f"{role}-service"

    def covers(self, tenant, key, key_only):
        if len(self.place) == 2:
            return key_only and self.place == (tenant, key)
        return not self.place or self.place == (tenant,)

    def level(self):
        return ("service", "tenant", "key")[len(self.place)]


class Matrix(harness.Case):

    @classmethod
    def prepare(cls):
        cls.principals = [Principal(role, ()) for role in ROLES["service"]]
        for tenant in TENANTS:
            cls.principals += [Principal(role, (tenant,)) for role in ROLES["tenant"]]
            cls.principals += [Principal(role, (tenant, key))
                               for key in KEYS for role in ROLES["key"]]
        cls.make_certificates([each.name for each in cls.principals])
        calls = []
        for tenant in TENANTS:
            calls.append(("TenantService/CreateTenant", {"tenantId": tenant}))
            for issuer in (*KEYS, "spare"):
                calls.append(("IssuerService/CreateIssuer",
                              new_issuer(tenant, issuer, url(tenant, issuer))
                              | {"validateOnly": False}))
            for key in KEYS:
                calls.append(("KeyService/CreateKey",
                              new_key(tenant, tenant, key, key) | {"validateOnly": False}))
        for each in cls.principals:
            parent = "/".join(f"{kind}/{name}" for kind, name in zip(("tenants", "keys"),
                                                                     each.place))
            calls.append(("RoleBindingService/CreateRoleBinding",
                          {"parent": parent, "roleBindingId": each.name,
                           "roleBinding": {"principal": f"spiffe://sealward.test/{each.name}",
                                           "role": "ROLE_" + each.role.upper().replace("-", "_")}}))
        for (method, request), answer in zip(calls, cls.ask("admin", calls)):
            assert answer["code"] == OK, (method, request, answer)

    @classmethod
    def make_certificates(cls, names):
        """Certificates of the development CA: one key for all, since each test is about names."""
        script = """set -e
            for name in "$@"; do
              printf 'subjectAltName=URI:spiffe://sealward.test/%s\\nextendedKeyUsage=clientAuth\\n' \
                "$name" > x.ext
              openssl x509 -req -in x.csr -CA ca.pem -CAkey ca.key -days 2 -set_serial "0x$(
                openssl rand -hex 16)" -extfile x.ext -out "$name.pem"
            done"""
        subprocess.run(["openssl", "req", "-new", "-key", "viewer.key", "-subj", "/CN=x", "-out",
                        "x.csr"], cwd=cls.state.tls, check=True, capture_output=True)
        subprocess.run(["bash", "-c", script, "make", *names], cwd=cls.state.tls, check=True,
                       capture_output=True)

    @classmethod
    def ask(cls, who, calls):
        """The answers to (method, request) by one client, over one connection."""
        tls = cls.state.tls
        key = tls / f"{who}.key"
        lines = "".join(f"{method} {json.dumps(request)}\n" for method, request in calls)
        done = subprocess.run(
            [harness.BIN / "e2e_rpc_probe", cls.server.ready["admin"], tls / "ca.pem",
             tls / f"{who}.pem", key if key.exists() else tls / "viewer.key"],
            input=lines, capture_output=True, text=True, timeout=harness.PATIENCE_S, check=True)
        answers = [json.loads(line) for line in done.stdout.splitlines()]
        assert len(answers) == len(calls), done.stderr
        return answers

    def test_only_the_diagonal(self):
        allowed_levels = documented_roles()
        questions = [question for tenant in TENANTS for key in KEYS
                     for question in [(tenant, key, *each) for each in about(tenant, key)]]
        denials = set()
        allowed = signed = 0
        for principal in self.principals:
            answers = self.ask(principal.name, [question[4:] for question in questions])
            for (tenant, key, verb, key_only, method, _), answer in zip(questions, answers):
                may = (principal.covers(tenant, key, key_only)
                       and principal.level() in allowed_levels[verb, principal.role])
                self.assertEqual(answer["code"], OK if may else DENIED,
                                 (principal.name, method, tenant, key, answer))
                if may:
                    allowed += 1
                    signed += verb == "keys.sign"
                else:
                    denials.add(json.dumps(answer, sort_keys=True))
        # A token issuer of a tenant signs with its two keys, one of a key with that.
        self.assertEqual(signed, len(TENANTS) * (len(KEYS) + len(KEYS)))
        self.assertGreater(allowed, signed)
        self.assertEqual(len(denials), 1, denials)

    def test_not_yours_not_there_and_taken_are_the_same_bytes(self):
        # Everybody of red asks about blue's, about what nobody has, and for blue's URL.
        theirs = [each[2:] for key in KEYS for each in about("blue", key)]
        nobodys = [each[2:] for place in (("blue", "ghost"), ("ghost", "one"), ("ghost", "ghost"))
                   for each in about(*place)]
        urls = [("IssuerService/CreateIssuer", new_issuer(tenant, issuer, wanted))
                for tenant in ("red", "blue", "ghost") for issuer in ("one", "free")
                for wanted in (url("blue", "one"), "https://free.test/")]
        denials = set()
        for principal in self.principals:
            if not principal.place or principal.place[0] != "red":
                continue
            for answer in self.ask(principal.name, theirs + nobodys + urls):
                self.assertEqual(answer["code"], DENIED, principal.name)
                denials.add(json.dumps(answer, sort_keys=True))
        self.assertEqual(len(denials), 1, denials)

    def test_another_tenants_issuer_is_as_good_as_none(self):
        # Who may create keys in red learns nothing about blue's issuers from it.
        wanted = [("blue", "one"), ("blue", "ghost"), ("ghost", "one")]
        answers = self.ask("operator-red", [("KeyService/CreateKey", new_key("red", *each, "new"))
                                            for each in wanted])
        self.assertEqual({answer["code"] for answer in answers}, {INVALID_ARGUMENT})
        self.assertEqual(len({json.dumps(answer, sort_keys=True) for answer in answers}), 1)

    def test_a_page_token_of_another_tenant_opens_nothing(self):
        token = self.ask("operator-blue", [("KeyService/ListKeys",
                                            {"parent": "tenants/blue", "pageSize": 1})])[0]
        token = token["response"]["nextPageToken"]
        calls = [("KeyService/ListKeys", {"parent": f"tenants/{tenant}", "pageToken": each})
                 for tenant in ("blue", "ghost") for each in ("", token, "bm9uc2Vuc2U")]
        answers = self.ask("operator-red", calls)
        self.assertEqual({answer["code"] for answer in answers}, {DENIED})
        self.assertEqual(len({json.dumps(answer, sort_keys=True) for answer in answers}), 1)

    def test_items_of_a_batch_are_denied_alike(self):
        keys = [("blue", "one"), ("blue", "ghost"), ("ghost", "one"), ("red", "ghost")]
        items = [{"key": f"tenants/{tenant}/keys/{key}", "claims": claims(tenant, key)}
                 for tenant, key in keys + [("red", "one")]]
        answer = self.ask("token-issuer-red", [("SigningService/BatchSignJwt",
                                                {"requests": items})])[0]
        *denied, mine = answer["response"]["results"]
        self.assertIn("response", mine)
        self.assertEqual(len({json.dumps(each, sort_keys=True) for each in denied}), 1)
        self.assertEqual(denied[0]["error"]["code"], DENIED)

    def test_each_refusal_is_on_record(self):
        self.ask("viewer-red-one", [("KeyService/RotateKey",
                                     {"name": "tenants/blue/keys/recorded"})] * 20)

        def recorded():
            lines = [json.loads(line) for line in self.server.log().splitlines()
                     if "tenants/blue/keys/recorded" in line]
            return lines if sum(line["count"] for line in lines) == 20 else None

        lines = harness.wait_until(recorded, "twenty refusals on record")
        self.assertLess(len(lines), 20)
        for line in lines:
            self.assertEqual(line["event"], "decision")
            self.assertEqual(line["outcome"], "denied")
            self.assertEqual(line["verb"], "keys.rotate")
            self.assertEqual(line["principal"], "spiffe://sealward.test/viewer-red-one")
            self.assertRegex(line["certificate"], "^[0-9a-f]{64}$")
            self.assertTrue(line["peer"] and line["request_id"] and line["reason"])


if __name__ == "__main__":
    harness.main()
