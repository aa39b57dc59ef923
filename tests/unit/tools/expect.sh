# shellcheck shell=bash
# What the script tests share. Sourced with the arguments of the test: ROOT FOLDER.
set -euo pipefail
export ROOT=$1 WORK=$2
rm -rf -- "$WORK"
mkdir -p -- "$WORK"

fail() {
  printf 'FAILED: %s\n' "$*" >&2
  exit 1
}

# expect_exit CODE COMMAND…: runs it; what it said is in $OUTPUT.
expect_exit() {
  local wanted=$1 code=0
  shift
  OUTPUT=$("$@" 2>&1 </dev/null) || code=$?
  [[ $code == "$wanted" ]] || fail "exit code $code instead of $wanted: $*"$'\n'"$OUTPUT"
}

expect_output() {
  [[ $OUTPUT == *"$1"* ]] || fail "expected '$1' in:"$'\n'"$OUTPUT"
}
