# shellcheck shell=bash
# ./dev full: what does not fit into CI's time. Every stage runs, whatever came before.

readonly FULL_FUZZ_S=600

full() {
  local stage failed=()
  setup
  build dev
  for stage in full_tests full_long_tests full_sim full_containment full_lint full_asan full_tsan full_fuzz full_bench; do
    timed "${stage//_/ }" "$stage" || failed+=("${stage#full_}")
  done
  ((${#failed[@]} == 0)) || die "failed: ${failed[*]}"
}

# A stage may end by die, so each has a shell of its own.
full_tests() { (run_tests); }
full_long_tests() { (run_tests -L '^long$'); }
full_sim() { (simulate); }
full_containment() { (contain --full); }
full_lint() { (lint --all); }
full_asan() { (sanitize asan -LE '^nosanitize$'); }
full_tsan() { (sanitize tsan -LE '^nosanitize$'); }
full_fuzz() { (fuzz "$FULL_FUZZ_S"); }
full_bench() { (run_bench); }
