"""A node's directory and its `node.toml`: strict, unknown keys refused.

DIR/node.toml     what the operator decides
DIR/keys/         private keys, read by the signer process alone
DIR/outbox/       observations that wait to be signed
DIR/reports/      difference reports, to be shown beside the observations
DIR/state/        the ledger, the log's journal, locks
DIR/site/         what is served, and nothing else is
"""

import tomllib
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Annotated, Final, Literal

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from rebuilders.config import DEFAULT_TIMEOUT, Settings
from rebuilders.destinations.opening import check_url
from rebuilders.farm.interface import Terms
from rebuilders.node.caps import LimitsConfig, zone_of
from rebuilders.node.feed.config import WatchConfig
from rebuilders.node.ledger import Ledger
from rebuilders.node.shares import MAX_MEMBERS, Duty, Rest, Shares, duty, share_key
from witness.commitment import WINDOWS
from witness.errors import InputError, Malformed
from witness.limits import MIB
from witness.note import check_name
from witness.observation import Method

CONFIG: Final = "node.toml"
_SEE: Final = "See docs/reference/node-toml.md."


_Vkey = Annotated[str, Field(max_length=4000)]


class PeerConfig(BaseModel):
    """A `[[peer]]` of `node.toml`: another node, whose log this one cosigns, and perhaps the other way round."""

    model_config = ConfigDict(extra="forbid", frozen=True, strict=True)

    url: Annotated[str, Field(min_length=1, max_length=500)]
    log_key: Annotated[str, Field(alias="log-key", max_length=500)]
    cosigner_key: Annotated[
        _Vkey | Annotated[list[_Vkey], Field(max_length=2)], Field(alias="cosigner-key")
    ] = ""
    ask: Annotated[str, Field(max_length=500)] = ""

    @property
    def cosigner_keys(self) -> tuple[str, ...]:
        """Its cosigner's keys, of which it has two while it changes from one to the other."""
        told = [self.cosigner_key] if isinstance(self.cosigner_key, str) else self.cosigner_key
        return tuple(key for key in told if key)


class SignerConfig(BaseModel):
    """A `[signer.<role>]` of `node.toml`: a key that is reached by a URI of securesystemslib, instead of a file."""

    model_config = ConfigDict(extra="forbid", frozen=True, strict=True)

    uri: Annotated[str, Field(min_length=1, max_length=500)]
    public_key: Annotated[str, Field(alias="public-key", max_length=200)]
    pin_file: Annotated[str, Field(alias="pin-file", max_length=500)] = ""
    pin_variable: Annotated[str, Field(alias="pin-variable", pattern=r"^([A-Za-z_][A-Za-z0-9_]*)?$")] = ""
    environment: Annotated[
        list[Annotated[str, Field(pattern=r"^[A-Za-z_][A-Za-z0-9_]*$")]], Field(max_length=50)
    ] = []


class SignersConfig(BaseModel):
    """`[signer]` of `node.toml`: who holds which key, where that is no file. `next` is for `keys rotate --next`."""

    model_config = ConfigDict(extra="forbid", frozen=True, strict=True)

    observation: SignerConfig | None = None
    next: SignerConfig | None = None
    log: SignerConfig | None = None
    cosigner: SignerConfig | None = None

    @property
    def environment(self) -> frozenset[str]:
        """The names of variables that the process with the keys needs."""
        told = (self.observation, self.next, self.log, self.cosigner)
        names = {name for item in told if item for name in (*item.environment, item.pin_variable)}
        return frozenset(names - {""})


class SigstoreConfig(BaseModel):
    """`[sigstore]` of `node.toml`: observations are signed without a key, in the name `identity`.

    `token` is the variable that holds an identity token, if it is not what the platform offers; `trust` a client trust
    config, relative to node.toml, of another instance than the public one.
    """

    model_config = ConfigDict(extra="forbid", frozen=True, strict=True)

    identity: Annotated[str, Field(min_length=1, max_length=500)]
    issuer: Annotated[str, Field(pattern=r"^https?://\S+$", max_length=500)]
    token: Annotated[str, Field(pattern=r"^([A-Za-z_][A-Za-z0-9_]*)?$", max_length=100)] = ""
    trust: Annotated[str, Field(max_length=500)] = ""
    rekor: Literal[1, 2] = 1


class FarmConfig(BaseModel):
    """`[farm]` of `node.toml`: who rebuilds, where that is not `jobs` processes of the node's own.

    Either a Dask `scheduler` that workers of other machines join, by certificates that are relative to node.toml, or
    a cluster of `workers` on this one. `slots` bounds how many jobs are given away at a time.
    """

    model_config = ConfigDict(extra="forbid", frozen=True, strict=True)

    scheduler: Annotated[str, Field(max_length=500)] = ""
    ca: Annotated[str, Field(max_length=500)] = ""
    cert: Annotated[str, Field(max_length=500)] = ""
    key: Annotated[str, Field(max_length=500)] = ""
    insecure: bool = False
    workers: Annotated[int, Field(ge=0, le=256)] = 0
    slots: Annotated[int, Field(ge=0, le=100_000)] = 0


class DestinationConfig(BaseModel):
    """A `[[destination]]` of `node.toml`: a place that the site is copied to. Credentials are in the environment, in
    variables of the usual names with `variables` before them.
    """

    model_config = ConfigDict(extra="forbid", frozen=True, strict=True)

    url: Annotated[str, Field(min_length=1, max_length=500)]
    endpoint: Annotated[str, Field(pattern=r"^(https?://[^\s@?#]+)?$", max_length=500)] = ""
    region: Annotated[str, Field(pattern=r"^[A-Za-z0-9-]*$", max_length=100)] = ""
    variables: Annotated[str, Field(pattern=r"^([A-Za-z_][A-Za-z0-9_]*)?$", max_length=100)] = ""
    gzip: bool = False
    keep_minutes: Annotated[int, Field(alias="keep-minutes", ge=0, le=525_600)] = 60


class MetricsConfig(BaseModel):
    """`[metrics]` of `node.toml`: where Prometheus may ask. Without a port there is none."""

    model_config = ConfigDict(extra="forbid", frozen=True, strict=True)

    port: Annotated[int, Field(ge=0, le=65_535)] = 0
    host: Annotated[str, Field(min_length=1, max_length=255)] = "127.0.0.1"


class ShareConfig(BaseModel):
    """`[share]` of `node.toml`: which part of the work is this node's. The same in each member's, but for `rest`."""

    model_config = ConfigDict(extra="forbid", frozen=True, strict=True)

    members: Annotated[
        list[Annotated[str, Field(min_length=1, max_length=200)]], Field(min_length=1, max_length=MAX_MEMBERS)
    ]
    redundancy: int = 3
    weights: dict[str, int] = {}
    salt: Annotated[str, Field(max_length=200)] = ""
    rest: Rest = "later"

    @cached_property
    def shares(self) -> Shares:
        """Raises InputError for what makes no sense."""
        return Shares(tuple(self.members), self.redundancy, self.weights, self.salt)


class NodeConfig(BaseModel):
    """What `node.toml` holds; rebuilders.node.setup writes it with what each key means."""

    model_config = ConfigDict(extra="forbid", frozen=True, strict=True)

    version: Annotated[int, Field(ge=1, le=1)]
    name: Annotated[str, Field(min_length=1, max_length=200)]
    operator: Annotated[str, Field(min_length=1, max_length=200)]
    url: Annotated[str, Field(max_length=500)] = ""
    contact: Annotated[str, Field(max_length=200)] = ""
    index: str = ""
    cache: str = ""
    ledger: Annotated[str, Field(max_length=500)] = ""
    pages: bool = True
    jobs: Annotated[int, Field(ge=1, le=256)] = 1
    timeout: Annotated[float, Field(ge=1)] = DEFAULT_TIMEOUT
    install_pythons: Annotated[bool, Field(alias="install-pythons")] = False
    method: Method = "rebuild"
    commit: bool = False
    commit_hours: Annotated[int, Field(alias="commit-hours")] = 24
    canaries: Annotated[int, Field(ge=0, le=1000)] = 0
    cosign_minutes: Annotated[int, Field(alias="cosign-minutes", ge=0, le=10_080)] = 10
    limits: LimitsConfig = LimitsConfig()
    metrics: MetricsConfig = MetricsConfig()
    peer: Annotated[list[PeerConfig], Field(max_length=1000)] = []
    farm: FarmConfig | None = None
    destination: Annotated[list[DestinationConfig], Field(max_length=100)] = []
    signer: SignersConfig = SignersConfig()
    sigstore: SigstoreConfig | None = None
    share: ShareConfig | None = None
    watch: WatchConfig | None = None

    def duty(self, filename: str, sha256: str | None) -> Duty:
        """Whether this node attests to a published file as its own share, later, or never, by `[share]`.

        Raises:
            InputError: `[share]` makes no sense, or this node has no part in it.
        """
        if self.share is None:
            return "mine"
        return duty(self.share.shares, self.name, share_key(filename, sha256), self.share.rest)

    @property
    def settings(self) -> Settings:
        return Settings(
            index=self.index,
            cache=Path(self.cache) if self.cache else None,
            contact=self.contact,
            install_pythons=self.install_pythons,
            quota=self.limits.cache_mb * MIB,
            memory=self.limits.memory_mb * MIB,
            cores=self.limits.cores,
            nice=self.limits.nice,
        )

    @property
    def terms(self) -> Terms:
        """What holds for each rebuild of the node."""
        return Terms(self.name, self.method, self.settings, self.timeout)

    @property
    def origin(self) -> str:
        """The name of the node's log (c2sp.org/tlog-checkpoint)."""
        return f"{self.name}/log"

    @property
    def cosigner(self) -> str:
        """The name under which the node cosigns checkpoints."""
        return f"{self.name}/cosigner"


@dataclass(frozen=True, slots=True)
class NodeDirectory:
    """The paths below a node's directory `root`."""

    root: Path

    @property
    def config_path(self) -> Path:
        return self.root / CONFIG

    @property
    def keys(self) -> Path:
        return self.root / "keys"

    @property
    def outbox(self) -> Path:
        return self.root / "outbox"

    @property
    def state(self) -> Path:
        return self.root / "state"

    @property
    def reports(self) -> Path:
        return self.root / "reports"

    @property
    def site(self) -> Path:
        return self.root / "site"

    def ledger(self, config: "NodeConfig") -> Ledger:
        """The node's ledger. Raises InputError, Incomplete."""
        return Ledger(self.state / "ledger.sqlite", config.ledger)

    def load(self) -> NodeConfig:
        """The node's configuration.

        Raises:
            InputError: there is no node here, or its node.toml cannot be used.
        """
        path = self.config_path
        try:
            return parse(path.read_text("utf-8"), str(path))
        except FileNotFoundError:
            raise InputError(
                f"{self.root}: no node here", hint=f"Make one: rebuilder init {self.root}."
            ) from None
        except (OSError, UnicodeDecodeError) as error:
            raise InputError(f"{path}: {error}") from None


def parse(text: str, where: str) -> NodeConfig:
    """The configuration in `text`. Raises InputError, naming `where` and the key."""
    try:
        config = NodeConfig.model_validate(tomllib.loads(text))
    except tomllib.TOMLDecodeError as error:
        raise InputError(f"{where}: not TOML: {error}") from None
    except ValidationError as error:
        first = error.errors(include_url=False, include_context=False, include_input=False)[0]
        key = ".".join(map(str, first["loc"]))
        raise InputError(f"{where}: {key}: {first['msg']}", hint=_SEE) from None
    _check(config, where)
    return config


def _check(config: NodeConfig, where: str) -> None:
    """Raises InputError for what makes no sense, though each value does."""
    try:
        check_name(config.name)
    except Malformed as error:
        raise InputError(f"{where}: name: {error}", hint="Use something like node-a.example.") from None
    try:
        for item in config.destination:
            check_url(item.url)
        config.duty("", None)
    except InputError as error:
        raise InputError(f"{where}: {error}", hint=error.hint) from None
    try:
        zone_of(config.limits.zone)
    except ValueError as error:
        raise InputError(f"{where}: limits.zone: {error}", hint="Use a name such as Europe/Vienna.") from None
    if config.commit_hours not in WINDOWS:
        raise InputError(f"{where}: commit-hours: not one of {', '.join(map(str, WINDOWS))}", hint=_SEE)
    if config.farm and bool(config.farm.scheduler) == bool(config.farm.workers):
        raise InputError(f"{where}: farm: either scheduler or workers, and not both", hint=_SEE)
    if config.canaries and not config.commit:
        raise InputError(f"{where}: canaries: without commit, nothing is kept hidden", hint=_SEE)
