#!/usr/bin/env bash
# Makes the gRPC code in sealwardpb/ with Debian's protoc and the plugins that go.mod pins.
set -euo pipefail
cd -- "$(dirname -- "${BASH_SOURCE[0]}")"

package=sealward.dev/examples/go/sealwardpb
protos=(sealward/v1/algorithm.proto sealward/v1/jwk.proto sealward/v1/signing_service.proto)
options=()
for proto in "${protos[@]}"; do
  options+=("--go_opt=M$proto=$package" "--go-grpc_opt=M$proto=$package")
done
protoc -I ../../proto -I ../../node_modules/google-proto-files \
  --plugin=protoc-gen-go="$(go tool -n protoc-gen-go)" \
  --plugin=protoc-gen-go-grpc="$(go tool -n protoc-gen-go-grpc)" \
  --go_out=. --go_opt=module=sealward.dev/examples/go \
  --go-grpc_out=. --go-grpc_opt=module=sealward.dev/examples/go \
  "${options[@]}" "${protos[@]}"
