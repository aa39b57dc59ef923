# shellcheck shell=bash
# ./dev lint and ./dev fmt. Every check runs, whatever the ones before it found.

# Without --all clang-tidy stops after this long and says what it did not reach.
readonly TIDY_BUDGET_S=${TIDY_BUDGET_S:-240}

lint() {
  local all=${1:-} check failed=()
  [[ -z $all || $all == --all ]] || die 2 "lint takes --all or nothing, not '$all'"
  setup build lint
  build dev
  for check in lint_format lint_shell lint_boundary lint_words lint_docs lint_rules lint_buf \
    lint_breaking \
    "lint_tidy $all"; do
    # shellcheck disable=SC2086  # the second word is lint_tidy's argument
    timed "${check//_/ }" $check || failed+=("$check")
  done
  ((${#failed[@]} == 0)) || die "lint failed: ${failed[*]}"
}

# Tracked and new files that match the patterns, but none that are ignored.
sources() { (cd "$ROOT" && git ls-files -co --exclude-standard --deduplicate -- "$@" | existing); }
existing() { while IFS= read -r file; do if [[ -f $file ]]; then printf '%s\n' "$file"; fi; done; }

shell_scripts() {
  sources '*.sh'
  (cd "$ROOT" && sources | grep -v '\.sh$' | xargs -d '\n' grep -lE -m1 '^#!.*\bbash\b' | existing) ||
    true
}

lint_format() { (cd "$ROOT" && sources '*.cc' '*.h' | xargs -r clang-format-19 --dry-run -Werror); }

lint_shell() { (cd "$ROOT" && shell_scripts | xargs -r shellcheck --external-sources); }

# The signer boundary in the sources: the build checks what is linked
# (cmake/boundary.cmake), this checks what is included, called or loaded by name.
lint_boundary() {
  local pattern='#include ["<](hsm/|.*(pkcs11|p11-kit|cryptoki))|\bdlm?open\b|\bC_[A-Z][A-Za-z]+ *\('
  pattern+='|\bCK[ARMUFOSZ]?_[A-Z]|libsofthsm|softhsm2\.conf'
  local found file words
  found=$(sources server client common | grep -E '\.(cc|h)$' | while IFS= read -r file; do
    # A backup copies the partition's files, and so names them; it runs on no server's behalf.
    words=$pattern
    if [[ $file == server/backup/* ]]; then words=${pattern%'|softhsm2\.conf'}; fi
    sed 's|//.*||' "$ROOT/$file" | grep -nE --with-filename --label="$file" "$words" || true
  done)
  [[ -z $found ]] || {
    printf '%s\nPKCS#11 belongs to hsm/ alone.\n' "$found" >&2
    return 1
  }
}

# Words that must not be there: unfinished work, and tests that wait or look away.
lint_words() {
  local found waiting='GTEST_SKIP|DISABLED_|sleep_for|sleep_until|usleep|nanosleep|SleepFor'
  found=$(
    cd "$ROOT" || exit
    sources '*.cc' '*.h' '*.proto' | xargs -r grep -nE '\b(TODO|FIXME|XXX)\b' || true
    sources 'tests/*.cc' 'tests/*.h' | xargs -r grep -nE "\b($waiting)" || true
  )
  [[ -z $found ]] || {
    printf '%s\n' "$found" >&2
    return 1
  }
}

lint_docs() { node "$ROOT/tools/check_docs.mjs" "$ROOT"; }

# Debian's promtool. Its package is unpacked, not installed: that would start a server.
run_promtool() {
  local folder=$BUILD_ROOT/tools/prometheus prefix=() words
  if have promtool; then
    promtool "$@"
    return
  fi
  if [[ ! -x $folder/usr/bin/promtool ]]; then
    mkdir -p "$folder"
    if ! unpack_package prometheus "$folder"; then
      words=$(become_root prometheus) || return
      [[ -z $words ]] || mapfile -t prefix <<<"$words"
      apt_get "${prefix[@]}" -- update >/dev/null 2>&1
      unpack_package prometheus "$folder" || {
        say "apt could not download the package prometheus, which has promtool"
        return 1
      }
    fi
  fi
  "$folder/usr/bin/promtool" "$@"
}

# unpack_package PACKAGE FOLDER
unpack_package() {
  (cd "$2" && apt-get -q download "$1" && dpkg-deb -x "$1"_*.deb . && rm -f "$1"_*.deb) \
    >/dev/null 2>&1
}

# Alert rules: well formed, and firing when they should.
lint_rules() {
  (cd "$ROOT/deploy/prometheus" && run_promtool check rules sealward.rules.yml &&
    run_promtool test rules sealward.rules.test.yml)
}

buf() { (cd "$ROOT" && node_modules/.bin/buf "$@"); }

lint_buf() { buf lint && buf format --diff --exit-code proto; }

# The commit that changes are compared with: where this branch left main, else the
# last release. Prints nothing if there is neither.
base_commit() {
  local base
  cd "$ROOT" || return
  base=${SEALWARD_BASE:-$(git merge-base HEAD origin/main 2>/dev/null || true)}
  if [[ -n $base && "$(git rev-parse "$base")" != "$(git rev-parse HEAD)" ]]; then
    git rev-parse "$base"
  else
    git describe --tags --abbrev=0 --match 'v[0-9]*' 2>/dev/null || true
  fi
}

# buf wants the old protos with their imports, and the old commit has no node_modules: they
# stand beside today's in a workspace of their own. (An image of protoc's would name the imports
# as files of ours, google/protobuf among them, which is not buf's.)
lint_breaking() {
  local base old code
  base=$(base_commit)
  if [[ -z $base ]] || ! git -C "$ROOT" cat-file -e "$base:proto" 2>/dev/null; then
    say "buf breaking: nothing to compare with: no release, and no earlier commit with protos on main"
    return
  fi
  old=$(mktemp -d)
  code=0
  git -C "$ROOT" archive "$base" proto | tar -x -C "$old" &&
    (cd "$ROOT" && cp -r --parents buf.yaml node_modules/google-proto-files/google/{api,rpc} "$old") &&
    buf breaking proto --against "$old/proto" || code=$?
  rm -rf "$old"
  return "$code"
}

# What clang-tidy compares with where base_commit knows nothing, as in CI's clone of
# main: the last commit that is four hours old, else the one before HEAD.
tidy_base() {
  local base
  base=$(base_commit)
  [[ -n $base ]] || base=$(git -C "$ROOT" rev-list -1 --before='4 hours ago' HEAD)
  [[ -n $base ]] || base=$(git -C "$ROOT" rev-parse HEAD~1)
  printf '%s\n' "$base"
}

# lint_tidy [--all]
lint_tidy() {
  local arguments=(--build "$BUILD_ROOT/dev" --jobs "$(build_jobs)") base
  if [[ ${1:-} != --all ]]; then
    base=$(tidy_base)
    say "clang-tidy on what changed since ${base:0:12}; ./dev lint --all looks at everything"
    arguments+=(--budget-s "$TIDY_BUDGET_S" --base "$base")
  fi
  (cd "$ROOT" && node tools/tidy.mjs "${arguments[@]}")
}

fmt() {
  setup build lint
  (cd "$ROOT" && sources '*.cc' '*.h' | xargs -r clang-format-19 -i)
  buf format -w proto
}
