// Who may come in and what they may do, as immutable values of the catalog.
#ifndef SEALWARD_SERVER_CATALOG_ACCESS_H_
#define SEALWARD_SERVER_CATALOG_ACCESS_H_

#include <cstdint>
#include <string>

#include "absl/time/time.h"
#include "sealward/v1/role_binding_service.pb.h"

namespace sealward::catalog {

// RoleBinding grants a role at service level (tenant and key empty), on a tenant
// (key empty) or on one key.
struct RoleBinding {
  std::string name;
  std::string tenant;  // tenants/{tenant}, or empty
  std::string key;     // tenants/{tenant}/keys/{key}, or empty
  std::string principal;
  v1::Role role = v1::ROLE_UNSPECIFIED;
  absl::Time create_time;
  bool bootstrap = false;  // written by `sealward-server init`
  int64_t mod_revision = 0;
};

// TrustDomain is a SPIFFE trust domain with the CAs that vouch for its members.
struct TrustDomain {
  std::string name;           // trustDomains/{trust_domain}
  std::string ca_bundle_pem;  // one or more certificates
  absl::Time create_time;
  int64_t mod_revision = 0;
};

// DeniedCertificate is a client certificate that is refused.
struct DeniedCertificate {
  std::string name;  // deniedCertificates/{SHA-256 of the DER, hexadecimal}
  std::string reason;
  std::string denier;
  absl::Time create_time;
  int64_t mod_revision = 0;
};

// Approval is a request that waits for a second person, or that one approved.
struct Approval {
  std::string name;  // approvals/{approval}
  std::string method;
  std::string resource;
  std::string request_json;
  std::string request_digest;  // SHA-256, 32 bytes
  std::string requester;
  // What the request needs, and so does whoever approves it.
  std::string tenant;
  std::string key;
  std::string verb;
  absl::Time create_time;
  absl::Time expire_time;
  std::string approver;  // empty while it waits
  absl::Time approve_time = absl::InfiniteFuture();
  int64_t mod_revision = 0;
};

// ApprovalPolicy says whether changes of access need two persons. mod_revision 0:
// nobody has ever set it.
struct ApprovalPolicy {
  bool two_persons = false;
  int64_t mod_revision = 0;
};

}  // namespace sealward::catalog

#endif  // SEALWARD_SERVER_CATALOG_ACCESS_H_
