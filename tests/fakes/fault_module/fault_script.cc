#include "tests/fakes/fault_module/fault_script.h"

#include <fcntl.h>
#include <unistd.h>

#include <cstdio>
#include <cstdlib>
#include <fstream>
#include <map>
#include <sstream>
#include <utility>

namespace sealward::fault_module {
namespace {

struct NamedAction {
  const char* name;
  Fault::Action action;
};
constexpr NamedAction kActions[] = {
    {"return", Fault::Action::kReturn},
    {"delay", Fault::Action::kDelay},
    {"hang", Fault::Action::kHang},
    {"hang-after", Fault::Action::kHangAfter},
    {"truncate", Fault::Action::kTruncate},
    {"overstate", Fault::Action::kOverstate},
    {"flip", Fault::Action::kFlip},
    {"die", Fault::Action::kDie},
    {"empty-token-object", Fault::Action::kEmptyTokenObject},
    {"half", Fault::Action::kHalf},
    {"extractable", Fault::Action::kExtractable},
    {"limit", Fault::Action::kLimit},
};

struct NamedRv {
  const char* name;
  CK_RV rv;
};
// Others can be given as numbers.
constexpr NamedRv kRvs[] = {
    {"CKR_OK", CKR_OK},
    {"CKR_HOST_MEMORY", CKR_HOST_MEMORY},
    {"CKR_GENERAL_ERROR", CKR_GENERAL_ERROR},
    {"CKR_FUNCTION_FAILED", CKR_FUNCTION_FAILED},
    {"CKR_CANT_LOCK", CKR_CANT_LOCK},
    {"CKR_DATA_LEN_RANGE", CKR_DATA_LEN_RANGE},
    {"CKR_DEVICE_ERROR", CKR_DEVICE_ERROR},
    {"CKR_DEVICE_MEMORY", CKR_DEVICE_MEMORY},
    {"CKR_DEVICE_REMOVED", CKR_DEVICE_REMOVED},
    {"CKR_KEY_HANDLE_INVALID", CKR_KEY_HANDLE_INVALID},
    {"CKR_OBJECT_HANDLE_INVALID", CKR_OBJECT_HANDLE_INVALID},
    {"CKR_PIN_INCORRECT", CKR_PIN_INCORRECT},
    {"CKR_PIN_EXPIRED", CKR_PIN_EXPIRED},
    {"CKR_PIN_LOCKED", CKR_PIN_LOCKED},
    {"CKR_SESSION_CLOSED", CKR_SESSION_CLOSED},
    {"CKR_TEMPLATE_INCONSISTENT", CKR_TEMPLATE_INCONSISTENT},
    {"CKR_SESSION_HANDLE_INVALID", CKR_SESSION_HANDLE_INVALID},
    {"CKR_TOKEN_NOT_PRESENT", CKR_TOKEN_NOT_PRESENT},
    {"CKR_USER_NOT_LOGGED_IN", CKR_USER_NOT_LOGGED_IN},
};

[[noreturn]] void Malformed(int line, const std::string& text) {
  std::fprintf(stderr, "fault module: line %d of \"%s\" is not understood: %s\n", line, kScriptFile,
               text.c_str());
  _exit(1);
}

bool ToNumber(const std::string& text, uint64_t& number) {
  char* end = nullptr;
  number = std::strtoull(text.c_str(), &end, 0);
  return !text.empty() && *end == '\0';
}

bool ToAction(const std::string& name, Fault::Action& action) {
  for (const NamedAction& each : kActions) {
    if (name == each.name) {
      action = each.action;
      return true;
    }
  }
  return false;
}

bool ToValue(const std::string& text, uint64_t& value) {
  for (const NamedRv& each : kRvs) {
    if (text == each.name) {
      value = each.rv;
      return true;
    }
  }
  return ToNumber(text, value);
}

bool IsSame(const struct stat& a, const struct stat& b) {
  return a.st_ino == b.st_ino && a.st_size == b.st_size && a.st_mtim.tv_sec == b.st_mtim.tv_sec &&
         a.st_mtim.tv_nsec == b.st_mtim.tv_nsec;
}

}  // namespace

Script::Rule Script::Parse(const std::string& text, int line) const {
  Rule rule;
  rule.line = line;
  std::string when;
  std::string action;
  std::string value;
  std::string rest;
  std::istringstream words(text);
  words >> rule.function >> when >> action >> value >> rest;
  if (!ToAction(action, rule.fault.action) || !rest.empty()) Malformed(line, text);
  if (!value.empty() && !ToValue(value, rule.fault.value)) Malformed(line, text);
  if (when == "once") {
    rule.once = true;
  } else if (when != "*") {
    const bool onwards = when.back() == '+';
    if (onwards) when.pop_back();
    if (!ToNumber(when, rule.first)) Malformed(line, text);
    if (!onwards) rule.last = rule.first;
  }
  return rule;
}

void Script::ReadAgain() {
  struct stat now{};
  if (stat(kScriptFile, &now) != 0) {
    rules_.clear();
    read_ = {};
    return;
  }
  if (IsSame(now, read_)) return;
  rules_.clear();
  std::ifstream file(kScriptFile);
  std::string text;
  for (int line = 1; std::getline(file, text); ++line) {
    if (!text.empty() && text.front() != '#') rules_.push_back(Parse(text, line));
  }
  read_ = now;
}

// Whoever makes the file first has it. Its name is the rule's: a new script is
// another inode or time.
bool Script::Take(const Rule& rule) const {
  const std::string path = kTakenPrefix + std::to_string(read_.st_ino) + "." +
                           std::to_string(read_.st_mtim.tv_nsec) + "." + std::to_string(rule.line);
  const int fd = open(path.c_str(), O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
  if (fd < 0) return false;
  close(fd);
  return true;
}

std::vector<Fault> Script::For(const std::string& function, uint64_t call) {
  ReadAgain();
  std::vector<Fault> faults;
  for (const Rule& rule : rules_) {
    if (rule.function != function || call < rule.first || call > rule.last) continue;
    if (!rule.once || Take(rule)) faults.push_back(rule.fault);
  }
  return faults;
}

bool Script::Hangs(const std::string& function) {
  ReadAgain();
  for (const Rule& rule : rules_) {
    const bool hangs =
        rule.fault.action == Fault::Action::kHang || rule.fault.action == Fault::Action::kHangAfter;
    if (rule.function == function && hangs) return true;
  }
  return false;
}

uint64_t CountCall(const std::string& function) {
  static auto* const files = new std::map<std::string, int>;
  const auto [file, is_new] = files->try_emplace(function, -1);
  if (is_new) {
    file->second =
        open((kCallsPrefix + function).c_str(), O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0600);
  }
  if (write(file->second, "x", 1) != 1) {
    std::fprintf(stderr, "fault module: %s cannot be counted\n", function.c_str());
    _exit(1);
  }
  // O_APPEND leaves the offset behind the byte that was written.
  return static_cast<uint64_t>(lseek(file->second, 0, SEEK_CUR));
}

}  // namespace sealward::fault_module
