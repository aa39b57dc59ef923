# shellcheck shell=bash
# ./dev containment: attacks a running service as a thief would (tests/containment).

# contain [--full | --situation NAME]…: ends with the line "N passed, N failed". Needs
# root, because core_pattern does.
contain() {
  setup build run test
  build dev
  SEALWARD_BIN=$BUILD_ROOT/dev/bin SEALWARD_SOURCE=$ROOT \
    /usr/bin/python3 "$ROOT/tests/containment/run" "$@"
}
