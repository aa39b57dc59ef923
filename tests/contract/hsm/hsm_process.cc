#include "tests/contract/hsm/hsm_process.h"

#include <fcntl.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <sstream>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_replace.h"
#include "absl/strings/strip.h"
#include "common/base64url.h"
#include "common/jwk.h"
#include "common/verifier.h"

namespace sealward::hsm_test {
namespace {

[[noreturn]] void Die(absl::string_view what) {
  fprintf(stderr, "test set-up failed: %s\n", std::string(what).c_str());
  abort();
}

// A file in memory that takes a program's stderr.
int MakeLog() {
  const int fd = memfd_create("log", MFD_CLOEXEC);
  if (fd < 0) Die("memfd_create");
  return fd;
}

std::string ReadLog(int fd) {
  std::string log;
  char buffer[4096];
  // Not read(2): the program that still writes shares the offset.
  for (ssize_t got; (got = pread(fd, buffer, sizeof buffer, static_cast<off_t>(log.size()))) > 0;) {
    log.append(buffer, static_cast<size_t>(got));
  }
  return log;
}

// The program, or the one that the bench puts in its place.
std::string HsmBinary() {
  const char* other = std::getenv("SEALWARD_TEST_HSM");
  return other != nullptr ? other : SEALWARD_HSM_BINARY;
}

// Starts sealward-hsm; `inherited` becomes descriptor 3, `out_fd` its stdout.
pid_t Spawn(const std::vector<std::string>& arguments, int log_fd, int inherited,
            int out_fd = STDOUT_FILENO) {
  std::vector<std::string> words = {HsmBinary()};
  words.insert(words.end(), arguments.begin(), arguments.end());
  std::vector<char*> argv;
  argv.reserve(words.size() + 1);
  for (std::string& word : words) argv.push_back(word.data());
  argv.push_back(nullptr);
  const pid_t pid = fork();
  if (pid < 0) Die("fork");
  if (pid == 0) {
    dup2(log_fd, STDERR_FILENO);
    dup2(out_fd, STDOUT_FILENO);
    if (inherited == 3) fcntl(3, F_SETFD, 0);
    if (inherited >= 0 && inherited != 3) dup2(inherited, 3);
    execv(argv[0], argv.data());
    _exit(127);
  }
  return pid;
}

Ended WaitFor(pid_t pid, int log_fd) {
  int status = 0;
  if (waitpid(pid, &status, 0) != pid) Die("waitpid");
  Ended ended;
  if (WIFEXITED(status)) ended.exit_code = WEXITSTATUS(status);
  if (WIFSIGNALED(status)) ended.signal = WTERMSIG(status);
  ended.dumped_core = WIFSIGNALED(status) && WCOREDUMP(status);
  ended.log = ReadLog(log_fd);
  return ended;
}

}  // namespace

TempDirectory::TempDirectory() {
  std::string pattern = (std::filesystem::temp_directory_path() / "sealward-XXXXXX").string();
  if (mkdtemp(pattern.data()) == nullptr) Die("mkdtemp");
  path_ = pattern;
}

TempDirectory::~TempDirectory() {
  std::error_code ignored;
  std::filesystem::remove_all(path_, ignored);
}

std::string TempDirectory::Path(absl::string_view name) const {
  return absl::StrCat(path_, "/", name);
}

Ended RunHsm(const std::vector<std::string>& arguments) {
  const int log_fd = MakeLog();
  const int out_fd = MakeLog();
  Ended ended = WaitFor(Spawn(arguments, log_fd, -1, out_fd), log_fd);
  ended.out = ReadLog(out_fd);
  close(log_fd);
  close(out_fd);
  return ended;
}

// A copy of `module` below `root` that the partition's own uid can reach: the build
// may lie in a folder that only its owner may enter.
static std::string ReachableModule(const TempDirectory& root, const std::string& module) {
  namespace fs = std::filesystem;
  const std::string copy = root.Path("module.so");
  const std::string directory = fs::path(copy).parent_path();
  fs::copy_file(module, copy);
  if (chmod(copy.c_str(), 0755) != 0 || chmod(directory.c_str(), 0711) != 0) Die("chmod");
  return copy;
}

void TempPartition::Init(std::vector<std::string> arguments) {
  arguments.insert(arguments.begin(), {"init", "--dir", directory_});
  const Ended ended = RunHsm(arguments);
  if (ended.exit_code != 0) Die(absl::StrCat("init: ", ended.log));
}

TempPartition::TempPartition(const HsmKind& kind) : directory_(root_.Path("partition")) {
  if (chmod(root_.Path("").c_str(), 0711) != 0) Die("chmod");
  Init({"--profile", kind.made_as});
  std::string config = Read("hsm.toml");
  if (kind.module != nullptr) {
    // A literal TOML string: what init wrote, up to its end.
    const size_t start = config.find("module = '");
    config.replace(start, config.find('\n', start) - start,
                   absl::StrCat("module = '", ReachableModule(root_, kind.module), "'"));
  }
  config = absl::StrReplaceAll(config, {{absl::StrCat("profile = '", kind.made_as, "'"),
                                         absl::StrCat("profile = '", kind.profile, "'")}});
  Write("hsm.toml", config);
  // The generic profile knows of no module's variables.
  setenv("SOFTHSM2_CONF", "softhsm2.conf", /*overwrite=*/1);
}

TempPartition::TempPartition(const std::string& module, const std::string& profile)
    : directory_(root_.Path("partition")) {
  std::vector<std::string> arguments;
  if (!module.empty()) arguments = {"--module", ReachableModule(root_, module)};
  Init(arguments);
  if (profile != "softhsm") {
    Write("hsm.toml",
          absl::StrReplaceAll(Read("hsm.toml"), {{"'softhsm'", absl::StrCat("'", profile, "'")}}));
  }
}

std::string TempPartition::Path(absl::string_view name) const {
  return absl::StrCat(directory_, "/", name);
}

std::string TempPartition::TokenDirectory() const {
  for (const auto& entry : std::filesystem::directory_iterator(Path("tokens"))) {
    return absl::StrCat("tokens/", entry.path().filename().string());
  }
  Die("no token directory");
}

void TempPartition::Write(absl::string_view name, absl::string_view content, mode_t mode) const {
  const std::string path = Path(name);
  const std::string staging = absl::StrCat(path, ".new");
  struct stat owner{};
  const int fd = open(staging.c_str(), O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, mode);
  if (fd < 0 || stat(directory_.c_str(), &owner) != 0 || fchmod(fd, mode) != 0 ||
      write(fd, content.data(), content.size()) != static_cast<ssize_t>(content.size()) ||
      fchown(fd, owner.st_uid, owner.st_gid) != 0 || close(fd) != 0 ||
      rename(staging.c_str(), path.c_str()) != 0) {
    Die(absl::StrCat("write ", path));
  }
}

std::string TempPartition::Read(absl::string_view name) const {
  std::ifstream file(Path(name), std::ios::binary);
  std::ostringstream content;
  content << file.rdbuf();
  return content.str();
}

bool TempPartition::Has(absl::string_view name) const {
  return std::filesystem::exists(Path(name));
}

size_t TempPartition::Calls(absl::string_view function) const {
  return Read(absl::StrCat("calls.", function)).size();
}

HsmProcess::HsmProcess(const std::string& directory) : log_fd_(MakeLog()) {
  auto pair = PacketSocket::Pair();
  if (!pair.ok()) Die("socketpair");
  socket_ = std::move(pair->first);
  pid_ = Spawn({"serve", "--dir", directory, "--fd", "3"}, log_fd_, pair->second.fd());
}

HsmProcess::~HsmProcess() {
  if (pid_ > 0) {
    kill(pid_, SIGKILL);
    waitpid(pid_, nullptr, 0);
  }
  close(log_fd_);
}

absl::StatusOr<hsm::v1::ResponsePacket> HsmProcess::Receive() {
  std::string packet;
  if (absl::Status s = socket_->Receive(packet); !s.ok()) return s;
  hsm::v1::ResponsePacket response;
  if (!response.ParseFromString(packet)) return absl::InternalError("an answer is no message");
  return response;
}

absl::StatusOr<hsm::v1::ResponsePacket> HsmProcess::Ready() { return Receive(); }

absl::Status HsmProcess::Post(const std::vector<hsm::v1::Operation>& operations) {
  hsm::v1::RequestPacket request;
  request.set_packet_id(next_packet_++);
  for (const hsm::v1::Operation& operation : operations) *request.add_operations() = operation;
  return socket_->Send(request.SerializeAsString());
}

absl::StatusOr<hsm::v1::ResponsePacket> HsmProcess::Call(
    const std::vector<hsm::v1::Operation>& operations) {
  if (absl::Status s = Post(operations); !s.ok()) return s;
  return Receive();
}

hsm::v1::Result HsmProcess::CallOne(const hsm::v1::Operation& operation) {
  auto response = Call({operation});
  if (response.ok() && response->results_size() == 1) return response->results(0);
  hsm::v1::Result ended;
  ended.set_code(-1);
  ended.set_message(std::string(response.status().message()));
  return ended;
}

void HsmProcess::Kill(int signal) const { kill(pid_, signal); }

Ended HsmProcess::Wait() {
  Ended ended = WaitFor(pid_, log_fd_);
  pid_ = -1;
  return ended;
}

std::string HsmProcess::Log() const { return ReadLog(log_fd_); }

namespace {

// The line `name:` of a file of /proc.
std::string LineOf(const std::string& path, absl::string_view name) {
  std::ifstream file(path);
  for (std::string line; std::getline(file, line);) {
    absl::string_view rest = line;
    if (absl::ConsumePrefix(&rest, absl::StrCat(name, ":"))) {
      return std::string(absl::StripAsciiWhitespace(rest));
    }
  }
  return "";
}

}  // namespace

std::string HsmProcess::StatusLine(absl::string_view name) const {
  return LineOf(absl::StrCat("/proc/", pid_, "/status"), name);
}

std::string HsmProcess::ThreadStates() const {
  std::string states;
  for (const auto& task :
       std::filesystem::directory_iterator(absl::StrCat("/proc/", pid_, "/task"))) {
    states += LineOf(task.path() / "status", "State").substr(0, 1);
  }
  return states;
}

hsm::v1::ObjectRef Ref(absl::string_view id, absl::string_view key) {
  hsm::v1::ObjectRef ref;
  ref.set_object_id(std::string(id));
  ref.set_key(std::string(key));
  ref.set_purpose(hsm::v1::OBJECT_PURPOSE_JWT);
  return ref;
}

hsm::v1::Operation GenerateOp(const hsm::v1::ObjectRef& ref, v1::Algorithm algorithm) {
  hsm::v1::Operation operation;
  *operation.mutable_generate()->mutable_object() = ref;
  operation.mutable_generate()->set_algorithm(algorithm);
  return operation;
}

hsm::v1::Operation SignOp(const hsm::v1::ObjectRef& ref, absl::string_view signing_input) {
  hsm::v1::Operation operation;
  *operation.mutable_sign_jws()->mutable_object() = ref;
  operation.mutable_sign_jws()->set_signing_input(std::string(signing_input));
  return operation;
}

hsm::v1::Operation GetOp(const hsm::v1::ObjectRef& ref) {
  hsm::v1::Operation operation;
  *operation.mutable_get_public_key()->mutable_object() = ref;
  return operation;
}

hsm::v1::Operation ForgetOp(absl::string_view id) {
  hsm::v1::Operation operation;
  operation.mutable_forget()->set_object_id(std::string(id));
  return operation;
}

hsm::v1::Operation ListOp(absl::string_view after, uint32_t limit) {
  hsm::v1::Operation operation;
  operation.mutable_list()->set_after_object_id(std::string(after));
  operation.mutable_list()->set_limit(limit);
  return operation;
}

hsm::v1::Operation DescribeOp() {
  hsm::v1::Operation operation;
  operation.mutable_describe();
  return operation;
}

hsm::v1::Operation HealthOp() {
  hsm::v1::Operation operation;
  operation.mutable_check_health();
  return operation;
}

std::string Id(int n) {
  std::string id = "object-0000-000-";
  id[15] = static_cast<char>(n);
  return id;
}

std::string KidOf(const hsm::v1::PublicKey& key) {
  auto jwk = JwkFromSpki(*FindAlgorithm(key.algorithm()), key.spki());
  return jwk.ok() ? jwk->kid() : "";
}

std::string SigningInput(absl::string_view header, absl::string_view payload) {
  return absl::StrCat(Base64UrlEncode(header), ".", Base64UrlEncode(payload));
}

std::string SigningInputFor(const hsm::v1::PublicKey& key) {
  return SigningInput(absl::StrCat(R"({"alg":")", FindAlgorithm(key.algorithm())->jose_alg,
                                   R"(","kid":")", KidOf(key), R"(","typ":"JWT"})"));
}

bool Verifies(const hsm::v1::PublicKey& key, absl::string_view input, absl::string_view signature) {
  auto verifier = Verifier::Create(*FindAlgorithm(key.algorithm()), key.spki());
  return verifier.ok() && (*verifier)->Verify(input, signature);
}

}  // namespace sealward::hsm_test
