#include "server/catalog/issuer_mutations.h"

#include <algorithm>
#include <string>
#include <utility>

#include "server/catalog/layout.h"
#include "server/catalog/mutations.h"
#include "server/catalog/operations_records.h"
#include "server/catalog/records.h"
#include "server/catalog/transaction_writer.h"

namespace sealward::catalog {
namespace {

using Writer = TransactionWriter;

bool HasSameVersions(const KeyReplacement& key) {
  return std::ranges::equal(key.seen->versions, key.next.versions);
}

}  // namespace

store::Transaction UpdateIssuer(const Issuer& seen, const Issuer& next,
                                const std::vector<KeyReplacement>& keys) {
  const std::string store_key = IssuerRecordKey(seen.name);
  store::Transaction all =
      Writer().Expect(store_key, seen.mod_revision).Put(store_key, SerializeIssuer(next)).Done();
  for (const KeyReplacement& key : keys) {
    store::Transaction one = ReplaceVersions(*key.seen, key.next);
    std::ranges::move(one.compares, std::back_inserter(all.compares));
    if (HasSameVersions(key)) continue;
    std::ranges::move(one.operations, std::back_inserter(all.operations));
  }
  return all;
}

store::Transaction CreateForeignKey(const Issuer& seen, const ForeignKey& key) {
  Issuer issuer = seen;
  issuer.first_publish_time = std::min(issuer.first_publish_time, key.create_time);
  const std::string store_key = IssuerRecordKey(seen.name);
  return Writer()
      .Expect(store_key, seen.mod_revision)
      .Put(store_key, SerializeIssuer(issuer))
      .Create(ForeignKeyRecordKey(key.name), SerializeForeignKey(key))
      .Done();
}

store::Transaction DeleteForeignKey(const ForeignKey& seen) {
  const std::string store_key = ForeignKeyRecordKey(seen.name);
  return Writer().Expect(store_key, seen.mod_revision).Delete(store_key).Done();
}

}  // namespace sealward::catalog
