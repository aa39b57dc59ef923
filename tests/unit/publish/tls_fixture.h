// Certificates made for a test, and a TLS client that does exactly as it is told.
#ifndef SEALWARD_TESTS_UNIT_PUBLISH_TLS_FIXTURE_H_
#define SEALWARD_TESTS_UNIT_PUBLISH_TLS_FIXTURE_H_

#include <openssl/ssl.h>

#include <cstdint>
#include <memory>
#include <string>

#include "absl/strings/string_view.h"
#include "absl/time/time.h"

namespace sealward::publish::testing {

// CertificateFiles is where a certificate and its key lie, in PEM.
struct CertificateFiles {
  std::string certificate;
  std::string key;
};

// TestAuthority is a certificate authority in a temporary directory of its own.
class TestAuthority {
 public:
  TestAuthority();
  ~TestAuthority();
  // A certificate with this subjectAltName (as in openssl.cnf) and, if not
  // empty, common name.
  CertificateFiles Issue(const std::string& alternative_names, const std::string& common_name);
  // A file in the directory.
  std::string Write(const std::string& name, absl::string_view content);
  // A private key that has a pass phrase.
  std::string EncryptedKey();
  const std::string& ca_path() const { return ca_path_; }
  const std::string& directory() const { return directory_; }

 private:
  struct Pair;
  std::unique_ptr<Pair> ca_;
  std::string directory_;
  std::string ca_path_;
  int issued_ = 0;
};

// HttpReply is one response, split.
struct HttpReply {
  int status = 0;
  std::string head;  // status line and headers
  std::string body;
  // The value of a header, or empty. `name` in lower case.
  std::string Header(absl::string_view name) const;
};

// RawClient is one TCP connection to 127.0.0.1 that says nothing.
class RawClient {
 public:
  explicit RawClient(uint16_t port);
  ~RawClient();
  // Whether the server has ended the connection; waits for that, at most 20 s.
  bool Ended();
  int socket() const { return socket_; }
  bool connected() const { return connected_; }

 private:
  int socket_ = -1;
  bool connected_ = false;
};

// TlsClient is one connection to 127.0.0.1. Blocking; reads and writes give up
// after 20 s, so that a test fails instead of hanging.
class TlsClient {
 public:
  struct Options {
    uint16_t port = 0;
    std::string ca_path;
    CertificateFiles own;  // empty: shows none
    int max_version = 0;   // for example TLS1_2_VERSION; 0: any
  };
  explicit TlsClient(const Options& options);
  ~TlsClient();

  // Whether the handshake succeeded, as the client sees it.
  bool connected() const { return connected_; }
  int version() const { return SSL_version(ssl_); }
  // The common name of the server's certificate.
  std::string PeerName() const;
  bool Send(absl::string_view bytes);
  // One response; status 0 if the connection ended before it was complete. A
  // response to HEAD has no body, whatever its Content-Length says.
  HttpReply Receive(bool head = false);
  // Sends GET with Host and `extra` headers (each with its line end).
  HttpReply Get(absl::string_view path, absl::string_view extra = "");
  // Whether the server has ended the connection; waits for that.
  bool Ended();
  // Whether there is something to read, or the end, within `timeout`.
  bool Readable(absl::Duration timeout);
  // Says goodbye.
  void Close();

 private:
  bool More();  // reads into buffer_
  SSL_CTX* context_ = nullptr;
  SSL* ssl_ = nullptr;
  RawClient raw_;
  bool connected_ = false;
  std::string buffer_;  // read and not used yet
};

}  // namespace sealward::publish::testing

#endif  // SEALWARD_TESTS_UNIT_PUBLISH_TLS_FIXTURE_H_
