# shellcheck shell=bash
# ./dev asan, tsan and fuzz.

# The sanitizers' options go to ctest's environment, and from there to every program
# that a test starts. Debian's gRPC, protobuf and abseil are not instrumented.
sanitizer_environment() {
  local files=$ROOT/tools/sanitizers symbolizer
  symbolizer=$(command -v llvm-symbolizer-19 || true)
  export ASAN_OPTIONS="detect_stack_use_after_return=1:strict_string_checks=1"
  ASAN_OPTIONS+=":handle_abort=1:external_symbolizer_path=$symbolizer"
  export LSAN_OPTIONS="suppressions=$files/lsan.supp:print_suppressions=0"
  export UBSAN_OPTIONS="print_stacktrace=1:suppressions=$files/ubsan.supp"
  export TSAN_OPTIONS="suppressions=$files/tsan.supp:ignore_noninstrumented_modules=1"
  TSAN_OPTIONS+=":second_deadlock_stack=1:halt_on_error=1:external_symbolizer_path=$symbolizer"
}

# sanitize PRESET [-R REGEX]: without a filter, asan runs everything that is not long,
# and tsan the tests in which threads meet (tests/CMakeLists.txt).
sanitize() {
  local preset=$1 filter=(-LE '^(long|nosanitize)$') targets=() words
  words=$(test_filter "$@")
  if [[ -n $words ]]; then
    mapfile -t filter <<<"$words"
  elif [[ $preset == tsan ]]; then
    filter=(-L '^threads$') targets=(threaded_tests)
  fi
  setup build run test sanitize
  build "$preset" ${targets[@]+"${targets[@]}"}
  sanitizer_environment
  run_ctest "$preset" "${filter[@]}"
}

# fuzz [SECONDS] [TARGET]: a target is an executable NAME_fuzz of tests/fuzz/ROOM in the
# asan build (one build for both: the fuzzers want AddressSanitizer anyway), its
# seeds are in tests/fuzz/ROOM/corpus, or in a folder there. What the fuzzer finds new stays in
# build/fuzz/corpus, a crash in build/fuzz/crashes.
fuzz() {
  local seconds=${1:-30} only=${2:-} targets target failed=0
  [[ $seconds =~ ^[1-9][0-9]*$ ]] || die 2 "fuzz: seconds must be a number, not '$seconds'"
  setup build run test sanitize
  configure asan
  mapfile -t targets < <(fuzz_targets)
  ((${#targets[@]})) || die "there are no fuzz targets below tests/fuzz"
  if [[ -n $only ]]; then
    [[ " ${targets[*]} " == *" $only "* ]] ||
      die 2 "fuzz: there is no target '$only'; there are: ${targets[*]}"
    targets=("$only")
  fi
  build asan "${targets[@]}"
  sanitizer_environment
  for target in "${targets[@]}"; do
    timed "fuzzing $target for $seconds s" fuzz_one "$target" "$seconds" || failed=$((failed + 1))
  done
  printf '%d passed, %d failed\n' "$((${#targets[@]} - failed))" "$failed"
  ((failed == 0))
}

fuzz_targets() {
  ninja -C "$BUILD_ROOT/asan" -t targets all | sed -nE '/^cmake_/d; s/^([a-z0-9_]+_fuzz): phony$/\1/p' | sort -u
}

fuzz_one() {
  local name=$1 seconds=$2 binary seeds kind log=$BUILD_ROOT/fuzz/$1.log
  local corpus=$BUILD_ROOT/fuzz/corpus/$name crashes=$BUILD_ROOT/fuzz/crashes/
  mkdir -p "$corpus" "$crashes"
  binary=$(find "$BUILD_ROOT/asan/tests/fuzz" -type f -executable -name "$name" -print -quit)
  seeds=$ROOT${binary#"$BUILD_ROOT/asan"}
  seeds=${seeds%/*}/corpus
  # Of hsm_verbs_fuzz those in corpus/verbs: another target's would only cost time.
  kind=${name%_fuzz}
  kind=${kind##*_}
  if [[ -d $seeds/$kind ]]; then seeds=$seeds/$kind; fi
  if [[ ! -d $seeds ]]; then seeds=$corpus; fi
  if "$binary" -max_total_time="$seconds" -timeout=10 -rss_limit_mb=2048 -print_final_stats=1 \
    -artifact_prefix="$crashes" "$corpus" "$seeds" >"$log" 2>&1 </dev/null; then
    sed -n 's/^stat::number_of_executed_units: */runs: /p' "$log"
  else
    tail -30 "$log" >&2
    return 1
  fi
}
