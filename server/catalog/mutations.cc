#include "server/catalog/mutations.h"

#include <memory>
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
  writer.Create(KeyRecordKey(key.name), SerializeKey(key))
      .Create(VersionRecordKey(key.name, first.number), SerializeVersion(first));
  if (key.purpose == v1::KEY_PURPOSE_RAW) {
    return writer.Expect(TenantRecordKey(key.tenant->name), key.tenant->mod_revision).Done();
  }
  writer.Expect(IssuerRecordKey(issuer.name), issuer.mod_revision);
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
  TouchKey(writer, seen, seen.last_version)
      .Put(VersionRecordKey(seen.name, version.number), SerializeVersion(version));
  if (seen.purpose == v1::KEY_PURPOSE_RAW) return writer.Done();
  // The issuer's revision too: the times were computed from its promise.
  writer.Expect(IssuerRecordKey(issuer.name), issuer.mod_revision);
  if (issuer.first_publish_time == absl::InfiniteFuture()) {
    issuer.first_publish_time = version.times.publish;
    writer.Put(IssuerRecordKey(issuer.name), SerializeIssuer(issuer));
  }
  return writer.Done();
}

store::Transaction ReplaceVersions(const Key& seen, const Key& next) {
  Writer writer;
  const std::string store_key = KeyRecordKey(seen.name);
  writer.Expect(store_key, seen.mod_revision).Put(store_key, SerializeKey(next));
  for (size_t i = 0; i < next.versions.size(); ++i) {
    const KeyVersion& version = *next.versions[i];
    const std::string record = SerializeVersion(version);
    if (i < seen.versions.size() && record == SerializeVersion(*seen.versions[i])) continue;
    writer.Put(VersionRecordKey(seen.name, version.number), record);
  }
  return writer.Done();
}

Key WithTimes(const Key& key, const std::vector<lifecycle::VersionTimes>& times) {
  Key next = key;
  for (size_t i = 0; i < times.size(); ++i) {
    if (next.versions[i]->times == times[i]) continue;
    KeyVersion version = *next.versions[i];
    version.times = times[i];
    next.versions[i] = std::make_shared<const KeyVersion>(std::move(version));
  }
  return next;
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
