// sealward certificates deny|get|list|readmit
#include <openssl/bio.h>
#include <openssl/err.h>
#include <openssl/evp.h>
#include <openssl/pem.h>
#include <openssl/x509.h>

#include <array>
#include <memory>

#include "absl/strings/ascii.h"
#include "absl/strings/escaping.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_replace.h"
#include "absl/strings/strip.h"
#include "client/cli/commands.h"
#include "client/cli/duration.h"
#include "client/cli/exit_code.h"
#include "client/cli/input_file.h"
#include "client/cli/table.h"
#include "common/resource_name.h"
#include "sealward/v1/denied_certificate_service.grpc.pb.h"

namespace sealward::client::cli {
namespace {

using Service = v1::DeniedCertificateService;

struct Flags {
  std::string fingerprint;
  std::string file;
  std::string reason;
  std::string etag;
  bool validate_only = false;
};

// SHA-256 of the DER of the first certificate in `pem`.
absl::StatusOr<std::string> FingerprintOf(const std::string& file, const std::string& pem) {
  const std::unique_ptr<BIO, decltype(&BIO_free)> in(
      BIO_new_mem_buf(pem.data(), static_cast<int>(pem.size())), BIO_free);
  const std::unique_ptr<X509, decltype(&X509_free)> certificate(
      in ? PEM_read_bio_X509(in.get(), nullptr, nullptr, nullptr) : nullptr, X509_free);
  std::array<unsigned char, EVP_MAX_MD_SIZE> digest{};
  unsigned int size = 0;
  const bool done =
      certificate && X509_digest(certificate.get(), EVP_sha256(), digest.data(), &size) == 1;
  ERR_clear_error();
  if (!done) return UsageError(absl::StrCat("--file: ", file, " holds no certificate in PEM"));
  return absl::BytesToHexString(
      absl::string_view(reinterpret_cast<const char*>(digest.data()), size));
}

// The certificate that the command line names, in either way.
absl::StatusOr<DeniedCertificateName> NameOf(const Flags& flags) {
  if (flags.fingerprint.empty() == flags.file.empty()) {
    return UsageError("give a fingerprint or --file, and not both");
  }
  std::string fingerprint(absl::StripPrefix(flags.fingerprint, "deniedCertificates/"));
  if (!flags.file.empty()) {
    auto pem = ReadInputFile("--file", flags.file);
    if (!pem.ok()) return pem.status();
    auto computed = FingerprintOf(flags.file, *pem);
    if (!computed.ok()) return computed.status();
    fingerprint = *std::move(computed);
  }
  auto name = DeniedCertificateName::Parse(absl::StrCat(
      "deniedCertificates/", absl::AsciiStrToLower(absl::StrReplaceAll(fingerprint, {{":", ""}}))));
  if (name.ok()) return name;
  return UsageError(absl::StrCat("\"", fingerprint,
                                 "\" is no fingerprint; `openssl x509 -noout -fingerprint -sha256 "
                                 "-in FILE` prints it"));
}

std::string Text(const v1::DeniedCertificate& denied) {
  Fields fields;
  fields.Add("Name", denied.name());
  fields.Add("Reason", denied.reason());
  fields.Add("Denied by", denied.denier());
  fields.Add("Denied", FormatTime(denied.has_create_time(), denied.create_time()));
  fields.Add("Etag", denied.etag());
  return fields.ToString();
}

absl::Status Deny(Session& session, const Flags& flags) {
  auto name = NameOf(flags);
  if (!name.ok()) return name.status();
  session.SetSubject(name->ToString());
  v1::CreateDeniedCertificateRequest request;
  request.set_denied_certificate_id(name->fingerprint);
  request.mutable_denied_certificate()->set_reason(flags.reason);
  request.set_validate_only(flags.validate_only);
  auto denied = session.Call<Service>(&Service::Stub::CreateDeniedCertificate, request);
  if (denied.ok()) session.Print(*denied, Text(*denied));
  return denied.status();
}

absl::Status Get(Session& session, const Flags& flags) {
  auto name = NameOf(flags);
  if (!name.ok()) return name.status();
  session.SetSubject(name->ToString());
  v1::GetDeniedCertificateRequest request;
  request.set_name(name->ToString());
  auto denied = session.Call<Service>(&Service::Stub::GetDeniedCertificate, request);
  if (denied.ok()) session.Print(*denied, Text(*denied));
  return denied.status();
}

absl::Status Readmit(Session& session, const Flags& flags) {
  auto name = NameOf(flags);
  if (!name.ok()) return name.status();
  session.SetSubject(name->ToString());
  v1::DeleteDeniedCertificateRequest request;
  request.set_name(name->ToString());
  request.set_etag(flags.etag);
  auto done = session.Call<Service>(&Service::Stub::DeleteDeniedCertificate, request);
  if (done.ok()) session.Print(*done, absl::StrCat("readmitted ", name->fingerprint, "\n"));
  return done.status();
}

absl::Status List(Session& session) {
  auto all = ListAll<Service>(
      session, &Service::Stub::ListDeniedCertificates, v1::ListDeniedCertificatesRequest(),
      [](v1::ListDeniedCertificatesResponse& page, v1::ListDeniedCertificatesResponse& sum) {
        sum.mutable_denied_certificates()->MergeFrom(page.denied_certificates());
      });
  if (!all.ok()) return all.status();
  Table table({"FINGERPRINT", "REASON", "DENIED BY", "DENIED"});
  for (const auto& denied : all->denied_certificates()) {
    table.Add({std::string(absl::StripPrefix(denied.name(), "deniedCertificates/")),
               denied.reason(), denied.denier(),
               FormatTime(denied.has_create_time(), denied.create_time())});
  }
  session.Print(*all, table.ToString());
  return absl::OkStatus();
}

void AddWhich(CLI::App* command, const std::shared_ptr<Flags>& flags) {
  command->add_option("FINGERPRINT", flags->fingerprint,
                      "SHA-256, 64 hexadecimal digits, with or without colons");
  command->add_option("--file", flags->file, "PEM file: the certificate itself, instead");
}

}  // namespace

void AddCertificateCommands(CLI::App& app, Chosen& chosen) {
  const auto flags = std::make_shared<Flags>();
  CLI::App* group =
      AddGroup(app, "certificates", "Client certificates that are refused, such as stolen ones");
  CLI::App* deny = AddCommand(
      *group, chosen, "deny", "Refuse a client certificate from now on",
      "Needs the role admin or operator on the service. Takes effect with the next call, on open\n"
      "connections too. The principal may come with another certificate.\n\n"
      "Example:\n  sealward certificates deny --file stolen.pem --reason \"laptop lost\"",
      [flags](Session& session) { return Deny(session, *flags); });
  AddWhich(deny, flags);
  deny->add_option("--reason", flags->reason, "For people, at most 256 bytes");
  deny->add_flag("--validate-only", flags->validate_only, "Check everything, change nothing");
  CLI::App* get = AddCommand(*group, chosen, "get", "Show a refused certificate",
                             "Needs the role admin, operator or auditor on the service.\n\n"
                             "Example:\n  sealward certificates get --file stolen.pem",
                             [flags](Session& session) { return Get(session, *flags); });
  AddWhich(get, flags);
  AddCommand(*group, chosen, "list", "List the refused certificates",
             "Needs the role admin, operator or auditor on the service.\n\n"
             "Example:\n  sealward certificates list",
             [](Session& session) { return List(session); });
  CLI::App* readmit = AddCommand(*group, chosen, "readmit", "Let a certificate in again",
                                 "Needs the role admin on the service.\n\n"
                                 "Example:\n  sealward certificates readmit --file found.pem",
                                 [flags](Session& session) { return Readmit(session, *flags); });
  AddWhich(readmit, flags);
  readmit->add_option("--etag", flags->etag, "Only if the entry still has this etag");
}

}  // namespace sealward::client::cli
