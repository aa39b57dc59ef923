"""load_client, for one tenant's keys."""

import json

from . import jwk
from .processes import BenchError, LineProgram


def describe(service, key):
    """A key with its claims and public keys, as load_client wants it."""
    return {
        "name": key.name,
        "resource": key.resource,
        "alg": key.alg,
        "kids": {kid: jwk.spki(public).hex() for kid, public in service.public_keys(key).items()},
        "claims": service.claims(key),
    }


def start(service, binaries, keys, config_name, binary=None):
    """A load_client, or `binary`, that is connected; `keys` as describe() gives them."""
    tls = service.directory / "tls"
    config = {
        "target": service.ready["signing"],
        "ca": str(tls / "ca.pem"),
        "certificate": str(tls / "issuer.pem"),
        "private_key": str(tls / "issuer.key"),
        "keys": keys,
    }
    program = LineProgram(
        binary or binaries.load_client, service.directory / config_name, config, service.log
    )
    program.wait_ready()
    return program


def receive(program, command, seconds):
    """The answer to `command`, once it has no errors and something was verified."""
    answer = program.receive(seconds)
    if answer["errors"] or not answer["verified"]:
        raise BenchError(f"{json.dumps(command)}: {json.dumps(answer['errors'])}")
    return answer


def apply(program, command, seconds):
    program.send({**command, "seconds": seconds})
    return receive(program, command, seconds)
