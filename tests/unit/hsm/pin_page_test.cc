// The page that holds the PIN, as the kernel describes it (proc(5), smaps, VmFlags). If
// this goes, the PIN may be swapped, dumped or inherited, or stay when it is not needed.
#include <gtest/gtest.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cstdio>
#include <cstdlib>
#include <fstream>
#include <functional>
#include <string>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "common/measures.h"
#include "hsm/pin.h"

namespace sealward::hsm {
namespace {

// The flags of the mapping that holds `address`, with spaces around each.
std::string FlagsOf(const void* address) {
  const auto wanted = reinterpret_cast<unsigned long>(address);
  std::ifstream smaps("/proc/self/smaps");
  bool inside = false;
  for (std::string line; std::getline(smaps, line);) {
    unsigned long from = 0;
    unsigned long to = 0;
    char mode = 0;
    if (std::sscanf(line.c_str(), "%lx-%lx %c", &from, &to, &mode) == 3) {
      inside = from <= wanted && wanted < to;
    }
    if (inside && absl::StartsWith(line, "VmFlags:")) return absl::StrCat(line, " ");
  }
  return "";
}

std::unique_ptr<SecretPage> NewPage() {
  auto page = SecretPage::Create();
  if (!page.ok() || !(*page)->FillWithRandomPin().ok()) abort();
  return *std::move(page);
}

bool HasFlag(const char* flag) {
  const auto page = NewPage();
  return absl::StrContains(FlagsOf(page->view().data()), absl::StrCat(" ", flag, " "));
}

// What a child that was forked finds: 0 for nothing.
int FirstByteInChild(const SecretPage& page) {
  const char* bytes = page.view().data();
  const pid_t child = fork();
  if (child == 0) _exit(*bytes);
  int status = 0;
  waitpid(child, &status, 0);
  return WEXITSTATUS(status);
}

bool IsWiped() {
  const auto page = NewPage();
  const char* bytes = page->view().data();
  page->Wipe();
  return page->size() == 0 && *bytes == 0;
}

// Whether `holds` does, and does not without `measure`.
void ExpectHoldsAndIsMissed(const char* measure, const std::function<bool()>& holds) {
  EXPECT_TRUE(holds()) << measure;
  setenv(kWithoutVariable, measure, 1);
  ReadOmittedAgain();
  EXPECT_FALSE(holds()) << "without " << measure;
  unsetenv(kWithoutVariable);
  ReadOmittedAgain();
}

TEST(PinPageTest, IsLocked) {
  ExpectHoldsAndIsMissed("pin-lock", [] { return HasFlag("lo"); });
}

TEST(PinPageTest, IsLeftOutOfDumps) {
  ExpectHoldsAndIsMissed("pin-no-dump", [] { return HasFlag("dd"); });
}

TEST(PinPageTest, IsEmptyInAChild) {
  ExpectHoldsAndIsMissed("pin-wipe-on-fork", [] { return FirstByteInChild(*NewPage()) == 0; });
}

TEST(PinPageTest, IsWipedWhenAsked) { ExpectHoldsAndIsMissed("pin-wipe", IsWiped); }

// A probe whose measure is misspelt would prove nothing.
TEST(PinPageTest, AnUnknownMeasureEndsTheProcess) {
  EXPECT_EXIT(
      {
        setenv(kWithoutVariable, "pin-lok", 1);
        ReadOmittedAgain();
      },
      ::testing::ExitedWithCode(2), "names no measure");
}

}  // namespace
}  // namespace sealward::hsm
