// Store transactions, written as they are said.
#ifndef SEALWARD_SERVER_CATALOG_TRANSACTION_WRITER_H_
#define SEALWARD_SERVER_CATALOG_TRANSACTION_WRITER_H_

#include <cstdint>
#include <optional>
#include <string>
#include <utility>

#include "server/store/store.h"

namespace sealward::catalog {

// TransactionWriter collects a transaction.
class TransactionWriter {
 public:
  TransactionWriter& Expect(std::string store_key, int64_t mod_revision) {
    transaction_.compares.push_back({std::move(store_key), mod_revision});
    return *this;
  }
  TransactionWriter& Put(std::string store_key, std::string value) {
    transaction_.operations.push_back({std::move(store_key), std::move(value)});
    return *this;
  }
  TransactionWriter& Delete(std::string store_key) {
    transaction_.operations.push_back({std::move(store_key), std::nullopt});
    return *this;
  }
  // Puts what must not be there yet.
  TransactionWriter& Create(const std::string& store_key, std::string value) {
    return Expect(store_key, 0).Put(store_key, std::move(value));
  }
  store::Transaction Done() { return std::move(transaction_); }

 private:
  store::Transaction transaction_;
};

}  // namespace sealward::catalog

#endif  // SEALWARD_SERVER_CATALOG_TRANSACTION_WRITER_H_
