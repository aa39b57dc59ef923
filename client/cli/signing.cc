// sealward jwt sign, sealward signing-key
#include <fstream>
#include <iostream>
#include <memory>

#include "absl/strings/ascii.h"
#include "absl/strings/str_cat.h"
#include "client/cli/commands.h"
#include "client/cli/duration.h"
#include "client/cli/exit_code.h"
#include "client/cli/key_text.h"
#include "client/cli/names.h"
#include "client/cli/table.h"
#include "client/signer.h"

namespace sealward::client::cli {
namespace {

// Most that is read of a claims file; the server signs at most 64 KiB.
constexpr size_t kMaxClaimsFileBytes = 1024 * 1024;

struct Flags {
  std::string key;
  std::string claims;
  std::string typ;
};

// The claims without the white space around them: a shell's newline is not part
// of what somebody wants signed.
absl::StatusOr<std::string> ReadClaims(const std::string& path) {
  std::ifstream file;
  if (path != "-") file.open(path, std::ios::binary);
  std::istream& in = path == "-" ? std::cin : file;
  std::string text(kMaxClaimsFileBytes + 1, '\0');
  if (path != "-" && !file.is_open()) {
    return UsageError(absl::StrCat("--claims: cannot read the file ", path,
                                   "; give a file that exists, or - for standard input"));
  }
  in.read(text.data(), static_cast<std::streamsize>(text.size()));
  text.resize(static_cast<size_t>(in.gcount()));
  if (text.size() > kMaxClaimsFileBytes) {
    return UsageError(absl::StrCat("--claims: ", path, " is larger than claims can be (64 KiB)"));
  }
  return std::string(absl::StripAsciiWhitespace(text));
}

absl::Status SignJwt(Session& session, const Flags& flags) {
  auto name = ExpandKey(flags.key);
  if (!name.ok()) return name.status();
  session.SetSubject(name->ToString());
  auto claims = ReadClaims(flags.claims);
  if (!claims.ok()) return claims.status();
  auto connection = session.Signing();
  if (!connection.ok()) return connection.status();
  Signer signer(*connection);
  auto jwt = signer.SignJwt({name->ToString(), *std::move(claims), flags.typ}, session.Deadline());
  if (!jwt.ok()) return jwt.status();
  v1::SignJwtResponse response;
  response.set_jwt(jwt->jwt);
  response.set_kid(jwt->kid);
  session.Print(response, absl::StrCat(jwt->jwt, "\n"));
  return absl::OkStatus();
}

absl::Status SigningKey(Session& session, const Flags& flags) {
  auto name = ExpandKey(flags.key);
  if (!name.ok()) return name.status();
  session.SetSubject(name->ToString());
  auto connection = session.Signing();
  if (!connection.ok()) return connection.status();
  Signer signer(*connection);
  auto key = signer.GetSigningKey(name->ToString(), session.Deadline());
  if (!key.ok()) return key.status();
  Fields fields;
  fields.Add("Version", key->version());
  fields.Add("Kid", key->kid());
  fields.Add("Algorithm", AlgorithmText(key->algorithm()));
  fields.Add("Ask again by", FormatTime(key->has_refresh_time(), key->refresh_time()));
  session.Print(*key, fields.ToString());
  return absl::OkStatus();
}

}  // namespace

void AddSigningCommands(CLI::App& app, Chosen& chosen) {
  const auto flags = std::make_shared<Flags>();
  CLI::App* jwt = AddGroup(app, "jwt", "Sign JWTs");
  CLI::App* sign = AddCommand(
      *jwt, chosen, "sign", "Sign one JWT; only the JWT goes to standard output",
      "Needs the role token-issuer on the tenant. The claims are one JSON object; iss, aud\n"
      "and exp are required and have to lie in the key's scope. They are signed as they\n"
      "are, without the white space around them.\n\n"
      "Example:\n"
      "  printf '{\"iss\":\"https://login.example.com\",\"aud\":\"https://api.example.com\",\n"
      "          \"exp\":%d}' $(($(date +%s) + 300)) | sealward jwt sign demo/main --claims -",
      [flags](Session& session) { return SignJwt(session, *flags); });
  sign->add_option("KEY", flags->key, "demo/main, or tenants/demo/keys/main")->required();
  sign->add_option("--claims", flags->claims, "File with the claims, or - for standard input")
      ->required();
  sign->add_option("--typ", flags->typ, "The header's typ; default: the key's first");
  CLI::App* key = AddCommand(app, chosen, "signing-key", "Show which version of a key signs now",
                             "Needs the role token-issuer or viewer on the tenant.\n\n"
                             "Example:\n  sealward signing-key demo/main -o json",
                             [flags](Session& session) { return SigningKey(session, *flags); });
  key->add_option("KEY", flags->key, "demo/main, or tenants/demo/keys/main")->required();
}

}  // namespace sealward::client::cli
