"""What a round measures, and what the issue asks of it. Data only."""

import dataclasses

# What the first row of each kind of key signs with in common/algorithms.cc.
_USUAL = ("ES256", "ES384", "ES512", "EdDSA", "RS256")


@dataclasses.dataclass(frozen=True)
class BenchKey:
    """A key of a tenant; `name` is its id and that of its issuer."""

    name: str
    algorithm: str  # as the CLI names it
    alg: str  # as JOSE names it
    tenant: str = "bench"

    @property
    def resource(self):
        return f"tenants/{self.tenant}/keys/{self.name}"

    @property
    def label(self):
        """Of its pairs in the HSM (hsm/object_label.h): no alg where it is the usual one."""
        unusual = "" if self.alg in _USUAL else f"+{self.alg}"
        return f"sealward:1:jwt{unusual}:{self.resource}"

    @property
    def issuer(self):
        return f"tenants/{self.tenant}/issuers/{self.name}"


KEYS = (
    BenchKey("es256", "ES256", "ES256"),
    BenchKey("rs256", "RS256-2048", "RS256"),
    BenchKey("eddsa", "EdDSA", "EdDSA"),
)

# Of the tenant that floods while another is measured (noise.py).
NOISY_KEYS = (
    BenchKey("es256", "ES256", "ES256", "noisy"),
    BenchKey("rs4096", "RS256-4096", "RS256", "noisy"),
)


@dataclasses.dataclass(frozen=True)
class Raw:
    """The module alone, in `processes` processes."""

    key: str
    processes: int
    verify: bool

    @property
    def name(self):
        what = "sign + verify" if self.verify else "sign"
        return f"raw {what}, {self.processes} process" + ("es" if self.processes > 1 else "")


@dataclasses.dataclass(frozen=True)
class Load:
    """The service, with `concurrency` calls in flight; batch 0 is unary."""

    key: str
    concurrency: int
    batch: int = 0

    @property
    def name(self):
        if self.batch:
            return f"batch of {self.batch}, {self.concurrency} in flight"
        return f"unary, {self.concurrency} in flight"


RAW_PROCESSES = 2

# In the order in which a round runs them; every second round runs backwards,
# so that a machine that slows down or speeds up favours nobody.
MEASURES = (
    Raw("es256", 1, False),
    Raw("es256", 1, True),
    Load("es256", 1),
    Raw("es256", RAW_PROCESSES, False),
    Load("es256", 16),
    Raw("es256", RAW_PROCESSES, True),
    Load("es256", 128),
    Load("es256", 4, batch=64),
    Raw("rs256", RAW_PROCESSES, True),
    Load("rs256", 128),
    Load("rs256", 4, batch=64),
    Raw("eddsa", RAW_PROCESSES, True),
    Load("eddsa", 128),
    Load("eddsa", 4, batch=64),
)

# All others get this share of the time of a measurement of KEYS[0], which is ES256.
SHORT_SHARE = 0.5


@dataclasses.dataclass(frozen=True)
class Target:
    """One number of the issue. `value` takes a round: {measure: result}."""

    name: str
    value: object
    limit: float | None = None  # None: shown without judgement
    at_least: bool = True
    unit: str = ""
    # The same ratio from CPU time alone: what `value` would be if nobody else
    # used the machine and every core were busy.
    by_cpu: object = None

    def met(self, value):
        if self.limit is None:
            return None
        return value >= self.limit if self.at_least else value <= self.limit


def rate_target(name, load, raw, limit=None):
    return Target(
        f"{name} / raw",
        lambda results: results[load]["rate"] / results[raw]["rate"],
        limit,
        by_cpu=lambda results: results[raw]["cpu_us"] / _cpu_us(results[load], client=True),
    )


def _cpu(name, load, raw, limit=None):
    return Target(
        f"{name}: server + hsm CPU / raw",
        lambda results: _cpu_us(results[load], client=False) / results[raw]["cpu_us"],
        limit,
        at_least=False,
    )


def _cpu_us(result, client):
    parts = ("server_cpu_us", "hsm_cpu_us") + (("client_cpu_us",) if client else ())
    return sum(result[part] for part in parts)


def _added_p50(name, load, raw, limit):
    return Target(
        f"{name} - raw p50",
        lambda results: results[load]["p50_us"] - results[raw]["p50_us"],
        limit,
        at_least=False,
        unit="us",
    )


def _targets():
    es, rs, ed = (Raw(key.name, RAW_PROCESSES, True) for key in KEYS)
    return (
        rate_target("ES256 unary 128", Load("es256", 128), es, 0.65),
        rate_target("ES256 unary 16", Load("es256", 16), es, 0.50),
        rate_target("ES256 batch 64 x 4", Load("es256", 4, 64), es, 0.92),
        rate_target("RS256 unary 128", Load("rs256", 128), rs, 0.88),
        rate_target("RS256 batch 64 x 4", Load("rs256", 4, 64), rs, 0.96),
        rate_target("EdDSA unary 128", Load("eddsa", 128), ed),
        rate_target("EdDSA batch 64 x 4", Load("eddsa", 4, 64), ed),
        _cpu("ES256 unary 128", Load("es256", 128), es, 1.33),
        _cpu("ES256 batch 64 x 4", Load("es256", 4, 64), es),
        _added_p50("ES256 p50 at 1 in flight", Load("es256", 1), Raw("es256", 1, True), 150),
    )


# "raw" is sign + verify in 2 processes, but for p50: there it is 1 process.
TARGETS = _targets()
