# shellcheck shell=bash
# Configures and builds a preset. REQUIRES: setup build.

# The compiler cache is shared by all presets and clones: with a base directory
# and without the working directory in the hash, a fresh clone hits it too.
use_ccache() {
  export CCACHE_BASEDIR=$ROOT CCACHE_NOHASHDIR=1 CCACHE_MAXSIZE=${CCACHE_MAXSIZE:-8G}
  if [[ -z ${CCACHE_DIR:-} && ! -w ${HOME:-/nonexistent} ]]; then
    export CCACHE_DIR=$BUILD_ROOT/ccache
  fi
}

# build PRESET [TARGET…]: everything without a target.
build() {
  local preset=$1 directory=$BUILD_ROOT/$1
  shift
  use_ccache
  configure "$preset"
  say "building $preset${*:+ ($*)}"
  cmake --build "$directory" -j "$(build_jobs)" ${1:+--target "$@"} ||
    die "the $preset build failed"
}

configure() {
  local log=$BUILD_ROOT/$1.configure.log
  mkdir -p "$BUILD_ROOT"
  if ! (cd "$ROOT" && cmake --preset "$1") >"$log" 2>&1; then
    cat "$log" >&2
    die "cmake could not configure the $1 preset"
  fi
}
