#include "tests/contract/hsm/local_partition.h"

#include <unistd.h>

#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <utility>

#include "hsm/mechanisms.h"
#include "hsm/token_guard.h"

namespace sealward::hsm_test {
namespace {

constexpr char kModule[] = "/usr/lib/softhsm/libsofthsm2.so";
constexpr char kLabel[] = "test";
constexpr char kPin[] = "1234";

template <typename T>
T Must(absl::StatusOr<T> value) {
  if (!value.ok()) {
    fprintf(stderr, "test set-up failed: %s\n", value.status().ToString().c_str());
    abort();
  }
  return *std::move(value);
}

void Must(CK_RV rv) {
  if (rv != CKR_OK) abort();
}

void MakeToken() {
  const auto module = Must(pkcs11::Module::Load(kModule));
  if (!module->Initialize().ok()) abort();
  const CK_FUNCTION_LIST& p11 = module->functions();
  unsigned char pin[] = "1234";
  std::string label = kLabel;
  label.resize(32, ' ');
  Must(p11.C_InitToken(Must(module->FindUninitializedSlot()), pin, 4,
                       reinterpret_cast<unsigned char*>(label.data())));
  CK_SESSION_HANDLE session = 0;
  Must(p11.C_OpenSession(Must(module->FindSlot(kLabel)).id, CKF_SERIAL_SESSION | CKF_RW_SESSION,
                         nullptr, nullptr, &session));
  Must(p11.C_Login(session, CKU_SO, pin, 4));
  Must(p11.C_InitPIN(session, pin, 4));
  Must(p11.C_CloseSession(session));
}

}  // namespace

LocalPartition::LocalPartition(const Clock& clock, absl::string_view profile)
    : clock_(clock), profile_(*hsm::FindProfile(profile)) {
  if (chdir(directory_.Path("").c_str()) != 0) abort();
  std::filesystem::create_directory("tokens");
  std::ofstream("conf") << "directories.tokendir = " << directory_.Path("tokens") << "\n";
  setenv("SOFTHSM2_CONF", directory_.Path("conf").c_str(), 1);
  MakeToken();
  Restart();
}

LocalPartition::~LocalPartition() {
  if (chdir("/") != 0) abort();
}

std::unique_ptr<hsm::OpenPartition> LocalPartition::LogIn() {
  auto open = std::make_unique<hsm::OpenPartition>();
  open->config.profile = &profile_;
  open->config.token_directory =
      "tokens/" + std::filesystem::directory_iterator("tokens")->path().filename().string();
  open->module = Must(pkcs11::Module::Load(kModule));
  const auto threads =
      profile_.signing_sessions > 1 ? pkcs11::Threads::kSeveral : pkcs11::Threads::kOne;
  if (!open->module->Initialize(kLabel, threads).ok()) abort();
  open->slot = Must(open->module->FindSlot(kLabel));
  open->mechanisms = Must(hsm::DiscoverMechanisms(*open->module, open->slot.id));
  open->objects = Must(pkcs11::Session::Open(*open->module, open->slot.id));
  for (size_t n = 0; n < profile_.signing_sessions; ++n) {
    open->signing.push_back(Must(pkcs11::Session::Open(*open->module, open->slot.id)));
  }
  if (!open->objects->Login(kPin).ok()) abort();
  const hsm::TokenGuard guard(open->config.token_directory, hsm::kTokenObjectCopyFile);
  if (!guard.UpdateCopy().ok()) abort();
  return open;
}

void LocalPartition::Restart() {
  dispatcher_.reset();
  partition_.reset();
  partition_ = Must(hsm::Partition::Create(LogIn(), clock_, /*peer_fd=*/-1));
  dispatcher_ = std::make_unique<hsm::Dispatcher>(*partition_, /*start_number=*/1);
}

hsm::v1::Result LocalPartition::CallOne(const hsm::v1::Operation& operation) {
  return Call({operation}).results(0);
}

hsm::v1::ResponsePacket LocalPartition::Call(const std::vector<hsm::v1::Operation>& operations) {
  Take(operations);
  return Finish();
}

void LocalPartition::Take(const std::vector<hsm::v1::Operation>& operations) {
  hsm::v1::RequestPacket request;
  request.set_packet_id(next_packet_++);
  for (const hsm::v1::Operation& operation : operations) *request.add_operations() = operation;
  if (!dispatcher_->CanTake() || !dispatcher_->Take(request.SerializeAsString()).ok()) abort();
}

hsm::v1::ResponsePacket LocalPartition::Finish() {
  std::string answer;
  hsm::v1::ResponsePacket response;
  if (!dispatcher_->Finish(answer).ok() || !response.ParseFromString(answer)) abort();
  return response;
}

}  // namespace sealward::hsm_test
