#include "server/catalog/records.h"

#include <algorithm>

#include "absl/hash/hash.h"
#include "absl/strings/ascii.h"
#include "absl/strings/escaping.h"
#include "absl/strings/str_cat.h"
#include "common/base64url.h"
#include "common/errors.h"
#include "common/jwk.h"
#include "common/resource_name.h"
#include "sealward/store/v1/records.pb.h"
#include "server/catalog/lifecycle_records.h"
#include "server/catalog/record_codec.h"

namespace sealward::catalog {
namespace {

namespace records = ::sealward::store::v1;

constexpr size_t kObjectIdBytes = 16;  // CKA_ID

// Either no quota, or a rate with a burst.
bool IsWellFormed(const Quota& quota) {
  return quota == Quota{} || (quota.per_second > 0 && quota.burst > 0);
}

// Characters that JSON and a JOSE header take as they are.
bool IsPlainTyp(absl::string_view typ) {
  return !typ.empty() && std::ranges::all_of(typ, [](char c) {
    return absl::ascii_isalnum(static_cast<unsigned char>(c)) || c == '.' || c == '+' || c == '-';
  });
}

absl::string_view JwtScopeProblem(const records::KeyRecord& record, absl::string_view name) {
  const auto key = KeyName::Parse(name);
  const auto issuer = IssuerName::Parse(record.issuer());
  if (!key.ok() || !issuer.ok() || issuer->tenant != key->tenant)
    return "its issuer is not the tenant's";
  if (record.purpose() != v1::KEY_PURPOSE_JWT) return "its purpose is unknown";
  if (record.audiences().empty()) return "it has no audiences";
  if (record.typs().empty() || !std::ranges::all_of(record.typs(), IsPlainTyp)) {
    return "its typs cannot stand in a header";
  }
  return record.raw_propagation_time_s() == 0 ? "" : "it has a propagation time of its own";
}

// A key that could say anything must not be published as one that signs JWTs.
absl::string_view RawScopeProblem(const records::KeyRecord& record) {
  if (!record.issuer().empty() || !record.audiences().empty() || !record.typs().empty()) {
    return "it is not for JWTs, but has an issuer, audiences or typs";
  }
  return record.raw_propagation_time_s() < 0 ? "its propagation time is negative" : "";
}

absl::string_view KeyProblem(const records::KeyRecord& record, absl::string_view name) {
  const absl::string_view problem = record.purpose() == v1::KEY_PURPOSE_RAW
                                        ? RawScopeProblem(record)
                                        : JwtScopeProblem(record, name);
  if (!problem.empty()) return problem;
  if (record.max_jwt_lifetime_s() <= 0) return "its JWT lifetime is not positive";
  if (FindAlgorithm(record.algorithm()) == nullptr) return "its algorithm is unknown";
  if (record.last_version() < 0) return "its last version is negative";
  if (std::ranges::any_of(record.subject_prefixes(), &std::string::empty)) {
    return "it has an empty subject prefix";  // would allow every subject
  }
  if (!IsWellFormed({record.quota_per_second(), record.quota_burst()})) {
    return "its quota is malformed";
  }
  return LifecycleProblem(record);
}

absl::string_view PublicKeyProblem(const records::KeyVersionRecord& record,
                                   const AlgorithmInfo& algorithm) {
  if (record.spki().empty()) return record.has_jwk() ? "it has a JWK but no public key" : "";
  // It was checked in full when it was generated or adopted, and will be before it
  // verifies a signature.
  const auto jwk = JwkFromCheckedSpki(algorithm, record.spki());
  if (!jwk.ok()) return "its public key is not one of its algorithm";
  if (jwk->SerializeAsString() != record.jwk().SerializeAsString()) {
    return "its JWK is not that of its public key";
  }
  return "";
}

absl::string_view VersionProblem(const records::KeyVersionRecord& record, int64_t number) {
  if (record.version() != number) return "its number is not that of its store key";
  if (record.object_id().size() != kObjectIdBytes) return "its object id is not 16 bytes";
  const AlgorithmInfo* algorithm = FindAlgorithm(record.algorithm());
  if (algorithm == nullptr) return "its algorithm is unknown";
  return PublicKeyProblem(record, *algorithm);
}

}  // namespace

absl::Status CorruptRecord(absl::string_view store_key, absl::string_view what) {
  return MakeError(absl::StatusCode::kDataLoss, "RECORD_CORRUPT",
                   absl::StrCat("store record \"", absl::CHexEscape(store_key),
                                "\" cannot be used: ", what, "; restore a backup of the store"));
}

std::string SerializeTenant(const Tenant& tenant) {
  records::TenantRecord record;
  record.set_display_name(tenant.display_name);
  record.set_create_time_us(ToRecord(tenant.create_time));
  record.set_quota_per_second(tenant.quota.per_second);
  record.set_quota_burst(tenant.quota.burst);
  record.set_partition(tenant.partition);
  return record.SerializeAsString();
}

absl::StatusOr<Tenant> ParseTenant(const Stored& stored, absl::string_view name) {
  const auto record = Decode<records::TenantRecord>(stored);
  if (!record.ok()) return record.status();
  const Quota quota{record->quota_per_second(), record->quota_burst()};
  if (!IsWellFormed(quota)) return CorruptRecord(stored.store_key, "its quota is malformed");
  Tenant tenant;
  tenant.name = std::string(name);
  tenant.flow = absl::HashOf(tenant.name);
  tenant.display_name = record->display_name();
  tenant.create_time = absl::FromUnixMicros(record->create_time_us());
  tenant.quota = quota;
  tenant.partition = record->partition();
  tenant.mod_revision = stored.mod_revision;
  return tenant;
}

std::string SerializeIssuer(const Issuer& issuer) {
  records::IssuerRecord record;
  record.set_issuer_url(issuer.issuer_url);
  record.set_max_age_s(absl::ToInt64Seconds(issuer.max_age));
  record.set_propagation_time_s(absl::ToInt64Seconds(issuer.propagation_time));
  record.set_shared(issuer.shared);
  record.set_create_time_us(ToRecord(issuer.create_time));
  record.set_first_publish_time_us(ToRecord(issuer.first_publish_time));
  record.set_validator_profile(issuer.validator_profile);
  record.set_max_jwks_keys(issuer.max_jwks_keys);
  record.set_earlier_promise_until_time_us(ToRecordOrPast(issuer.earlier_promise_until));
  return record.SerializeAsString();
}

absl::StatusOr<Issuer> ParseIssuer(const Stored& stored, absl::string_view name) {
  const auto record = Decode<records::IssuerRecord>(stored);
  if (!record.ok()) return record.status();
  if (record->issuer_url().empty()) return CorruptRecord(stored.store_key, "it has no URL");
  if (record->max_age_s() <= 0 || record->propagation_time_s() < 0) {
    return CorruptRecord(stored.store_key, "its cache times are not positive");
  }
  if (!v1::ValidatorProfile_IsValid(record->validator_profile())) {
    return CorruptRecord(stored.store_key, "its validator profile is unknown");
  }
  Issuer issuer;
  issuer.name = std::string(name);
  issuer.issuer_url = record->issuer_url();
  issuer.max_age = absl::Seconds(record->max_age_s());
  issuer.propagation_time = absl::Seconds(record->propagation_time_s());
  issuer.shared = record->shared();
  issuer.create_time = absl::FromUnixMicros(record->create_time_us());
  issuer.first_publish_time = FromRecord(record->first_publish_time_us());
  if (record->validator_profile() != v1::VALIDATOR_PROFILE_UNSPECIFIED) {
    issuer.validator_profile = static_cast<v1::ValidatorProfile>(record->validator_profile());
  }
  issuer.max_jwks_keys = static_cast<int>(record->max_jwks_keys());
  issuer.earlier_promise_until = FromRecordOrPast(record->earlier_promise_until_time_us());
  issuer.mod_revision = stored.mod_revision;
  return issuer;
}

std::string SerializeIssuerUrl(absl::string_view issuer_name) {
  records::IssuerUrlRecord record;
  record.set_issuer(std::string(issuer_name));
  return record.SerializeAsString();
}

absl::StatusOr<std::string> ParseIssuerUrl(const Stored& stored) {
  auto record = Decode<records::IssuerUrlRecord>(stored);
  if (!record.ok()) return record.status();
  return record->issuer();
}

std::string SerializeKey(const Key& key) {
  records::KeyRecord record;
  record.set_purpose(key.purpose);
  record.set_issuer(key.issuer->name);
  for (const std::string& audience : key.audiences) record.add_audiences(audience);
  for (const std::string& typ : key.typs) record.add_typs(typ);
  record.set_max_jwt_lifetime_s(absl::ToInt64Seconds(key.max_jwt_lifetime));
  record.set_algorithm(key.algorithm->algorithm);
  record.set_create_time_us(ToRecord(key.create_time));
  record.set_last_version(key.last_version);
  record.set_subject_required(key.claim_rules.subject_required);
  for (const std::string& prefix : key.claim_rules.subject_prefixes) {
    record.add_subject_prefixes(prefix);
  }
  record.set_jwt_id_required(key.claim_rules.jwt_id_required);
  record.set_quota_per_second(key.quota.per_second);
  record.set_quota_burst(key.quota.burst);
  if (key.purpose == v1::KEY_PURPOSE_RAW) {
    record.set_raw_propagation_time_s(absl::ToInt64Seconds(key.issuer->propagation_time));
  }
  SetLifecycle(key, record);
  return record.SerializeAsString();
}

absl::StatusOr<ParsedKey> ParseKey(const Stored& stored, absl::string_view name) {
  const auto record = Decode<records::KeyRecord>(stored);
  if (!record.ok()) return record.status();
  if (const auto problem = KeyProblem(*record, name); !problem.empty()) {
    return CorruptRecord(stored.store_key, problem);
  }
  ParsedKey parsed;
  parsed.issuer_name = record->issuer();
  parsed.raw_propagation_time = absl::Seconds(record->raw_propagation_time_s());
  Key& key = parsed.key;
  key.name = std::string(name);
  key.purpose = static_cast<v1::KeyPurpose>(record->purpose());
  key.audiences.assign(record->audiences().begin(), record->audiences().end());
  key.typs.assign(record->typs().begin(), record->typs().end());
  key.max_jwt_lifetime = absl::Seconds(record->max_jwt_lifetime_s());
  key.algorithm = FindAlgorithm(record->algorithm());
  key.create_time = absl::FromUnixMicros(record->create_time_us());
  key.last_version = record->last_version();
  key.claim_rules.subject_required = record->subject_required();
  key.claim_rules.subject_prefixes.assign(record->subject_prefixes().begin(),
                                          record->subject_prefixes().end());
  key.claim_rules.jwt_id_required = record->jwt_id_required();
  key.quota = {record->quota_per_second(), record->quota_burst()};
  ReadLifecycle(*record, key);
  key.mod_revision = stored.mod_revision;
  return parsed;
}

std::string SerializeVersion(const KeyVersion& version) {
  records::KeyVersionRecord record;
  record.set_version(version.number);
  record.set_object_id(version.object_id);
  record.set_algorithm(version.algorithm->algorithm);
  if (!version.spki.empty()) {
    record.set_spki(version.spki);
    *record.mutable_jwk() = version.jwk;
  }
  record.set_create_time_us(ToRecord(version.create_time));
  SetTimes(version.times, record);
  record.set_revocation_reason(version.revocation_reason);
  record.set_revoker(version.revoker);
  return record.SerializeAsString();
}

absl::StatusOr<KeyVersion> ParseVersion(const Stored& stored, int64_t number) {
  const auto record = Decode<records::KeyVersionRecord>(stored);
  if (!record.ok()) return record.status();
  if (const auto problem = VersionProblem(*record, number); !problem.empty()) {
    return CorruptRecord(stored.store_key, problem);
  }
  KeyVersion version;
  version.number = number;
  version.object_id = record->object_id();
  version.algorithm = FindAlgorithm(record->algorithm());
  version.spki = record->spki();
  version.jwk = record->jwk();
  version.create_time = absl::FromUnixMicros(record->create_time_us());
  version.times = TimesIn(*record);
  version.revocation_reason = static_cast<v1::RevocationReason>(record->revocation_reason());
  version.revoker = record->revoker();
  if (!lifecycle::IsInOrder(version.times)) {
    return CorruptRecord(stored.store_key, "its times are not in order");
  }
  if (version.spki.empty() != (version.times.publish == absl::InfiniteFuture())) {
    return CorruptRecord(stored.store_key, "it is published without a public key, or the reverse");
  }
  return version;
}

std::vector<std::string> HeaderSegments(const KeyVersion& version,
                                        const std::vector<std::string>& typs) {
  std::vector<std::string> segments;
  if (version.spki.empty()) return segments;
  // alg, kid and typ are made of characters that JSON does not escape.
  for (const std::string& typ : typs) {
    segments.push_back(
        Base64UrlEncode(absl::StrCat(R"({"alg":")", version.jwk.alg(), R"(","kid":")",
                                     version.jwk.kid(), R"(","typ":")", typ, R"("})")));
  }
  return segments;
}

}  // namespace sealward::catalog
