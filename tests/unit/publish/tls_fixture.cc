#include "tests/unit/publish/tls_fixture.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <openssl/pem.h>
#include <openssl/x509v3.h>
#include <poll.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <csignal>
#include <cstdio>
#include <cstdlib>
#include <filesystem>
#include <fstream>

#include "absl/strings/ascii.h"
#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_split.h"

namespace sealward::publish::testing {
namespace {

constexpr timeval kGiveUp{20, 0};

void Extend(X509* certificate, X509* issuer, int nid, const std::string& value) {
  X509V3_CTX context;
  X509V3_set_ctx(&context, issuer, certificate, nullptr, nullptr, 0);
  X509_EXTENSION* extension = X509V3_EXT_conf_nid(nullptr, &context, nid, value.c_str());
  X509_add_ext(certificate, extension, -1);
  X509_EXTENSION_free(extension);
}

X509* NewCertificate(EVP_PKEY* key, const std::string& common_name, int serial) {
  X509* certificate = X509_new();
  X509_set_version(certificate, 2);
  ASN1_INTEGER_set(X509_get_serialNumber(certificate), serial);
  X509_gmtime_adj(X509_getm_notBefore(certificate), -3600);
  X509_gmtime_adj(X509_getm_notAfter(certificate), 3600);
  X509_set_pubkey(certificate, key);
  if (!common_name.empty()) {
    X509_NAME_add_entry_by_txt(X509_get_subject_name(certificate), "CN", MBSTRING_UTF8,
                               reinterpret_cast<const unsigned char*>(common_name.c_str()), -1, -1,
                               0);
  }
  return certificate;
}

void WritePem(const std::string& path, X509* certificate, EVP_PKEY* key) {
  FILE* file = std::fopen(path.c_str(), "w");
  if (certificate != nullptr) PEM_write_X509(file, certificate);
  if (key != nullptr) PEM_write_PrivateKey(file, key, nullptr, nullptr, 0, nullptr, nullptr);
  std::fclose(file);
}

}  // namespace

struct TestAuthority::Pair {
  EVP_PKEY* key = EVP_EC_gen("P-256");
  X509* certificate = nullptr;
  ~Pair() {
    X509_free(certificate);
    EVP_PKEY_free(key);
  }
};

TestAuthority::TestAuthority() : ca_(std::make_unique<Pair>()) {
  std::string pattern = (std::filesystem::temp_directory_path() / "sealward-tls-XXXXXX").string();
  directory_ = mkdtemp(pattern.data());
  ca_->certificate = NewCertificate(ca_->key, "Test CA", 1);
  X509_set_issuer_name(ca_->certificate, X509_get_subject_name(ca_->certificate));
  Extend(ca_->certificate, ca_->certificate, NID_basic_constraints, "critical,CA:TRUE");
  X509_sign(ca_->certificate, ca_->key, EVP_sha256());
  ca_path_ = directory_ + "/ca.pem";
  WritePem(ca_path_, ca_->certificate, nullptr);
}

TestAuthority::~TestAuthority() { std::filesystem::remove_all(directory_); }

CertificateFiles TestAuthority::Issue(const std::string& alternative_names,
                                      const std::string& common_name) {
  Pair leaf;
  leaf.certificate = NewCertificate(leaf.key, common_name, ++issued_ + 1);
  X509_set_issuer_name(leaf.certificate, X509_get_subject_name(ca_->certificate));
  if (!alternative_names.empty()) {
    Extend(leaf.certificate, ca_->certificate, NID_subject_alt_name, alternative_names);
  }
  X509_sign(leaf.certificate, ca_->key, EVP_sha256());
  CertificateFiles files{absl::StrCat(directory_, "/", issued_, ".pem"),
                         absl::StrCat(directory_, "/", issued_, ".key")};
  WritePem(files.certificate, leaf.certificate, nullptr);
  WritePem(files.key, nullptr, leaf.key);
  return files;
}

std::string TestAuthority::Write(const std::string& name, absl::string_view content) {
  const std::string path = directory_ + "/" + name;
  std::ofstream(path) << content;
  return path;
}

std::string TestAuthority::EncryptedKey() {
  const std::string path = directory_ + "/encrypted.key";
  const Pair pair;
  FILE* file = std::fopen(path.c_str(), "w");
  PEM_write_PrivateKey(file, pair.key, EVP_aes_256_cbc(),
                       reinterpret_cast<const unsigned char*>("secret"), 6, nullptr, nullptr);
  std::fclose(file);
  return path;
}

std::string HttpReply::Header(absl::string_view name) const {
  for (const absl::string_view line : absl::StrSplit(head, "\r\n")) {
    const size_t colon = line.find(':');
    if (colon == absl::string_view::npos) continue;
    if (absl::AsciiStrToLower(line.substr(0, colon)) == name) {
      return std::string(absl::StripAsciiWhitespace(line.substr(colon + 1)));
    }
  }
  return "";
}

RawClient::RawClient(uint16_t port) : socket_(::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0)) {
  setsockopt(socket_, SOL_SOCKET, SO_RCVTIMEO, &kGiveUp, sizeof kGiveUp);
  setsockopt(socket_, SOL_SOCKET, SO_SNDTIMEO, &kGiveUp, sizeof kGiveUp);
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_port = htons(port);
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  connected_ = connect(socket_, reinterpret_cast<const sockaddr*>(&address), sizeof address) == 0;
}

RawClient::~RawClient() { close(socket_); }

bool RawClient::Ended() {
  char byte = 0;
  const ssize_t size = recv(socket_, &byte, 1, 0);
  return size == 0 || (size < 0 && errno == ECONNRESET);
}

TlsClient::TlsClient(const Options& options)
    : context_(SSL_CTX_new(TLS_client_method())), raw_(options.port) {
  std::signal(SIGPIPE, SIG_IGN);
  SSL_CTX_load_verify_file(context_, options.ca_path.c_str());
  SSL_CTX_set_verify(context_, SSL_VERIFY_PEER, nullptr);
  if (options.max_version != 0) SSL_CTX_set_max_proto_version(context_, options.max_version);
  if (!options.own.certificate.empty()) {
    SSL_CTX_use_certificate_chain_file(context_, options.own.certificate.c_str());
    SSL_CTX_use_PrivateKey_file(context_, options.own.key.c_str(), SSL_FILETYPE_PEM);
  }
  ssl_ = SSL_new(context_);
  SSL_set1_host(ssl_, "localhost");
  SSL_set_fd(ssl_, raw_.socket());
  connected_ = raw_.connected() && SSL_connect(ssl_) == 1;
}

TlsClient::~TlsClient() {
  SSL_free(ssl_);
  SSL_CTX_free(context_);
}

bool TlsClient::Readable(absl::Duration timeout) {
  pollfd poll_for{raw_.socket(), POLLIN, 0};
  return poll(&poll_for, 1, static_cast<int>(absl::ToInt64Milliseconds(timeout))) > 0;
}

void TlsClient::Close() { SSL_shutdown(ssl_); }

std::string TlsClient::PeerName() const {
  X509* certificate = SSL_get0_peer_certificate(ssl_);
  char name[128] = "";
  if (certificate != nullptr) {
    X509_NAME_get_text_by_NID(X509_get_subject_name(certificate), NID_commonName, name,
                              sizeof(name));
  }
  return name;
}

bool TlsClient::Send(absl::string_view bytes) {
  size_t written = 0;
  return SSL_write_ex(ssl_, bytes.data(), bytes.size(), &written) == 1;
}

bool TlsClient::More() {
  std::array<char, 4096> chunk;
  size_t size = 0;
  if (SSL_read_ex(ssl_, chunk.data(), chunk.size(), &size) != 1) return false;
  buffer_.append(chunk.data(), size);
  return true;
}

HttpReply TlsClient::Receive(bool head) {
  HttpReply reply;
  size_t end = std::string::npos;
  while ((end = buffer_.find("\r\n\r\n")) == std::string::npos) {
    if (!More()) return reply;
  }
  reply.head = buffer_.substr(0, end);
  buffer_.erase(0, end + 4);
  size_t length = 0;
  if (!head && !absl::SimpleAtoi(reply.Header("content-length"), &length)) length = 0;
  while (buffer_.size() < length) {
    if (!More()) return reply;
  }
  reply.body = buffer_.substr(0, length);
  buffer_.erase(0, length);
  if (!absl::SimpleAtoi(reply.head.substr(9, 3), &reply.status)) reply.status = 0;
  return reply;
}

HttpReply TlsClient::Get(absl::string_view path, absl::string_view extra) {
  if (!Send(absl::StrCat("GET ", path, " HTTP/1.1\r\nHost: localhost\r\n", extra, "\r\n")))
    return {};
  return Receive();
}

bool TlsClient::Ended() {
  const bool more = More();
  return !more && SSL_get_error(ssl_, 0) != SSL_ERROR_WANT_READ;
}

}  // namespace sealward::publish::testing
