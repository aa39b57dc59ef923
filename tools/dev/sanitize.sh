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

# sanitize PRESET [-R REGEX]
sanitize() {
  local preset=$1 filter=() words
  words=$(test_filter "$@")
  if [[ -n $words ]]; then mapfile -t filter <<<"$words"; else filter=(-LE '^(long|nosanitize)$'); fi
  setup build run test sanitize
  build "$preset"
  sanitizer_environment
  run_ctest "$preset" "${filter[@]}"
}

# fuzz [SECONDS] [TARGET]: a target is an executable below build/fuzz/tests/fuzz; its
# seeds are in tests/fuzz/ROOM/corpus/TARGET where there are any. What the fuzzer finds
# new stays in build/fuzz/corpus, a crash in build/fuzz/crashes.
fuzz() {
  local seconds=${1:-30} only=${2:-} targets target failed=0
  [[ $seconds =~ ^[1-9][0-9]*$ ]] || die 2 "fuzz: seconds must be a number, not '$seconds'"
  setup build run test sanitize
  build fuzz
  sanitizer_environment
  mapfile -t targets < <(find "$BUILD_ROOT/fuzz/tests/fuzz" -type f -executable -name '*_fuzz' | sort)
  ((${#targets[@]})) || die "there are no fuzz targets below tests/fuzz"
  local ran=0
  for target in "${targets[@]}"; do
    [[ -z $only || ${target##*/} == "$only" ]] || continue
    ran=$((ran + 1))
    fuzz_one "$target" "$seconds" || failed=$((failed + 1))
  done
  ((ran)) || die 2 "fuzz: there is no target '$only'; there are: ${targets[*]##*/}"
  printf '%d passed, %d failed\n' "$((ran - failed))" "$failed"
  ((failed == 0))
}

fuzz_one() {
  local target=$1 seconds=$2 name=${1##*/} seeds=() seed
  local corpus=$BUILD_ROOT/fuzz/corpus/$name crashes=$BUILD_ROOT/fuzz/crashes/
  mkdir -p "$corpus" "$crashes"
  for seed in "$ROOT"/tests/fuzz/*/corpus/"$name"; do
    if [[ -d $seed ]]; then seeds+=("$seed"); fi
  done
  timed "fuzzing $name for $seconds s" "$target" -max_total_time="$seconds" -timeout=10 \
    -rss_limit_mb=2048 -print_final_stats=1 -artifact_prefix="$crashes" \
    "$corpus" "${seeds[@]}" >"$BUILD_ROOT/fuzz/$name.log" 2>&1 </dev/null && return
  tail -30 "$BUILD_ROOT/fuzz/$name.log" >&2
  return 1
}
