# shellcheck shell=bash
# ./dev interop: what Sealward signs against validators and libraries of others. ./dev test
# has the part that Debian and npm have; this adds the languages that are here.

# Project Wycheproof's vectors, as the registry of Go modules has them; only read.
readonly WYCHEPROOF=github.com/c2sp/wycheproof@v0.0.0-20260902155932-3fa63dd0344a

# interop: runs everything, whatever came before.
interop() {
  (($# == 0)) || die 2 "interop takes nothing, not '$*'"
  setup build run test
  build dev
  local failed=() languages=() language
  run_ctest dev -R '^interop_' || failed+=(ctest)
  for language in go java; do
    if "interop_has_$language"; then languages+=("$language"); fi
  done
  if have go; then
    timed "Wycheproof's vectors" wycheproof || failed+=(wycheproof)
  else
    printf "Wycheproof's vectors: they come by go, which is not here, skipped\n"
  fi
  for language in ${languages[@]+"${languages[@]}"}; do
    timed "example in $language" run_example "$language" || failed+=("$language")
  done
  ((${#failed[@]} == 0)) || die "interop failed: ${failed[*]}"
}

interop_has_go() {
  if ! have go; then
    printf 'go: not here, skipped\n'
    return 1
  fi
  # A newer toolchain is not fetched behind anybody's back.
  if ! (cd "$ROOT/examples/go" && GOTOOLCHAIN=local go list -m >/dev/null 2>&1); then
    printf 'go: older than examples/go/go.mod wants, skipped\n'
    return 1
  fi
}

interop_has_java() {
  local tool
  for tool in java javac mvn; do
    if ! have "$tool"; then
      printf 'java: %s is not here, skipped\n' "$tool"
      return 1
    fi
  done
}

wycheproof() {
  local directory
  directory=$(cd / && GOTOOLCHAIN=local GOFLAGS=-mod=mod go mod download -json "$WYCHEPROOF" |
    sed -nE 's/^\s*"Dir": "(.*)",?$/\1/p')
  [[ -d $directory/testvectors_v1 ]] || die "the vectors were not found in $WYCHEPROOF"
  /usr/bin/python3 "$ROOT/tests/interop/wycheproof.py" "$directory/testvectors_v1" \
    "$BUILD_ROOT/dev/bin/interop_signature_probe"
}

# run_example LANGUAGE: fetches what go.mod or pom.xml pins, with the ordinary client.
run_example() {
  GOTOOLCHAIN=local SEALWARD_BIN=$BUILD_ROOT/dev/bin SEALWARD_SOURCE=$ROOT \
    PYTHONPATH=$ROOT/tests/e2e /usr/bin/python3 "$ROOT/tests/interop/toolchains.py" "$1"
}
