"""Deny by default: who may do what, and what a denial gives away (nothing)."""

import base64
import json
import subprocess

import harness
from harness import AUDIENCE, claims, make_issuer, make_key

DENIED = 7  # google.rpc.Code.PERMISSION_DENIED
FINGERPRINT = "0" * 64


def probe(server, role, method, request, listener="admin"):
    """All bytes of one answer, by e2e_rpc_probe."""
    tls = server.state.tls
    done = subprocess.run(
        [harness.BIN / "e2e_rpc_probe", server.ready[listener], tls / "ca.pem",
         tls / f"{role}.pem", tls / f"{role}.key", method, json.dumps(request)],
        capture_output=True, text=True, timeout=harness.PATIENCE_S, check=True)
    return json.loads(done.stdout)


def requests_about(tenant, issuer, key, binding):
    """One request for each method, about the resources named."""
    key_name = f"tenants/{tenant}/keys/{key}"
    sign = {"key": key_name,
            "claims": base64.b64encode(json.dumps(claims("login")).encode()).decode()}
    scope = {"issuer": f"tenants/{tenant}/issuers/{issuer}", "audiences": [AUDIENCE]}
    return {
        "TenantService/CreateTenant": {"tenantId": tenant},
        "TenantService/GetTenant": {"name": f"tenants/{tenant}"},
        "TenantService/ListTenants": {},
        "TenantService/UpdateTenant": {"tenant": {"name": f"tenants/{tenant}"}},
        "IssuerService/CreateIssuer": {"parent": f"tenants/{tenant}", "issuerId": issuer,
                                       "issuer": {"issuerUrl": "https://x.test"}},
        "IssuerService/GetIssuer": {"name": f"tenants/{tenant}/issuers/{issuer}"},
        "IssuerService/ListIssuers": {"parent": f"tenants/{tenant}"},
        "KeyService/CreateKey": {"parent": f"tenants/{tenant}", "keyId": key,
                                 "key": {"purpose": "KEY_PURPOSE_JWT", "scope": scope,
                                         "algorithm": "ALGORITHM_ES256"}},
        "KeyService/GetKey": {"name": key_name},
        "KeyService/ListKeys": {"parent": f"tenants/{tenant}"},
        "KeyService/RotateKey": {"name": key_name},
        "KeyService/UpdateKey": {"key": {"name": key_name}},
        "KeyService/GetKeyVersion": {"name": key_name + "/versions/1"},
        "KeyService/ListKeyVersions": {"parent": key_name},
        "RoleBindingService/CreateRoleBinding": {
            "parent": f"tenants/{tenant}", "roleBindingId": binding,
            "roleBinding": {"principal": "spiffe://sealward.test/x", "role": "ROLE_VIEWER"}},
        "RoleBindingService/GetRoleBinding": {"name": f"tenants/{tenant}/roleBindings/{binding}"},
        "RoleBindingService/ListRoleBindings": {"parent": f"tenants/{tenant}"},
        "RoleBindingService/DeleteRoleBinding":
            {"name": f"tenants/{tenant}/roleBindings/{binding}"},
        "SigningService/SignJwt": sign,
        "SigningService/GetSigningKey": {"key": key_name},
        "TrustDomainService/CreateTrustDomain": {"trustDomainId": tenant},
        "TrustDomainService/GetTrustDomain": {"name": f"trustDomains/{tenant}"},
        "TrustDomainService/ListTrustDomains": {},
        "TrustDomainService/UpdateTrustDomain": {"trustDomain": {"name": f"trustDomains/{tenant}"}},
        "TrustDomainService/DeleteTrustDomain": {"name": f"trustDomains/{tenant}"},
        "DeniedCertificateService/CreateDeniedCertificate": {"deniedCertificateId": FINGERPRINT},
        "DeniedCertificateService/GetDeniedCertificate":
            {"name": f"deniedCertificates/{FINGERPRINT}"},
        "DeniedCertificateService/ListDeniedCertificates": {},
        "DeniedCertificateService/DeleteDeniedCertificate":
            {"name": f"deniedCertificates/{FINGERPRINT}"},
        "OperationsService/ConfirmClock": {"now": "2026-11-22T06:00:00Z"},
        "StatusService/GetServiceStatus": {},
    }


# What each role of tenant "demo" may do there; everything else is denied.
READS = {"TenantService/GetTenant", "IssuerService/GetIssuer", "IssuerService/ListIssuers",
         "KeyService/GetKey", "KeyService/ListKeys", "KeyService/GetKeyVersion",
         "KeyService/ListKeyVersions"}
ALLOWED = {
    "stranger": set(),
    "viewer": READS | {"SigningService/GetSigningKey"},
    "issuer": {"SigningService/SignJwt", "SigningService/GetSigningKey"},
}


class Access(harness.Case):

    @classmethod
    def prepare(cls):
        harness.make_tenant(cls.server)
        make_issuer(cls.server, "login")
        make_key(cls.server, "main", "login")
        # Another tenant with the same things, bound to nobody but the admin.
        cls.server.cli("admin", "tenants", "create", "other")
        make_issuer(cls.server, "theirs", tenant="other")

    def test_a_stranger_cannot_tell_what_exists(self):
        # Not a byte may differ between "not yours" and "does not exist".
        there = requests_about("demo", "login", "main", "viewer")
        not_there = requests_about("ghost", "login", "main", "viewer")
        half_there = requests_about("demo", "ghost", "ghost", "ghost")
        answers = set()
        for method, request in there.items():
            for variant in (request, not_there[method], half_there[method]):
                answer = probe(self.server, "stranger", method, variant)
                self.assertEqual(answer["code"], DENIED, method)
                answers.add(json.dumps(answer, sort_keys=True))
        self.assertEqual(len(answers), 1, answers)

    def test_a_role_on_one_tenant_tells_nothing_about_another(self):
        for role in ("operator", "issuer", "viewer"):
            for method in ("KeyService/GetKey", "KeyService/RotateKey", "SigningService/SignJwt",
                           "TenantService/GetTenant", "IssuerService/GetIssuer"):
                existing = requests_about("other", "theirs", "main", "x")[method]
                missing = requests_about("ghost", "theirs", "main", "x")[method]
                self.assertEqual(probe(self.server, role, method, existing),
                                 probe(self.server, role, method, missing), (role, method))

    def test_each_role_does_what_is_its_own_and_no_more(self):
        requests = requests_about("demo", "login", "main", "viewer")
        for role, allowed in ALLOWED.items():
            for method, request in requests.items():
                with self.subTest(role=role, method=method):
                    code = probe(self.server, role, method, request)["code"]
                    if method in allowed:
                        self.assertEqual(code, 0)
                    else:
                        self.assertEqual(code, DENIED)

    def test_the_admin_cannot_sign(self):
        # Whoever grants roles must not be able to mint JWTs unseen.
        request = requests_about("demo", "login", "main", "x")["SigningService/SignJwt"]
        self.assertEqual(probe(self.server, "admin", "SigningService/SignJwt", request)["code"],
                         DENIED)

    def test_the_operator_cannot_sign_or_grant(self):
        requests = requests_about("demo", "login", "main", "new")
        for method in ("SigningService/SignJwt", "RoleBindingService/CreateRoleBinding",
                       "IssuerService/CreateIssuer", "TenantService/CreateTenant"):
            self.assertEqual(probe(self.server, "operator", method, requests[method])["code"],
                             DENIED, method)

    def test_the_signing_listener_serves_signing_only(self):
        # What issuers can reach must not be able to manage keys, whoever calls.
        for method in ("KeyService/GetKey", "TenantService/ListTenants",
                       "RoleBindingService/ListRoleBindings"):
            request = requests_about("demo", "login", "main", "x")[method]
            answer = probe(self.server, "admin", method, request, listener="signing")
            self.assertEqual(answer["code"], 12, method)  # UNIMPLEMENTED

    def test_a_deleted_binding_is_gone_at_once(self):
        self.server.cli("admin", "bindings", "create", "demo/temporary", "--role", "viewer",
                        "--principal", "spiffe://sealward.test/stranger")
        self.server.cli("stranger", "keys", "get", "demo/main")
        self.server.cli("admin", "bindings", "delete", "demo/temporary")
        self.assertEqual(self.server.cli("stranger", "keys", "get", "demo/main",
                                         check=False).code, 3)

    def test_unknown_resources_are_not_found_for_those_who_may_know(self):
        for arguments in (("tenants", "get", "ghost"), ("keys", "get", "demo/ghost"),
                          ("issuers", "get", "demo/ghost")):
            result = self.server.cli("admin", *arguments, check=False)
            self.assertEqual(result.code, 4, result)
            self.assertEqual(result.error["code"], "NOT_FOUND")

    def test_a_batch_judges_each_request(self):
        sign = requests_about("demo", "login", "main", "x")["SigningService/SignJwt"]
        other = requests_about("other", "theirs", "main", "x")["SigningService/SignJwt"]
        bad = dict(sign, claims=base64.b64encode(b"[]").decode())
        answer = probe(self.server, "issuer", "SigningService/BatchSignJwt",
                       {"requests": [sign, other, bad, sign]}, listener="signing")
        self.assertEqual(answer["code"], 0)
        codes = [r.get("error", {}).get("code", 0) for r in answer["response"]["results"]]
        self.assertEqual(codes, [0, DENIED, 3, 0])


if __name__ == "__main__":
    harness.main()
