# shellcheck shell=bash
# ./dev tpm: the service on a software TPM. Optional: neither CI nor ./dev full runs it.

# tpm: sealward-hsm check on tpm2-pkcs11, JWTs of a server on it, and what it cannot do.
tpm() {
  (($# == 0)) || die 2 "tpm takes nothing, not '$*'"
  ((EUID == 0)) || die "tpm needs root: server, signer and TPM run as users of their own"
  setup build run test tpm
  build dev
  timed "tpm2-pkcs11 on swtpm" run_tpm || die "tpm failed"
}

run_tpm() {
  SEALWARD_BIN=$BUILD_ROOT/dev/bin SEALWARD_SOURCE=$ROOT PYTHONPATH=$ROOT/tests/e2e \
    /usr/bin/python3 "$ROOT/tests/interop/tpm.py"
}
