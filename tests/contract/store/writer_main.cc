// contract_writer ENGINE LOCATION: commits for ever (see writer.h) and prints
// the number of each transaction once it is committed. It is killed in the end.
#include <cstdio>

#include "absl/strings/str_cat.h"
#include "tests/contract/store/engine.h"
#include "tests/contract/store/writer.h"

int main(int argc, char** argv) {
  using namespace sealward::store;
  if (argc != 3) return 2;
  for (const EngineRow& row : AllEngines()) {
    if (row.name != argv[1]) continue;
    const auto engine = row.at(argv[2]);
    const auto store = engine->Open();
    if (!store.ok()) return 1;
    for (int64_t n = *(*store)->Revision() + 1;; ++n) {
      const std::string slot = absl::StrCat(n % kWriterWindow);
      const auto done = (*store)->Commit({{},
                                          {{kWriterCounter, absl::StrCat(n)},
                                           {"a/" + slot, WriterValue(n)},
                                           {"b/" + slot, WriterValue(n)}}});
      if (!done.ok() || *done != n) return 1;
      std::printf("%lld\n", static_cast<long long>(n));
      std::fflush(stdout);
    }
  }
  return 2;
}
