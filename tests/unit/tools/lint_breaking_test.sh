#!/usr/bin/env bash
# The comparison of proto/ with the commit that a branch left. It runs in nobody's main, so
# that without this it may refuse every branch, or none, before anybody knows.
# shellcheck source=tests/unit/tools/expect.sh
source "$(dirname "${BASH_SOURCE[0]}")/expect.sh"

readonly REPO=$WORK/repo
mkdir -p "$REPO/node_modules/.bin"
cp -r "$ROOT/proto" "$ROOT/buf.yaml" "$REPO"
(cd "$ROOT" && cp -r --parents node_modules/google-proto-files/google/{api,rpc} "$REPO")
ln -s "$ROOT/node_modules/.bin/buf" "$REPO/node_modules/.bin/buf"
git -C "$REPO" init -q
git -C "$REPO" add proto
git -C "$REPO" -c user.name=test -c user.email=test@sealward.test commit -qm "before"

# shellcheck source=tools/dev/common.sh
source "$ROOT/tools/dev/common.sh"
# shellcheck source=tools/dev/lint.sh
source "$ROOT/tools/dev/lint.sh"
breaking() { (ROOT=$REPO SEALWARD_BASE=$(git -C "$REPO" rev-parse HEAD~"$1") && lint_breaking); }

commit_change() { git -C "$REPO" -c user.name=test -c user.email=test@sealward.test commit -qam "$1"; }
readonly KEYS=$REPO/proto/sealward/v1/key_service.proto

printf '\n// Nothing that a client sees.\n' >>"$KEYS"
commit_change "a comment"
expect_exit 0 breaking 1

sed -i 's/ retire_after = 1 \[/ retire_after = 99 [/' "$KEYS"
commit_change "another number"
expect_exit 100 breaking 1
expect_output 'Previously present field "1" with name "retire_after"'

git -C "$REPO" rm -q "proto/sealward/v1/approval_service.proto"
commit_change "no more approvals"
expect_exit 100 breaking 1
expect_output 'approval_service.proto" was deleted'

# Server and signer are installed together.
sed -i 's/ code = 1;/ code = 99;/' "$REPO"/proto/sealward/hsm/v1/*.proto
git -C "$REPO" diff --quiet && fail "the private protocol has changed: give this test another field"
commit_change "the private protocol"
expect_exit 0 breaking 1
