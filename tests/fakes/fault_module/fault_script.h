// What goes wrong in the fault module, as a file that a test writes.
#ifndef SEALWARD_TESTS_FAKES_FAULT_MODULE_FAULT_SCRIPT_H_
#define SEALWARD_TESTS_FAKES_FAULT_MODULE_FAULT_SCRIPT_H_

#include <p11-kit/pkcs11.h>
#include <sys/stat.h>

#include <cstdint>
#include <string>
#include <vector>

namespace sealward::fault_module {

// Files in the working directory, which for sealward-hsm is the partition directory.
inline constexpr char kScriptFile[] = "faults";
inline constexpr char kCallsPrefix[] = "calls.";         // calls.C_Sign: a byte for each call
inline constexpr char kTakenPrefix[] = "faults-taken.";  // one for each `once` that happened

// Fault is what happens to one call.
struct Fault {
  enum class Action {
    kReturn,            // `value` is the CK_RV; the function is not called
    kDelay,             // `value` ms before the call
    kHang,              // before the call, until the rule is gone from the script
    kHangAfter,         // the same, after a call that went well
    kTruncate,          // success, with `value` bytes (or handles) less
    kOverstate,         // success, with a count of `value` handles or mechanisms more
    kFlip,              // success, with a bit of the last byte wrong
    kDie,               // SIGKILL
    kEmptyTokenObject,  // token.object emptied, then SIGKILL: SoftHSM2's login, cut off
    kHalf,              // C_GenerateKeyPair: SIGKILL after the public half
    kExtractable,       // C_GetAttributeValue: CKA_EXTRACTABLE is true
    kLimit,             // C_OpenSession: CKR_SESSION_COUNT while the process has `value` open
  };
  Action action = Action::kReturn;
  uint64_t value = 0;
};

// Script is the file kScriptFile, read again whenever it was replaced, so that a
// test changes what goes wrong while processes run. A line is
//
//   FUNCTION WHEN ACTION [VALUE]
//
//   C_SignInit *     return CKR_DEVICE_REMOVED   every call from now on
//   C_Login    once  return CKR_PIN_INCORRECT    one call, of whichever process
//   C_Sign     17    truncate 8                  the 17th call of the partition's life
//   C_Sign     17+   delay 200                   that and all later ones
//
// ACTION is a Fault::Action in kebab-case (return, delay, hang, hang-after, truncate,
// overstate, flip, die, empty-token-object, half, extractable, limit). Empty lines and those that
// begin with # say nothing; what else is not understood ends the process, with a line on stderr.
// Not thread-safe.
class Script {
 public:
  // What is to happen to the call with this number, in the order of the lines.
  // Takes a `once` away for every process.
  std::vector<Fault> For(const std::string& function, uint64_t call);

  // Whether a rule makes calls of `function` hang now.
  bool Hangs(const std::string& function);

 private:
  struct Rule {
    int line = 0;
    std::string function;
    uint64_t first = 1;
    uint64_t last = UINT64_MAX;
    bool once = false;
    Fault fault;
  };

  void ReadAgain();
  Rule Parse(const std::string& text, int line) const;
  bool Take(const Rule& rule) const;

  struct stat read_{};  // of the file that rules_ are from
  std::vector<Rule> rules_;
};

// Appends a byte to the function's count; the number of this call, counted over
// all processes of the partition.
uint64_t CountCall(const std::string& function);

}  // namespace sealward::fault_module

#endif  // SEALWARD_TESTS_FAKES_FAULT_MODULE_FAULT_SCRIPT_H_
