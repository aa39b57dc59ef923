#!/usr/bin/env bash
# The documents' check finds what it is there for. One that finds nothing would let the
# pages rot while lint stays green.
# shellcheck source=tests/unit/tools/expect.sh
source "$(dirname "${BASH_SOURCE[0]}")/expect.sh"

cd "$WORK"
git init -q .
mkdir -p server
echo 'code' >server/real.cc
cat >good.md <<'MD'
# Top
## A `b`, c
[x](other.md#there) [y](#a-b-c) [z](https://example.org/none)
`server/real.cc` `server/real` `server/{real}.cc` `server/*.cc`
MD
cat >other.md <<'MD'
## There
```
[inside code](nowhere.md)
```
MD
expect_exit 0 node "$ROOT/tools/check_docs.mjs" "$WORK"
expect_output "2 pages, 0 problems"

cat >bad.md <<'MD'
[a](nowhere.md) [b](other.md#nothing) [c](#nothing)
`server/gone.cc` `server/{real,gone}.cc`
MD
expect_exit 1 node "$ROOT/tools/check_docs.mjs" "$WORK"
expect_output "bad.md: link to nowhere.md: there is no such file"
expect_output "bad.md: link to other.md#nothing: there is no such heading"
expect_output "bad.md: link to #nothing"
expect_output "bad.md: \`server/gone.cc\`"
expect_output "bad.md: \`server/{real,gone}.cc\`: there is no server/gone.cc"
expect_output "5 problems"
