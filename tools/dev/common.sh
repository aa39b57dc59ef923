# shellcheck shell=bash
# What all of ./dev's parts share. Sourced; REQUIRES: ROOT is the repository's folder.

# shellcheck disable=SC2034  # the other parts use it
readonly BUILD_ROOT=$ROOT/build

# One line on standard error for what is being done; results go to standard output.
say() { printf '\e[1m==>\e[0m %s\n' "$*" >&2; }
[[ -t 2 ]] || say() { printf '==> %s\n' "$*" >&2; }

# die MESSAGE, or: die CODE MESSAGE (code: two digits or more, or 1, 2).
die() {
  local code=1
  if [[ $1 =~ ^[0-9]+$ ]]; then
    code=$1
    shift
  fi
  printf './dev: %s\n' "$*" >&2
  exit "$code"
}

have() { command -v "$1" >/dev/null 2>&1; }

# Jobs at a time: one for each core, but 1.5 GB of memory for each.
build_jobs() {
  local cores memory_kb jobs
  cores=$(nproc)
  memory_kb=$(awk '/^MemAvailable:/ {print $2}' /proc/meminfo)
  jobs=$((memory_kb / 1500000))
  ((jobs > cores)) && jobs=$cores
  ((jobs < 1)) && jobs=1
  printf '%s\n' "$jobs"
}

# Node 18 (Debian 12) hides WebCrypto, which jose needs, behind a flag.
node_flags() {
  local major
  major=$(node -p 'process.versions.node.split(".")[0]')
  ((major >= 18)) || die "node $major is too old: version 18 or newer is needed"
  if ((major < 19)); then printf -- '--experimental-global-webcrypto\n'; fi
}

# timed WHAT COMMAND…: runs it and says how long it took.
timed() {
  local what=$1 start=$SECONDS code=0
  shift
  say "$what"
  "$@" || code=$?
  local took=$((SECONDS - start))
  if ((code == 0)); then
    say "$what: $((took / 60)) min $((took % 60)) s"
  else
    say "$what: FAILED after $((took / 60)) min $((took % 60)) s"
  fi
  return "$code"
}
