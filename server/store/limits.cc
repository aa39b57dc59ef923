#include "server/store/limits.h"

#include <algorithm>

#include "absl/container/flat_hash_set.h"
#include "absl/strings/escaping.h"
#include "absl/strings/str_cat.h"
#include "common/errors.h"

namespace sealward::store {
namespace {

absl::Status LimitError(absl::string_view message) {
  return MakeError(absl::StatusCode::kInvalidArgument, "STORE_LIMIT", message);
}

absl::Status CheckPrefix(absl::string_view prefix) {
  if (prefix.size() <= kMaxKeyBytes) return absl::OkStatus();
  return LimitError(absl::StrCat("a store prefix of ", prefix.size(),
                                 " bytes is over the limit of ", kMaxKeyBytes));
}

absl::Status CheckOperation(const Operation& operation) {
  if (absl::Status status = CheckKey(operation.key); !status.ok()) return status;
  if (!operation.value || operation.value->size() <= kMaxValueBytes) return absl::OkStatus();
  return LimitError(absl::StrCat("the value of store key \"", absl::CHexEscape(operation.key),
                                 "\" has ", operation.value->size(), " bytes; the limit is ",
                                 kMaxValueBytes));
}

}  // namespace

absl::Status CheckKey(absl::string_view key) {
  if (!key.empty() && key.size() <= kMaxKeyBytes) return absl::OkStatus();
  return LimitError(
      absl::StrCat("a store key of ", key.size(), " bytes is not within 1 to ", kMaxKeyBytes));
}

absl::Status CheckList(absl::string_view prefix, absl::string_view start_after, int limit) {
  if (absl::Status status = CheckPrefix(prefix); !status.ok()) return status;
  if (absl::Status status = CheckPrefix(start_after); !status.ok()) return status;
  if (limit >= 1 && limit <= kMaxListLimit) return absl::OkStatus();
  return LimitError(absl::StrCat("a list limit of ", limit, " is not within 1 to ", kMaxListLimit));
}

absl::Status CheckTransaction(const Transaction& transaction) {
  if (transaction.operations.size() > kMaxTransactionOperations ||
      transaction.compares.size() > kMaxTransactionOperations) {
    return LimitError(absl::StrCat("a transaction of ", transaction.compares.size(),
                                   " conditions and ", transaction.operations.size(),
                                   " operations is over the limit of ", kMaxTransactionOperations,
                                   " each"));
  }
  absl::flat_hash_set<absl::string_view> keys;
  for (const Operation& operation : transaction.operations) {
    if (absl::Status status = CheckOperation(operation); !status.ok()) return status;
    if (!keys.insert(operation.key).second) {
      return LimitError(absl::StrCat("store key \"", absl::CHexEscape(operation.key),
                                     "\" occurs twice in one transaction"));
    }
  }
  for (const Compare& compare : transaction.compares) {
    if (absl::Status status = CheckKey(compare.key); !status.ok()) return status;
  }
  return absl::OkStatus();
}

absl::Status CheckWatch(absl::string_view prefix, int64_t revision) {
  if (absl::Status status = CheckPrefix(prefix); !status.ok()) return status;
  if (revision >= 0) return absl::OkStatus();
  return LimitError(absl::StrCat("a watch cannot start after revision ", revision));
}

absl::Status ConflictError(const Compare& compare, int64_t found_revision) {
  const std::string key = absl::CHexEscape(compare.key);
  std::string what;
  if (compare.mod_revision == 0) {
    what = absl::StrCat("store key \"", key, "\" exists already");
  } else if (found_revision == 0) {
    what = absl::StrCat("store key \"", key, "\" is gone");
  } else {
    what = absl::StrCat("store key \"", key, "\" was changed by someone else");
  }
  return MakeError(absl::StatusCode::kAborted, "STORE_CONFLICT",
                   absl::StrCat(what, " (revision ", found_revision, ", expected ",
                                compare.mod_revision, "): read it again and retry"));
}

std::string PrefixEnd(absl::string_view prefix) {
  std::string end(prefix);
  while (!end.empty() && end.back() == '\xff') end.pop_back();
  if (end.empty()) return std::string(kMaxKeyBytes + 1, '\xff');
  end.back() = static_cast<char>(static_cast<unsigned char>(end.back()) + 1);
  return end;
}

std::string ListStart(absl::string_view prefix, absl::string_view start_after) {
  if (start_after.empty()) return std::string(prefix);
  // Nothing lies between a key and the same key with a zero byte behind it.
  std::string after(start_after);
  after.push_back('\0');
  return std::max(std::string(prefix), after);
}

}  // namespace sealward::store
