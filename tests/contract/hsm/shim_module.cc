// A PKCS#11 module for tests: SoftHSM2 with faults. It reads the file "shim" in
// the working directory, which for sealward-hsm is the partition directory:
//
//   count-logins      C_Login as user appends a byte to the file "logins"
//   kill-in-login     C_Login empties token.object and kills the process, as a
//                     SIGKILL at the wrong moment of SoftHSM2's C_Login does
//   copy-fails        C_CopyObject answers CKR_DEVICE_MEMORY
//   extractable       private keys say CKA_EXTRACTABLE true once "leaky" exists
//   stale-once        one C_SignInit answers CKR_KEY_HANDLE_INVALID, once "stale"
//                     exists
//   token-lost        C_SignInit answers CKR_DEVICE_REMOVED once "lost" exists
//   wrong-signature   C_Sign flips a bit once "flip" exists
//   half-pair         C_GenerateKeyPair kills the process after the public half,
//                     once "half" exists
#include <dlfcn.h>
#include <fcntl.h>
#include <p11-kit/pkcs11.h>
#include <signal.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cstdlib>
#include <fstream>
#include <iterator>
#include <string>

namespace {

CK_FUNCTION_LIST* real = nullptr;
CK_FUNCTION_LIST shim;
std::string faults;
bool stale_given = false;

bool Has(const char* fault) { return faults.find(fault) != std::string::npos; }
bool Exists(const char* path) { return access(path, F_OK) == 0; }

// Not raise(): sealward-hsm's sandbox kills for that, with another signal.
[[noreturn]] void Die() {
  for (;;) kill(getpid(), SIGKILL);
}

void EmptyTokenObject() {
  std::ifstream config("hsm.toml");
  const std::string text((std::istreambuf_iterator<char>(config)), {});
  const size_t start = text.find("tokens/");
  const std::string path = text.substr(start, text.find_first_of("'\"", start) - start);
  close(open((path + "/token.object").c_str(), O_WRONLY | O_TRUNC));
}

CK_RV Login(CK_SESSION_HANDLE session, CK_USER_TYPE user, unsigned char* pin, CK_ULONG size) {
  if (user == CKU_USER && Has("count-logins")) {
    const int fd = open("logins", O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0600);
    if (fd < 0 || write(fd, "x", 1) != 1) abort();
    close(fd);
  }
  if (user == CKU_USER && Has("kill-in-login")) {
    EmptyTokenObject();
    Die();
  }
  return real->C_Login(session, user, pin, size);
}

CK_RV CopyObject(CK_SESSION_HANDLE session, CK_OBJECT_HANDLE object, CK_ATTRIBUTE* changes,
                 CK_ULONG count, CK_OBJECT_HANDLE* copy) {
  if (Has("copy-fails")) return CKR_DEVICE_MEMORY;
  return real->C_CopyObject(session, object, changes, count, copy);
}

CK_RV GetAttributeValue(CK_SESSION_HANDLE session, CK_OBJECT_HANDLE object,
                        CK_ATTRIBUTE* attributes, CK_ULONG count) {
  const CK_RV rv = real->C_GetAttributeValue(session, object, attributes, count);
  for (CK_ULONG i = 0; i < count && Has("extractable") && Exists("leaky"); ++i) {
    if (attributes[i].type == CKA_EXTRACTABLE && attributes[i].ulValueLen == 1) {
      *static_cast<CK_BBOOL*>(attributes[i].pValue) = 1;
    }
  }
  return rv;
}

CK_RV SignInit(CK_SESSION_HANDLE session, CK_MECHANISM* mechanism, CK_OBJECT_HANDLE key) {
  if (Has("token-lost") && Exists("lost")) return CKR_DEVICE_REMOVED;
  if (Has("stale-once") && Exists("stale") && !stale_given) {
    stale_given = true;
    return CKR_KEY_HANDLE_INVALID;
  }
  return real->C_SignInit(session, mechanism, key);
}

CK_RV Sign(CK_SESSION_HANDLE session, unsigned char* data, CK_ULONG size, unsigned char* signature,
           CK_ULONG* signature_size) {
  const CK_RV rv = real->C_Sign(session, data, size, signature, signature_size);
  if (Has("wrong-signature") && Exists("flip")) signature[*signature_size - 1] ^= 1;
  return rv;
}

CK_RV GenerateKeyPair(CK_SESSION_HANDLE session, CK_MECHANISM* mechanism, CK_ATTRIBUTE* pub,
                      CK_ULONG pub_count, CK_ATTRIBUTE* priv, CK_ULONG priv_count,
                      CK_OBJECT_HANDLE* pub_handle, CK_OBJECT_HANDLE* priv_handle) {
  const CK_RV rv = real->C_GenerateKeyPair(session, mechanism, pub, pub_count, priv, priv_count,
                                           pub_handle, priv_handle);
  if (Has("half-pair") && Exists("half")) {
    real->C_DestroyObject(session, *priv_handle);
    Die();
  }
  return rv;
}

}  // namespace

extern "C" __attribute__((visibility("default"))) CK_RV C_GetFunctionList(CK_FUNCTION_LIST** list) {
  void* library = dlopen("/usr/lib/softhsm/libsofthsm2.so", RTLD_NOW | RTLD_LOCAL);
  if (library == nullptr) return CKR_GENERAL_ERROR;
  const auto get =
      reinterpret_cast<CK_RV (*)(CK_FUNCTION_LIST**)>(dlsym(library, "C_GetFunctionList"));
  if (get(&real) != CKR_OK) return CKR_GENERAL_ERROR;
  std::ifstream file("shim");
  faults.assign((std::istreambuf_iterator<char>(file)), {});
  shim = *real;
  shim.C_Login = Login;
  shim.C_CopyObject = CopyObject;
  shim.C_GetAttributeValue = GetAttributeValue;
  shim.C_SignInit = SignInit;
  shim.C_Sign = Sign;
  shim.C_GenerateKeyPair = GenerateKeyPair;
  *list = &shim;
  return CKR_OK;
}
