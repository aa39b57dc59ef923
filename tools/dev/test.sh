# shellcheck shell=bash
# ./dev test and ./dev bench, and what the sanitizer runs share with them.

# Tests bind ephemeral ports and have folders of their own, so they may run side by
# side; more than two at a time would starve the ones that watch deadlines.
readonly TEST_JOBS=2

# run_ctest PRESET [CTEST-ARG…]: ends with the line "N passed, N failed". A run that
# executed no test has failed.
run_ctest() {
  local preset=$1 log=$BUILD_ROOT/$1.ctest.log code=0
  shift
  ctest --test-dir "$BUILD_ROOT/$preset" --output-on-failure --no-tests=error -j "$TEST_JOBS" \
    --timeout 600 "$@" 2>&1 </dev/null | tee "$log" || code=${PIPESTATUS[0]}
  if ((code)) && [[ ${CI:-} == true && $preset == dev ]]; then
    rerun_failed "$preset" "$log" && code=0
  fi
  count_line "$log"
  return "$code"
}

# Machines that CI gets are noisy, and end-to-end tests have processes that wait for each other:
# what failed among the others runs once more, by itself. What then passes is named as unsteady,
# for somebody to mend; what fails again has failed. Not under sanitizers: what one of those has
# seen once is there. By hand nothing is run again.
rerun_failed() {
  local preset=$1 log=$2 again=$BUILD_ROOT/$1.ctest-again.log code=0
  local -r MOST_UNSTEADY=3
  local failed
  failed=$(sed -nE 's/^\s+[0-9]+ - (.*) \((Failed|Timeout|SEGFAULT|Subprocess aborted|ILLEGAL|NUMERICAL|BUS)\).*/\1/p' "$log")
  if [[ -z $failed ]] || (($(wc -l <<<"$failed") > MOST_UNSTEADY)); then return 1; fi
  printf '==> once more, alone:\n%s\n' "$failed"
  ctest --test-dir "$BUILD_ROOT/$preset" --output-on-failure --no-tests=error -j 1 --timeout 600 \
    --rerun-failed 2>&1 </dev/null | tee "$again" || code=${PIPESTATUS[0]}
  ((code == 0)) || return 1
  printf '==> UNSTEADY, failed once and passed alone:\n%s\n' "$failed"
  # The count is that of the first run, in which the unsteady ones did pass in the end.
  sed -i -E 's/tests passed, [0-9]+ tests failed out of/tests passed, 0 tests failed out of/' "$log"
}

# The count from ctest's closing line: "98% tests passed, 1 tests failed out of 50".
count_line() {
  awk '/tests passed, [0-9]+ tests failed out of [0-9]+$/ {failed = $4; total = $NF}
       END {printf "%d passed, %d failed\n", total - failed, failed}' "$1"
}

# test_filter COMMAND ARG…: prints ctest's arguments, one a line.
test_filter() {
  local command=$1
  shift
  while (($#)); do
    case $1 in
      -R | -L | -LE | -E)
        (($# >= 2)) || die 2 "$command: $1 takes a regular expression"
        printf '%s\n' "$1" "$2"
        shift 2
        ;;
      *) die 2 "$command: '$1' is not known; it takes -R REGEX, -E REGEX, -L LABEL, -LE LABEL" ;;
    esac
  done
}

# Without a filter the tests labelled "long" (minutes of stress) are left to ./dev full.
run_tests() {
  local filter=() words
  words=$(test_filter test "$@")
  if [[ -n $words ]]; then mapfile -t filter <<<"$words"; else filter=(-LE '^long$'); fi
  setup build run test
  build dev
  run_ctest dev "${filter[@]}"
}

run_bench() {
  [[ -x $ROOT/tests/bench/run ]] || die "tests/bench/run is missing or not executable"
  setup build run test
  build release
  exec "$ROOT/tests/bench/run" "$@"
}
