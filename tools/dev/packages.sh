# shellcheck shell=bash
# Installs what tools/packages.txt and package-lock.json name. A second run finds
# everything there: it needs neither root nor the network.

# The packages of the given purposes, one a line.
packages_for() {
  local purpose
  for purpose in "$@"; do
    awk -v purpose="$purpose" '$1 == purpose {print $2}' "$ROOT/tools/packages.txt"
  done | sort -u
}

# Those of the given packages that are not installed, one a line.
missing_of() {
  comm -23 <(printf '%s\n' "$@" | sort -u) \
    <(dpkg-query -W -f '${db:Status-Status} ${Package}\n' "$@" 2>/dev/null |
      sed -n 's/^installed //p' | sort -u)
}

# The command that makes us root, if we are not: empty, or sudo and its options.
become_root() {
  ((EUID == 0)) && return
  have sudo || die "some packages are missing, and installing them needs root. Run as root:
  apt-get install --no-install-recommends $*"
  if [[ -t 0 ]]; then printf 'sudo\n'; else printf 'sudo\n-n\n'; fi
}

# apt_get PREFIX… -- ARG…: never asks, and waits for another apt to finish.
apt_get() {
  local prefix=()
  while [[ $1 != -- ]]; do
    prefix+=("$1")
    shift
  done
  shift
  "${prefix[@]}" env DEBIAN_FRONTEND=noninteractive apt-get -q -y \
    -o DPkg::Lock::Timeout=300 "$@"
}

# need PURPOSE…: installs the missing packages of these purposes, and npm.
need() {
  local packages missing
  if ! have dpkg-query || ! have apt-get; then
    die "this is no Debian: install what tools/packages.txt names by hand"
  fi
  mapfile -t packages < <(packages_for "$@")
  mapfile -t missing < <(missing_of "${packages[@]}")
  have npm || missing+=(nodejs npm)
  if ((${#missing[@]})); then
    install_packages "${missing[@]}"
  fi
}

install_packages() {
  local log prefix=() words
  words=$(become_root "$@")
  [[ -z $words ]] || mapfile -t prefix <<<"$words"
  log=$(mktemp)
  say "apt: installing $*"
  if ! apt_get "${prefix[@]}" -- update >"$log" 2>&1; then
    say "apt could not update its lists; trying with those that are there"
  fi
  if ! apt_get "${prefix[@]}" -- install --no-install-recommends "$@" >>"$log" 2>&1; then
    grep -E '^(E:|sudo:)' "$log" | tail -5 >&2
    die "apt could not install the packages; its whole output: $log"
  fi
  rm -f "$log"
}

# need_npm DIRECTORY: its npm packages, exactly as locked. The stamp is written last, so an
# interrupted installation is done again.
need_npm() {
  local directory=$1 lock log
  local stamp=$directory/node_modules/.sealward-lock
  lock=$(sha256sum <"$directory/package-lock.json")
  [[ -f $stamp && "$(<"$stamp")" == "$lock" ]] && return
  say "npm: installing $(grep -c '^    "node_modules/' "$directory/package-lock.json") locked packages"
  log=$(mktemp)
  if ! (cd "$directory" && npm ci --no-audit --no-fund --loglevel=error) >"$log" 2>&1 </dev/null; then
    tail -5 "$log" >&2
    die "npm could not install the packages; its whole output: $log"
  fi
  rm -f "$log"
  printf '%s\n' "$lock" >"$stamp"
}

# A Node that can run examples/node, where the system's cannot: Debian 12's is 18.
need_node() {
  node "$ROOT/tools/node/new_enough.cjs" && return
  say "node: $(node --version) is too old for an example; npm has a newer one, for that alone"
  need_npm "$ROOT/tools/node"
}

# setup [PURPOSE…]: without an argument all purposes but tpm, which is optional.
setup() {
  local purposes=("$@")
  ((${#purposes[@]})) || mapfile -t purposes < <(awk '/^[a-z]/ && $1 != "tpm" {print $1}' "$ROOT/tools/packages.txt" | sort -u)
  need "${purposes[@]}"
  need_npm "$ROOT"
  need_node
}
