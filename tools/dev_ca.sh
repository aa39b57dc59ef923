#!/usr/bin/env bash
# A development CA: everything that `./dev run` and the end-to-end tests need for mTLS.
#
#   tools/dev_ca.sh DIR
#
# Writes into DIR (made if it is missing, mode 0700):
#   ca.{pem,key}      the CA; its key stays here because this is a development CA, which a
#                     production server knows by its organization (O=), and refuses
#   server.{pem,key}  gRPC listeners; SAN localhost, 127.0.0.1
#   jwks.{pem,key}    HTTPS listeners, a certificate of their own; same SANs
#   admin, operator, issuer, viewer, stranger .{pem,key}
#                     clients, each with the one URI SAN spiffe://sealward.test/NAME;
#                     nothing is ever bound to the stranger
# Keys are EC P-256, mode 0600. Run again, it keeps what is there and replaces only
# what is missing, expires within a week, or was not issued by this CA.
set -euo pipefail
umask 077

readonly CA_DAYS=3650 LEAF_DAYS=397 RENEW_WITHIN_S=$((7 * 24 * 3600))
readonly CLIENTS=(admin operator issuer viewer stranger)

die() {
  printf 'dev_ca: %s\n' "$*" >&2
  exit 1
}

# openssl is chatty on success; its words are shown only when it fails.
quietly() {
  local output
  output=$("$@" 2>&1) || die "failed: $*"$'\n'"$output"
}

# new_key FILE: a P-256 key in PKCS#8; appears under its name only when whole.
new_key() {
  quietly openssl genpkey -algorithm EC -pkeyopt ec_paramgen_curve:P-256 -out "$1.new"
  mv "$1.new" "$1"
}

still_good() {
  openssl x509 -in "$1.pem" -noout -checkend "$RENEW_WITHIN_S" >/dev/null 2>&1 || return 1
  openssl verify -CAfile ca.pem "$1.pem" >/dev/null 2>&1 || return 1
  [[ "$(openssl x509 -in "$1.pem" -noout -pubkey 2>/dev/null)" == \
    "$(openssl pkey -in "$1.key" -pubout 2>/dev/null)" ]]
}

make_ca() {
  still_good ca && return
  new_key ca.key
  quietly openssl req -x509 -new -key ca.key -sha256 -days "$CA_DAYS" -out ca.pem.new \
    -subj "/O=Sealward development/CN=Sealward development CA" \
    -addext "basicConstraints=critical,CA:TRUE,pathlen:0" \
    -addext "keyUsage=critical,keyCertSign,cRLSign"
  mv ca.pem.new ca.pem
}

# make_leaf NAME EKU SAN
make_leaf() {
  local name=$1 eku=$2 san=$3
  still_good "$name" && return
  new_key "$name.key"
  quietly openssl req -new -key "$name.key" -subj "/O=Sealward development/CN=$name" \
    -out "$name.csr"
  printf '%s\n' "basicConstraints=critical,CA:FALSE" "keyUsage=critical,digitalSignature" \
    "extendedKeyUsage=$eku" "subjectAltName=$san" >"$name.ext"
  quietly openssl x509 -req -in "$name.csr" -CA ca.pem -CAkey ca.key -sha256 \
    -days "$LEAF_DAYS" -set_serial "0x$(openssl rand -hex 16)" -extfile "$name.ext" \
    -out "$name.pem.new"
  mv "$name.pem.new" "$name.pem"
  rm -f "$name.csr" "$name.ext"
}

main() {
  [[ $# -eq 1 && -n "$1" && "$1" != -* ]] || die "usage: tools/dev_ca.sh DIR"
  command -v openssl >/dev/null || die "openssl is missing: run ./dev setup"
  mkdir -p -- "$1"
  cd -- "$1"
  make_ca
  make_leaf server serverAuth "DNS:localhost,IP:127.0.0.1"
  make_leaf jwks serverAuth "DNS:localhost,IP:127.0.0.1"
  local client
  for client in "${CLIENTS[@]}"; do
    make_leaf "$client" clientAuth "URI:spiffe://sealward.test/$client"
  done
}

main "$@"
