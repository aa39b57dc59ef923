#include "tests/fakes/fake_partition.h"

#include <openssl/ec.h>
#include <openssl/evp.h>
#include <openssl/rsa.h>
#include <openssl/x509.h>

#include <utility>

#include "common/algorithms.h"
#include "common/errors.h"

namespace sealward::fakes {
namespace {

using hsm::v1::Result;

constexpr size_t kScalarBytes = 32;  // of P-256

Result Error(absl::StatusCode code, const std::string& message) {
  Result result;
  result.set_code(static_cast<int>(code));
  result.set_message(message);
  return result;
}

absl::Status Unavailable() {
  return MakeRetryableError(absl::StatusCode::kUnavailable, "HSM_UNAVAILABLE",
                            "no sealward-hsm process is ready", absl::Seconds(1));
}

struct KeyDeleter {
  void operator()(EVP_PKEY* key) const { EVP_PKEY_free(key); }
};
using KeyPtr = std::unique_ptr<EVP_PKEY, KeyDeleter>;

KeyPtr MakeKey(const AlgorithmInfo& algorithm) {
  switch (algorithm.key_type) {
    case KeyType::kEc:
      return KeyPtr(EVP_EC_gen("P-256"));
    case KeyType::kRsa:
      return KeyPtr(EVP_RSA_gen(static_cast<unsigned>(algorithm.modulus_bits)));
    case KeyType::kOkp:
      return KeyPtr(EVP_PKEY_Q_keygen(nullptr, nullptr, "ED25519"));
  }
  return nullptr;
}

std::string Spki(EVP_PKEY* key) {
  unsigned char* der = nullptr;
  const int size = i2d_PUBKEY(key, &der);
  std::string spki(reinterpret_cast<char*>(der), static_cast<size_t>(size));
  OPENSSL_free(der);
  return spki;
}

// DER Ecdsa-Sig-Value to R || S (RFC 7518 section 3.4).
std::string JoseEcdsa(const std::string& der) {
  const auto* at = reinterpret_cast<const unsigned char*>(der.data());
  ECDSA_SIG* signature = d2i_ECDSA_SIG(nullptr, &at, static_cast<long>(der.size()));
  std::string out(2 * kScalarBytes, '\0');
  auto* bytes = reinterpret_cast<unsigned char*>(out.data());
  BN_bn2binpad(ECDSA_SIG_get0_r(signature), bytes, kScalarBytes);
  BN_bn2binpad(ECDSA_SIG_get0_s(signature), bytes + kScalarBytes, kScalarBytes);
  ECDSA_SIG_free(signature);
  return out;
}

std::string SignWith(EVP_PKEY* key, const AlgorithmInfo& algorithm, const std::string& message) {
  EVP_MD_CTX* context = EVP_MD_CTX_new();
  EVP_DigestSignInit(context, nullptr, algorithm.key_type == KeyType::kOkp ? nullptr : EVP_sha256(),
                     nullptr, key);
  const auto* data = reinterpret_cast<const unsigned char*>(message.data());
  size_t size = 0;
  EVP_DigestSign(context, nullptr, &size, data, message.size());
  std::string out(size, '\0');
  EVP_DigestSign(context, reinterpret_cast<unsigned char*>(out.data()), &size, data,
                 message.size());
  out.resize(size);
  EVP_MD_CTX_free(context);
  return algorithm.key_type == KeyType::kEc ? JoseEcdsa(out) : out;
}

}  // namespace

struct FakePartition::Object {
  hsm::v1::ObjectRef ref;
  const AlgorithmInfo* algorithm = nullptr;
  KeyPtr key;
  uint64_t signatures = 0;

  hsm::v1::PublicKey PublicKey(bool existed) const {
    hsm::v1::PublicKey out;
    *out.mutable_object() = ref;
    out.set_algorithm(algorithm->algorithm);
    out.set_spki(Spki(key.get()));
    out.set_existed(existed);
    return out;
  }
};

FakePartition::FakePartition() {
  for (const AlgorithmInfo& each : AllAlgorithms()) algorithms_.push_back(each.algorithm);
}
FakePartition::~FakePartition() = default;

void FakePartition::SetAvailable(bool available) {
  absl::MutexLock lock(&mu_);
  available_ = available;
}

void FakePartition::LoseAnswersOfGenerate(int count) {
  absl::MutexLock lock(&mu_);
  answers_to_lose_ = count;
}

void FakePartition::AnswerNextWith(Result result) {
  absl::MutexLock lock(&mu_);
  next_answer_ = std::move(result);
}

void FakePartition::BlockGenerate() {
  absl::MutexLock lock(&mu_);
  block_generate_ = true;
}

void FakePartition::Unblock() {
  absl::MutexLock lock(&mu_);
  block_generate_ = false;
}

void FakePartition::AwaitBlockedGenerate() {
  absl::MutexLock lock(&mu_);
  mu_.Await(absl::Condition(+[](int* blocked) { return *blocked > 0; }, &blocked_));
}

void FakePartition::AwaitKeyPairs(int count) {
  absl::MutexLock lock(&mu_);
  const auto are_made = [this, count] {
    mu_.AssertReaderHeld();
    return key_pairs_made_ >= count;
  };
  mu_.Await(absl::Condition(&are_made));
}

void FakePartition::SetAlgorithms(std::vector<v1::Algorithm> algorithms) {
  absl::MutexLock lock(&mu_);
  algorithms_ = std::move(algorithms);
}

void FakePartition::RemoveObject(const std::string& object_id) {
  absl::MutexLock lock(&mu_);
  objects_.erase(object_id);
}

void FakePartition::ReplaceKeyPair(const std::string& object_id) {
  absl::MutexLock lock(&mu_);
  Object& object = *objects_.at(object_id);
  object.key = MakeKey(*object.algorithm);
}

void FakePartition::AddObject(const std::string& object_id, const std::string& key) {
  absl::MutexLock lock(&mu_);
  hsm::v1::ObjectRef ref;
  ref.set_object_id(object_id);
  ref.set_key(key);
  ref.set_purpose(hsm::v1::OBJECT_PURPOSE_JWT);
  Make(ref, v1::ALGORITHM_ES256);
}

void FakePartition::SetUnattributable(uint32_t count) {
  absl::MutexLock lock(&mu_);
  unattributable_ = count;
}

int FakePartition::generate_requests() const {
  absl::MutexLock lock(&mu_);
  return generate_requests_;
}

int FakePartition::key_pairs_made() const {
  absl::MutexLock lock(&mu_);
  return key_pairs_made_;
}

size_t FakePartition::object_count() const {
  absl::MutexLock lock(&mu_);
  return objects_.size();
}

void FakePartition::Submit(Submission submission) {
  submission.done(Call(std::move(submission.operation), submission.deadline));
}

absl::StatusOr<Result> FakePartition::Call(hsm::v1::Operation operation, absl::Time /*deadline*/) {
  absl::MutexLock lock(&mu_);
  if (operation.has_generate()) {
    ++generate_requests_;
    ++blocked_;
    mu_.Await(absl::Condition(+[](bool* blocked) { return !*blocked; }, &block_generate_));
    --blocked_;
  }
  if (!available_) return Unavailable();
  if (next_answer_) return *std::exchange(next_answer_, std::nullopt);
  switch (operation.verb_case()) {
    case hsm::v1::Operation::kGenerate: {
      Result result = Generate(operation.generate());
      if (answers_to_lose_ == 0) return result;
      --answers_to_lose_;
      return Unavailable();
    }
    case hsm::v1::Operation::kGetPublicKey:
      return GetPublicKey(operation.get_public_key().object());
    case hsm::v1::Operation::kSignJws:
      return Sign(operation.sign_jws());
    case hsm::v1::Operation::kList:
      return List(operation.list());
    default:
      return Result();
  }
}

Result FakePartition::Generate(const hsm::v1::Generate& request) {
  const std::string& id = request.object().object_id();
  const auto found = objects_.find(id);
  const bool existed = found != objects_.end();
  if (!existed) {
    if (FindAlgorithm(request.algorithm()) == nullptr) {
      return Error(absl::StatusCode::kInvalidArgument, "unknown algorithm");
    }
    Make(request.object(), request.algorithm());
  } else if (found->second->ref.key() != request.object().key() ||
             found->second->algorithm->algorithm != request.algorithm()) {
    return Error(absl::StatusCode::kFailedPrecondition, "the object is another key's");
  }
  Result result;
  *result.mutable_public_key() = objects_.at(id)->PublicKey(existed);
  return result;
}

void FakePartition::Make(const hsm::v1::ObjectRef& ref, v1::Algorithm algorithm) {
  auto object = std::make_unique<Object>();
  object->ref = ref;
  object->algorithm = FindAlgorithm(algorithm);
  object->key = MakeKey(*object->algorithm);
  objects_[ref.object_id()] = std::move(object);
  ++key_pairs_made_;
}

Result FakePartition::GetPublicKey(const hsm::v1::ObjectRef& ref) {
  const auto found = objects_.find(ref.object_id());
  if (found == objects_.end()) return Error(absl::StatusCode::kNotFound, "no such object");
  Result result;
  *result.mutable_public_key() = found->second->PublicKey(true);
  return result;
}

Result FakePartition::Sign(const hsm::v1::SignJws& request) {
  const auto found = objects_.find(request.object().object_id());
  if (found == objects_.end()) return Error(absl::StatusCode::kNotFound, "no such object");
  Object& object = *found->second;
  if (object.ref.key() != request.object().key()) {
    return Error(absl::StatusCode::kFailedPrecondition, "the object is another key's");
  }
  Result result;
  result.mutable_signature()->set_signature(
      SignWith(object.key.get(), *object.algorithm, request.signing_input()));
  result.mutable_signature()->set_object_counter(++object.signatures);
  return result;
}

Result FakePartition::List(const hsm::v1::List& request) {
  Result result;
  auto* list = result.mutable_object_list();
  list->set_unattributable(unattributable_);
  for (auto it = objects_.upper_bound(request.after_object_id()); it != objects_.end(); ++it) {
    if (static_cast<uint32_t>(list->objects_size()) == request.limit()) {
      list->set_more(true);
      break;
    }
    *list->add_objects() = it->second->PublicKey(true);
  }
  return result;
}

hsm_client::PartitionStatus FakePartition::Status() const {
  absl::MutexLock lock(&mu_);
  hsm_client::PartitionStatus status;
  status.description.set_label("fake");
  status.description.set_token_model("Sealward fake");
  status.description.set_profile("fake");
  for (const v1::Algorithm algorithm : algorithms_) {
    status.description.add_algorithms(algorithm);
  }
  hsm_client::ProcessStatus process;
  process.ready = available_;
  status.processes.push_back(process);
  return status;
}

}  // namespace sealward::fakes
