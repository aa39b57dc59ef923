"""The gRPC code of Sealward, made when the program starts.

A project of yours would rather run protoc once and keep what it writes; this one shows that
nothing but Debian's protobuf-compiler-grpc and the .proto files is needed.
"""

import importlib
import pathlib
import shutil
import subprocess
import sys
import tempfile

ROOT = pathlib.Path(__file__).parents[2]
# google/api and google/rpc, which ours import.
GOOGLE = ROOT / "node_modules/google-proto-files"
PROTOS = ("sealward/v1/signing_service.proto", "sealward/v1/algorithm.proto",
          "sealward/v1/jwk.proto", "google/api/field_behavior.proto",
          "google/api/resource.proto", "google/rpc/status.proto",
          "google/rpc/error_details.proto")


def load(*names):
    """The generated modules, for example load("sealward.v1.signing_service_pb2")."""
    plugin = shutil.which("grpc_python_plugin")
    if plugin is None:
        sys.exit("grpc_python_plugin is missing: apt-get install protobuf-compiler-grpc")
    with tempfile.TemporaryDirectory() as folder:
        subprocess.run(
            ["protoc", f"-I{ROOT / 'proto'}", f"-I{GOOGLE}", f"--python_out={folder}",
             f"--grpc_out={folder}",
             f"--plugin=protoc-gen-grpc={plugin}", *PROTOS],
            check=True)
        sys.path.insert(0, folder)
        try:
            return [importlib.import_module(name) for name in names]
        finally:
            sys.path.remove(folder)
