#!/usr/bin/env bash
# ./dev's command line. A typo must say what there is instead of doing something else,
# and must do so before anything is installed or built.
# shellcheck source=tests/unit/tools/expect.sh
source "$(dirname "${BASH_SOURCE[0]}")/expect.sh"

for command in tset RUN --once; do
  expect_exit 2 "$ROOT/dev" "$command"
  expect_output "there is no command '$command'"
  expect_output "usage: ./dev COMMAND"
done
expect_exit 0 "$ROOT/dev"
expect_output "run [--once]"

expect_exit 2 "$ROOT/dev" run --onec
expect_output "'--onec' is not known"
expect_exit 2 "$ROOT/dev" run --state
expect_output "--state needs a value"
for port in 80 70000 http 07443; do
  expect_exit 2 "$ROOT/dev" run --port-base "$port"
  expect_output "--port-base must be between"
done
expect_exit 2 "$ROOT/dev" test --filter x
expect_output "takes -R REGEX"
expect_exit 2 "$ROOT/dev" test -R
expect_exit 2 "$ROOT/dev" lint --al
expect_exit 2 "$ROOT/dev" fuzz soon

# A typo in clean removes nothing. In a copy, so that a fault here cannot remove the
# build that is running this test.
mkdir -p "$WORK/copy/build" "$WORK/copy/.state"
cp -r "$ROOT/dev" "$ROOT/tools" "$WORK/copy/"
expect_exit 2 "$WORK/copy/dev" clean --sate
expect_exit 2 "$WORK/copy/dev" clean --state now
[[ -d $WORK/copy/build && -d $WORK/copy/.state ]] || fail "clean removed something after a typo"
expect_exit 0 "$WORK/copy/dev" clean
[[ ! -e $WORK/copy/build && -d $WORK/copy/.state ]] || fail "clean must remove build/ alone"
expect_exit 0 "$WORK/copy/dev" clean --state
[[ ! -e $WORK/copy/.state ]] || fail "clean --state must remove the state"

# The count that CI reads, from ctest's own closing lines.
# shellcheck source=tools/dev/common.sh
source "$ROOT/tools/dev/common.sh"
# shellcheck source=tools/dev/test.sh
source "$ROOT/tools/dev/test.sh"
expect_count() {
  printf '%s\n' "$1" >"$WORK/ctest.log"
  [[ $(count_line "$WORK/ctest.log") == "$2" ]] || fail "counted $(count_line "$WORK/ctest.log") in: $1"
}
expect_count "98% tests passed, 1 tests failed out of 50" "49 passed, 1 failed"
expect_count "100% tests passed, 0 tests failed out of 7" "7 passed, 0 failed"
expect_count "No tests were found!!!" "0 passed, 0 failed"
