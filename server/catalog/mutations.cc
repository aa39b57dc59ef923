#include "server/catalog/mutations.h"

#include <string>
#include <utility>

#include "absl/strings/str_cat.h"
#include "common/errors.h"
#include "server/catalog/layout.h"
#include "server/catalog/records.h"

namespace sealward::catalog {
namespace {

// Writer collects a transaction.
class Writer {
 public:
  Writer& Expect(std::string store_key, int64_t mod_revision) {
    transaction_.compares.push_back({std::move(store_key), mod_revision});
    return *this;
  }
  Writer& Put(std::string store_key, std::string value) {
    transaction_.operations.push_back({std::move(store_key), std::move(value)});
    return *this;
  }
  Writer& Delete(std::string store_key) {
    transaction_.operations.push_back({std::move(store_key), std::nullopt});
    return *this;
  }
  // Puts what must not be there yet.
  Writer& Create(const std::string& store_key, std::string value) {
    return Expect(store_key, 0).Put(store_key, std::move(value));
  }
  // Rewrites the key record: its revision guards all versions.
  Writer& TouchKey(const Key& seen, int64_t last_version) {
    Key key = seen;
    key.last_version = last_version;
    const std::string store_key = KeyRecordKey(seen.name);
    return Expect(store_key, seen.mod_revision).Put(store_key, SerializeKey(key));
  }
  store::Transaction Done() { return std::move(transaction_); }

 private:
  store::Transaction transaction_;
};

KeyVersion WithTimes(const Key& key, size_t index, const lifecycle::VersionTimes& times) {
  KeyVersion version = *key.versions[index];
  version.times = times;
  return version;
}

bool IsServiceAdmin(const RoleBinding& binding) {
  return binding.tenant.empty() && binding.role == v1::ROLE_ADMIN;
}

const RoleBinding* AnotherServiceAdmin(const Snapshot& snapshot, const RoleBinding& but) {
  for (const auto& [principal, bindings] : snapshot.bindings) {
    for (const auto& binding : bindings) {
      if (IsServiceAdmin(*binding) && binding->name != but.name) return binding.get();
    }
  }
  return nullptr;
}

}  // namespace

store::Transaction CreateTenant(const Tenant& tenant) {
  return Writer().Create(TenantRecordKey(tenant.name), SerializeTenant(tenant)).Done();
}

store::Transaction CreateIssuer(const Tenant& seen, const Issuer& issuer) {
  return Writer()
      .Expect(TenantRecordKey(seen.name), seen.mod_revision)
      .Create(IssuerRecordKey(issuer.name), SerializeIssuer(issuer))
      .Create(IssuerUrlRecordKey(issuer.issuer_url), SerializeIssuerUrl(issuer.name))
      .Done();
}

store::Transaction CreateKey(const Key& key, const KeyVersion& first) {
  const Issuer& issuer = *key.issuer;
  Writer writer;
  writer.Expect(IssuerRecordKey(issuer.name), issuer.mod_revision)
      .Create(KeyRecordKey(key.name), SerializeKey(key))
      .Create(VersionRecordKey(key.name, first.number), SerializeVersion(first));
  if (!issuer.shared) writer.Put(IssuerRecordKey(issuer.name), SerializeIssuer(issuer));
  return writer.Done();
}

store::Transaction AddVersion(const Key& seen, const KeyVersion& version) {
  return Writer()
      .TouchKey(seen, version.number)
      .Create(VersionRecordKey(seen.name, version.number), SerializeVersion(version))
      .Done();
}

store::Transaction CompleteVersion(const Key& seen, const KeyVersion& version) {
  Issuer issuer = *seen.issuer;
  Writer writer;
  // The issuer's revision too: the times were computed from its promise.
  writer.Expect(IssuerRecordKey(issuer.name), issuer.mod_revision)
      .TouchKey(seen, seen.last_version)
      .Put(VersionRecordKey(seen.name, version.number), SerializeVersion(version));
  if (issuer.first_publish_time == absl::InfiniteFuture()) {
    issuer.first_publish_time = version.times.publish;
    writer.Put(IssuerRecordKey(issuer.name), SerializeIssuer(issuer));
  }
  return writer.Done();
}

store::Transaction ApplySwitch(const Key& seen, const lifecycle::Switch& planned) {
  Writer writer;
  writer.TouchKey(seen, seen.last_version);
  const auto put = [&](size_t index, const lifecycle::VersionTimes& times) {
    const KeyVersion version = WithTimes(seen, index, times);
    writer.Put(VersionRecordKey(seen.name, version.number), SerializeVersion(version));
  };
  put(planned.successor, planned.successor_times);
  if (planned.predecessor) put(*planned.predecessor, planned.predecessor_times);
  return writer.Done();
}

store::Transaction CreateBinding(const Tenant* seen, const RoleBinding& binding) {
  Writer writer;
  if (seen != nullptr) writer.Expect(TenantRecordKey(seen->name), seen->mod_revision);
  return writer.Create(BindingRecordKey(binding.name), SerializeBinding(binding)).Done();
}

absl::StatusOr<store::Transaction> DeleteBinding(const Snapshot& snapshot,
                                                 const RoleBinding& seen) {
  Writer writer;
  if (IsServiceAdmin(seen)) {
    const RoleBinding* other = AnotherServiceAdmin(snapshot, seen);
    if (other == nullptr) {
      return MakeError(absl::StatusCode::kFailedPrecondition, "LAST_ADMIN",
                       absl::StrCat(seen.name, " is the last service admin: bind another first"));
    }
    writer.Expect(BindingRecordKey(other->name), other->mod_revision);
  }
  const std::string store_key = BindingRecordKey(seen.name);
  return writer.Expect(store_key, seen.mod_revision).Delete(store_key).Done();
}

}  // namespace sealward::catalog
