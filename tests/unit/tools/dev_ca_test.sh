#!/usr/bin/env bash
# The development CA. If it went wrong, ./dev run and every end-to-end test would talk
# with certificates that prove something else than the names on them, or lose a state
# directory's certificates at the second start.
# shellcheck source=tests/unit/tools/expect.sh
source "$(dirname "${BASH_SOURCE[0]}")/expect.sh"

ca() { "$ROOT/tools/dev_ca.sh" "$WORK/tls"; }
digests() { (cd "$WORK/tls" && sha256sum ./*.pem ./*.key | sort); }

ca
cd "$WORK/tls"

# Production servers know it by its organization (server/auth/trust_bundle.h), and refuse it.
expect_exit 0 openssl x509 -in ca.pem -noout -subject -nameopt multiline
grep -qxE ' *organizationName += Sealward development' <<<"$OUTPUT" || fail "no mark: $OUTPUT"
grep -q 'kDevelopmentOrganization = "Sealward development"' \
  "$ROOT/server/auth/trust_bundle.h" || fail "the server looks for another mark"

# Every client is who its name says, by exactly one URI, and can be no server.
for name in admin operator issuer viewer stranger; do
  expect_exit 0 openssl verify -purpose sslclient -CAfile ca.pem "$name.pem"
  expect_exit 2 openssl verify -purpose sslserver -CAfile ca.pem "$name.pem"
  expect_exit 0 openssl x509 -in "$name.pem" -noout -ext subjectAltName
  [[ $(grep -oE '[A-Za-z ]+:[^,]+' <<<"${OUTPUT#*$'\n'}" | tr -d ' ') == \
    "URI:spiffe://sealward.test/$name" ]] || fail "$name.pem has other names: $OUTPUT"
done

# Servers are localhost, by name and address, and can be no client.
for name in server jwks; do
  expect_exit 0 openssl verify -purpose sslserver -CAfile ca.pem \
    -verify_hostname localhost "$name.pem"
  expect_exit 0 openssl verify -CAfile ca.pem -verify_ip 127.0.0.1 "$name.pem"
  expect_exit 2 openssl verify -purpose sslclient -CAfile ca.pem "$name.pem"
done

# Keys are nobody else's to read, and none is shared.
[[ $(stat -c %a ./*.key | sort -u) == 600 ]] || fail "a key is readable by others"
[[ $(sha256sum ./*.key | cut -d' ' -f1 | sort | uniq -d) == "" ]] || fail "two keys are the same"

# Again, it keeps everything.
before=$(digests)
ca
[[ $(digests) == "$before" ]] || fail "a second run changed what was there"

# What is broken is replaced, and nothing else.
: >viewer.pem
rm server.key
cp admin.key operator.key
ca
changed=$({ diff <(printf "%s\n" "$before") <(digests) || true; } | grep -oE "[a-z]+\.(pem|key)\$" | sort -u | xargs)
[[ $changed == "operator.key operator.pem server.key server.pem viewer.key viewer.pem" ]] ||
  fail "replaced: $changed"
expect_exit 0 openssl verify -CAfile ca.pem server.pem viewer.pem operator.pem

expect_exit 1 "$ROOT/tools/dev_ca.sh"
expect_output "usage:"
