// sealward raw sign
#include <algorithm>
#include <fstream>
#include <iostream>
#include <iterator>
#include <memory>
#include <optional>

#include "absl/strings/ascii.h"
#include "absl/strings/escaping.h"
#include "absl/strings/str_cat.h"
#include "client/cli/commands.h"
#include "client/cli/exit_code.h"
#include "client/cli/names.h"
#include "client/signer.h"

namespace sealward::client::cli {
namespace {

// The server's limit; of what is longer the digest can be signed.
constexpr size_t kMaxMessageBytes = 65'536;

struct Flags {
  std::string key;
  std::string message;
  std::string digest;
  std::string encoding = "p1363";
  std::optional<int> salt;
  std::string out;
};

// The bytes of a file, or of standard input.
absl::StatusOr<std::string> ReadMessage(const std::string& path) {
  std::ifstream file;
  if (path != "-") file.open(path, std::ios::binary);
  if (path != "-" && !file.is_open()) {
    return UsageError(absl::StrCat("--message: cannot read the file ", path,
                                   "; give a file that exists, or - for standard input"));
  }
  std::istream& in = path == "-" ? std::cin : file;
  std::string text(kMaxMessageBytes + 1, '\0');
  in.read(text.data(), static_cast<std::streamsize>(text.size()));
  if (in.bad()) {
    return UsageError(absl::StrCat("--message: cannot read ", path, "; give a file, no directory"));
  }
  text.resize(static_cast<size_t>(in.gcount()));
  if (text.size() <= kMaxMessageBytes) return text;
  return UsageError(
      absl::StrCat("--message: ", path, " is longer than ", kMaxMessageBytes,
                   " bytes; sign its digest by the algorithm's hash, which EdDSA has not "
                   "(--digest \"$(sha256sum <FILE | cut -d' ' -f1)\"; sha384sum, sha512sum)"));
}

absl::StatusOr<std::string> ReadDigest(const std::string& hex) {
  const bool is_hex = hex.size() % 2 == 0 && std::ranges::all_of(hex, [](char c) {
                        return absl::ascii_isxdigit(static_cast<unsigned char>(c));
                      });
  if (is_hex) return absl::HexStringToBytes(hex);
  return UsageError("--digest: give the digest in hexadecimal, as sha256sum prints it");
}

absl::StatusOr<RawRequest> MakeRequest(const std::string& key, const Flags& flags) {
  RawRequest request{.key = key, .input = "", .pss_salt_bytes = flags.salt};
  if (flags.message.empty() == flags.digest.empty()) {
    return UsageError("give either --message or --digest");
  }
  request.input_is_digest = !flags.digest.empty();
  auto input = request.input_is_digest ? ReadDigest(flags.digest) : ReadMessage(flags.message);
  if (!input.ok()) return input.status();
  request.input = *std::move(input);
  if (flags.encoding == "der") {
    request.encoding = SignatureEncoding::kDer;
  } else if (flags.encoding != "p1363") {
    return UsageError(
        absl::StrCat("--encoding: \"", flags.encoding, "\" is not one of p1363, der"));
  }
  return request;
}

absl::Status WriteFile(const std::string& path, const std::string& bytes) {
  std::ofstream file(path, std::ios::binary | std::ios::trunc);
  file.write(bytes.data(), static_cast<std::streamsize>(bytes.size()));
  file.close();
  if (file.good()) return absl::OkStatus();
  return UsageError(absl::StrCat("--out: cannot write the file ", path,
                                 "; the signature was made, but is lost: sign again"));
}

absl::Status Sign(Session& session, const Flags& flags) {
  auto name = ExpandKey(flags.key);
  if (!name.ok()) return name.status();
  session.SetSubject(name->ToString());
  auto request = MakeRequest(name->ToString(), flags);
  if (!request.ok()) return request.status();
  auto connection = session.Signing();
  if (!connection.ok()) return connection.status();
  Signer signer(*connection);
  auto signature = signer.SignRaw(*std::move(request), session.Deadline());
  if (!signature.ok()) return signature.status();
  if (!flags.out.empty()) {
    if (absl::Status s = WriteFile(flags.out, signature->signature); !s.ok()) return s;
  }
  v1::SignRawResponse response;
  response.set_signature(signature->signature);
  response.set_kid(signature->kid);
  session.Print(response, absl::StrCat(absl::Base64Escape(signature->signature), "\n"));
  return absl::OkStatus();
}

}  // namespace

void AddRawSigningCommands(CLI::App& app, Chosen& chosen) {
  const auto flags = std::make_shared<Flags>();
  CLI::App* raw = AddGroup(app, "raw", "Sign bytes of any meaning");
  CLI::App* sign = AddCommand(
      *raw, chosen, "sign",
      "Sign a message or a digest; the signature in base64 on standard output",
      "Needs the role token-issuer on the tenant, and a key of purpose raw.\n\n"
      "Example:\n"
      "  sealward raw sign demo/images --message manifest.json --encoding der --out manifest.sig\n"
      "  sealward raw sign demo/images --digest \"$(sha384sum <image.tar | cut -d' ' -f1)\"",
      [flags](Session& session) { return Sign(session, *flags); });
  sign->add_option("KEY", flags->key, "demo/images, or tenants/demo/keys/images")->required();
  sign->add_option("--message", flags->message, "File to sign, or - for standard input");
  sign->add_option("--digest", flags->digest, "Hash of the message, in hexadecimal");
  sign->add_option("--encoding", flags->encoding,
                   "Of ECDSA signatures: p1363 (R || S, default) or der (X.509, openssl)");
  sign->add_option("--pss-salt", flags->salt, "Of PS*: bytes of salt (default: as the hash)");
  sign->add_option("--out", flags->out, "Write the signature to this file, in binary, too");
}

}  // namespace sealward::client::cli
