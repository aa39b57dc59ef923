#include "server/catalog/mutations.h"

#include <string>
#include <utility>

#include "server/catalog/layout.h"
#include "server/catalog/records.h"
#include "server/catalog/transaction_writer.h"

namespace sealward::catalog {
namespace {

using Writer = TransactionWriter;

// Rewrites the key record: its revision guards all versions.
Writer& TouchKey(Writer& writer, const Key& seen, int64_t last_version) {
  Key key = seen;
  key.last_version = last_version;
  const std::string store_key = KeyRecordKey(seen.name);
  return writer.Expect(store_key, seen.mod_revision).Put(store_key, SerializeKey(key));
}

KeyVersion WithTimes(const Key& key, size_t index, const lifecycle::VersionTimes& times) {
  KeyVersion version = *key.versions[index];
  version.times = times;
  return version;
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
  Writer writer;
  return TouchKey(writer, seen, version.number)
      .Create(VersionRecordKey(seen.name, version.number), SerializeVersion(version))
      .Done();
}

store::Transaction CompleteVersion(const Key& seen, const KeyVersion& version) {
  Issuer issuer = *seen.issuer;
  Writer writer;
  // The issuer's revision too: the times were computed from its promise.
  writer.Expect(IssuerRecordKey(issuer.name), issuer.mod_revision);
  TouchKey(writer, seen, seen.last_version)
      .Put(VersionRecordKey(seen.name, version.number), SerializeVersion(version));
  if (issuer.first_publish_time == absl::InfiniteFuture()) {
    issuer.first_publish_time = version.times.publish;
    writer.Put(IssuerRecordKey(issuer.name), SerializeIssuer(issuer));
  }
  return writer.Done();
}

store::Transaction ApplySwitch(const Key& seen, const lifecycle::Switch& planned) {
  Writer writer;
  TouchKey(writer, seen, seen.last_version);
  const auto put = [&](size_t index, const lifecycle::VersionTimes& times) {
    const KeyVersion version = WithTimes(seen, index, times);
    writer.Put(VersionRecordKey(seen.name, version.number), SerializeVersion(version));
  };
  put(planned.successor, planned.successor_times);
  if (planned.predecessor) put(*planned.predecessor, planned.predecessor_times);
  return writer.Done();
}

store::Transaction UpdateTenant(const Tenant& seen, const Tenant& next) {
  const std::string store_key = TenantRecordKey(seen.name);
  return Writer().Expect(store_key, seen.mod_revision).Put(store_key, SerializeTenant(next)).Done();
}

store::Transaction UpdateKey(const Key& seen, const Key& next) {
  Writer writer;
  const std::string store_key = KeyRecordKey(seen.name);
  return writer.Expect(store_key, seen.mod_revision).Put(store_key, SerializeKey(next)).Done();
}

}  // namespace sealward::catalog
