"""Runs the measurements of plan.py against a service, round after round."""

import json
import time

from . import client, jwk, plan, processes
from .processes import LineProgram

# From sending the command to the common start: time for every raw process to
# read it. From time.monotonic_ns, which raw_pkcs11 reads too.
_BARRIER_NS = 30_000_000


class Rounds:
    """Raw processes and load client, kept from round to round: logins and TLS
    handshakes are not measured. Those that are not measured wait for a line
    and use no CPU."""

    def __init__(self, service, binaries, channels, keys=plan.KEYS):
        self._service = service
        self._channels = channels
        self._programs = []
        raw, described = self._configurations(keys)
        settings, environment = service.partition()
        directory = service.directory
        try:
            self._raw = [
                self._start(binaries.raw, directory / "raw.json", {**settings, "keys": raw}, environment)
                for _ in range(plan.RAW_PROCESSES)
            ]
            self._client = client.start(service, binaries, described, "client.json")
            self._programs.append(self._client)
        except BaseException:
            self.close()
            raise

    def close(self):
        for program in self._programs:
            program.close()

    def run(self, measures, seconds):
        """One round: {measure: result}."""
        return {measure: self._measure(measure, seconds) for measure in measures}

    def load(self, load, seconds):
        """Applies a load and returns load_client's answer."""
        command = {
            "key": load.key,
            "concurrency": load.concurrency,
            "batch": load.batch,
            "channels": self._channels,
        }
        return client.apply(self._client, command, seconds)

    def _start(self, binary, path, config, environment=None):
        program = LineProgram(binary, path, config, self._service.log, environment)
        self._programs.append(program)
        program.wait_ready()
        return program

    def _configurations(self, keys):
        """Of the raw processes and of the client: the same keys, the same claims."""
        raw, all_described = [], []
        for key in keys:
            described = client.describe(self._service, key)
            signing_kid = self._service.signing_kid(key)
            header = {"alg": key.alg, "kid": signing_kid, "typ": "JWT"}
            message = ".".join(
                jwk.base64url(json.dumps(part, separators=(",", ":")).encode())
                for part in (header, described["claims"])
            )
            raw.append(
                {
                    "name": key.name,
                    "alg": key.alg,
                    "label": key.label,
                    "spki_hex": described["kids"][signing_kid],
                    "message": message,
                }
            )
            all_described.append(described)
        return raw, all_described

    def _measure(self, measure, seconds):
        if measure.key != plan.KEYS[0].name:
            seconds *= plan.SHORT_SHARE
        pids = [self._service.ready["pid"], *self._service.hsm_pids]
        busy_before_us = processes.machine_busy_us()
        cpu_before_us = [processes.cpu_us(pid) for pid in pids]
        if isinstance(measure, plan.Raw):
            result = self._raw_round(measure, seconds)
        else:
            result = _summary([self.load(measure, seconds)])
        cpu_us = [processes.cpu_us(pid) - old for pid, old in zip(pids, cpu_before_us)]
        busy_us = processes.machine_busy_us() - busy_before_us
        ours_us = sum(cpu_us) + result["cpu_us"] * result["ops"]
        result["others_share"] = max(0.0, (busy_us - ours_us) / max(1, busy_us))
        if isinstance(measure, plan.Load):
            result["server_cpu_us"] = cpu_us[0] / result["ops"]
            result["hsm_cpu_us"] = sum(cpu_us[1:]) / result["ops"]
            result["client_cpu_us"] = result.pop("cpu_us")
        return result

    def _raw_round(self, measure, seconds):
        start_ns = time.monotonic_ns() + _BARRIER_NS
        command = {
            "key": measure.key,
            "verify": measure.verify,
            "start_ns": start_ns,
            "end_ns": start_ns + int(seconds * 1e9),
        }
        chosen = self._raw[: measure.processes]
        for program in chosen:
            program.send(command)
        return _summary([program.receive(seconds) for program in chosen])


def _summary(answers):
    """Several processes' answers as one; percentiles are the slowest one's."""
    ops = sum(answer["ops"] for answer in answers)
    return {
        "ops": ops,
        "rate": sum(answer["ops"] * 1e9 / answer["wall_ns"] for answer in answers),
        "cpu_us": sum(answer["cpu_ns"] for answer in answers) / ops / 1000,
        **{name: max(a["latency"][name] for a in answers) for name in answers[0]["latency"]},
    }
