# shellcheck shell=bash
# ./dev sim: the seeded simulation of the lifecycle (tests/sim).

readonly SIM_SECONDS=120
# Two minutes are enough for this many hits of every cell of its table.
readonly SIM_LEAST_HITS=1000

# simulate [SEED] [SECONDS]: a short run only says what broke, not that something was
# met too seldom. The seed is printed; a broken world prints how to play it again.
simulate() {
  local seed=${1:-} seconds=${2:-$SIM_SECONDS} least=0 words=()
  (($# <= 2)) || die 2 "sim takes a seed and seconds, not '$*'"
  [[ -z $seed || $seed =~ ^(0|[1-9][0-9]*)$ ]] || die 2 "sim: the seed must be a number, not '$seed'"
  [[ $seconds =~ ^[1-9][0-9]*$ ]] || die 2 "sim: seconds must be a number, not '$seconds'"
  if [[ -n $seed ]]; then words=(--seed "$seed"); fi
  if ((seconds >= SIM_SECONDS)); then least=$SIM_LEAST_HITS; fi
  setup build run test
  build dev sealward_sim
  "$BUILD_ROOT/dev/tests/sim/sealward_sim" --seconds "$seconds" --least "$least" \
    ${words[@]+"${words[@]}"}
}
