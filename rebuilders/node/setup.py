"""Makes a node: its directory, its keys, and what it says of itself to the world."""

import json
from typing import Any

from rebuilders.node import keys
from rebuilders.node.config import CONFIG, NodeConfig, NodeDirectory, SigstoreConfig
from witness import __version__
from witness.errors import Incomplete, InputError
from witness.signing.interface import Sealer
from witness.signing.named import NodeSigners
from witness.store.directory import DirectoryStore

LOOKUP_WIDTH = 2  # hex digits of an artifact's digest that name its shard's directory

_TEMPLATE = """\
# A wheelwitness node. See docs/reference/node-toml.md.
version = 1
name = {name}
operator = {operator}
# Where the directory site/ is served, for others to read.
url = {url}
# An e-mail address or URL by which the operators of the package index can reach you.
contact = {contact}
# The package index; empty: the one that uv or pip are set up to use.
index = {index}
# Where downloads and build environments are kept; empty: your cache directory.
cache = {cache}
# The database with the queue; empty: SQLite, in state/.
ledger = {ledger}
# Whether pages for people are made into site/, besides what programs read.
pages = {pages}
# Rebuilds at a time, and seconds for each.
jobs = {jobs}
timeout = {timeout}
# Whether uv may install the Python nearest to a wheel's, into the cache, where this machine lacks it.
install-pythons = {install_pythons}
# "rebuild", or "static" to build nothing and say only what follows from the sdist as it is.
method = {method}
# Whether results are committed to before they are revealed, at the end of a window of so many hours (of a day that
# begins at midnight UTC); and how many mismatches may be kept back for longer, as canaries. Needs peers that cosign.
commit = {commit}
commit-hours = {commit_hours}
canaries = {canaries}

# `rebuilder run` cosigns the logs of other nodes every so many minutes, and gathers their cosignatures of this one.
# 0: never, and `rebuilder cosign` does it by hand.
cosign-minutes = {cosign_minutes}

# How much of the machine the node may take: see docs/reference/node-toml.md#limits.
# [limits]
# hours = "22:00-06:00"
# cache-mb = 20000
# download-mb = 5000

# Numbers for Prometheus, on this machine alone: see docs/how-to/operate-a-node.md.
# [metrics]
# port = 9417

# Other nodes, whose logs this one cosigns.
# [[peer]]
# url = "https://node-b.example/"
# log-key = "node-b.example/log+…"
# cosigner-key = "node-b.example/cosigner+…"

# What is rebuilt without being added: what the index says of these projects (docs/reference/node-toml.md#watch).
# [watch]
# projects = ["six", "idna"]
# files = ["requirements.txt", "uv.lock"]
# versions = "latest"

# The work split over several nodes: each has the same members, redundancy and salt (docs/reference/node-toml.md#share).
# [share]
# members = ["node-a.example", "node-b.example", "node-c.example", "node-d.example"]
# redundancy = 3
# rest = "later"

# Where `rebuilder push` copies site/ to: see docs/how-to/host-a-site.md. Credentials belong into the environment.
# [[destination]]
# url = "s3://bucket/prefix"

# Keys that are not in keys/, such as one in an HSM: see docs/how-to/keys-in-an-hsm.md.
# [signer.observation]
# uri = "hsm:2?label=node-a"
# public-key = "ecdsa-p256:…"
"""


_SIGSTORE = """
# Observations are signed without a key, in this name. The log and the cosigner have keys all the same.
[sigstore]
identity = {identity}
issuer = {issuer}
# The environment variable with an identity token; empty: the one that the CI offers.
token = {token}
# A client trust config, relative to this file; empty: the public instance.
trust = {trust}
# The version of Rekor.
rekor = {rekor}
"""


def make(directory: NodeDirectory, config: NodeConfig) -> NodeSigners:
    """Makes the node in `directory`, which must not hold one yet.

    Raises:
        InputError: there is a node already, or the directory cannot be written.
        Incomplete: the disk is full; nothing is left that would be in the way of another try.
    """
    if directory.config_path.exists():
        raise InputError(f"{directory.root}: there is a node here already", hint="Choose another directory.")
    try:
        for path in (directory.root, directory.outbox, directory.state, directory.site):
            path.mkdir(parents=True, exist_ok=True)
        directory.keys.mkdir(mode=0o700, exist_ok=True)
        signers = keys.create(directory, config)
    except OSError as error:
        raise InputError(f"{directory.root}: cannot be written: {error.strerror}") from None
    try:
        node = json.dumps(about(config, signers), indent=2).encode() + b"\n"
        DirectoryStore(directory.site).put("node.json", node)
        DirectoryStore(directory.root).put(CONFIG, toml_of(config).encode())
    except Incomplete:
        keys.discard(directory)  # so that the same command can be given again
        raise
    return signers


def about(config: NodeConfig, signers: NodeSigners) -> dict[str, Any]:
    """`node.json`: the node's name and public keys."""
    return {
        "schema": "node/1",
        "name": config.name,
        "operator": config.operator,
        "url": config.url,
        **_speaker(config, signers),
        "logKey": signers.log.key.text,
        "cosignerKey": signers.cosigners[-1].key.text,
        "software": {"name": "wheelwitness", "version": __version__},
        "lookupWidth": LOOKUP_WIDTH,
    }


def _speaker(config: NodeConfig, signers: NodeSigners) -> dict[str, Any]:
    if config.sigstore:
        return {"sigstore": {"identity": config.sigstore.identity, "issuer": config.sigstore.issuer}}
    if isinstance(signers.observations, Sealer):
        raise TypeError("a node signs with a key, or has [sigstore]")
    return {"keys": [signers.observations.public_key.text]}


def policy_entry(config: NodeConfig, signers: NodeSigners, url: str) -> str:
    """The lines by which a consumer's policy names this node, served at `url`."""
    told = about(config, signers)
    return "\n".join(
        (
            "[[witness]]",
            f"name = {_string(config.name)}",
            f"operator = {_string(config.operator)}",
            f"url = {_string(url)}",
            f"log-key = {_string(told['logKey'])}",
            f"sigstore = {{ {_identity(config.sigstore)} }}"
            if config.sigstore
            else f"keys = [{_string(told['keys'][0])}]",
            f"cosigner-key = {_string(told['cosignerKey'])}",
        )
    )


def _identity(config: SigstoreConfig) -> str:
    told = {"identity": config.identity, "issuer": config.issuer, "trust": config.trust}
    return ", ".join(f"{key} = {_string(value)}" for key, value in told.items() if value)


def toml_of(config: NodeConfig) -> str:
    """The text of `node.toml`."""
    tables = {"destination", "limits", "metrics", "peer", "signer", "sigstore", "share", "watch"}
    values = config.model_dump(exclude={"version", *tables})
    text = _TEMPLATE.format(**{key: _value(value) for key, value in values.items()})
    if config.sigstore is None:
        return text
    return text + _SIGSTORE.format(
        **{key: _value(value) for key, value in config.sigstore.model_dump().items()}
    )


def _value(value: object) -> str:
    if isinstance(value, bool):
        return str(value).lower()
    return _string(value) if isinstance(value, str) else str(value)


def _string(text: str) -> str:
    """A TOML basic string. JSON's escapes are a subset of TOML's, but for DEL."""
    return json.dumps(text, ensure_ascii=False).replace("\x7f", "\\u007F")
