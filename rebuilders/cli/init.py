"""`rebuilder init`: a new node with its keys."""

import os
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from rebuilders.cli.options import CacheOption, ContactOption, IndexOption, NodeArgument
from witness.errors import InputError

if TYPE_CHECKING:
    from rebuilders.node.config import NodeConfig, SigstoreConfig


def init(
    directory: NodeArgument,
    name: Annotated[
        str,
        typer.Option(
            envvar="WHEELWITNESS_NAME", prompt=True, help="The node's name, such as node-a.example."
        ),
    ],
    operator: Annotated[
        str,
        typer.Option(
            envvar="WHEELWITNESS_OPERATOR", prompt=True, help="Who runs it, as consumers' policies will say."
        ),
    ],
    url: Annotated[
        str,
        typer.Option(
            envvar="WHEELWITNESS_URL", help="Where the directory site/ will be served.", show_default=False
        ),
    ] = "",
    sigstore: Annotated[
        tuple[str, str] | None,
        typer.Option(
            envvar="WHEELWITNESS_SIGSTORE",
            metavar="IDENTITY ISSUER",
            help="Sign observations without a key, in this name, which this identity provider vouches for.",
            show_default=False,
        ),
    ] = None,
    trust: Annotated[
        Path | None,
        typer.Option(
            envvar="WHEELWITNESS_TRUST",
            help="A client trust config, with --sigstore. Default: the public instance.",
            show_default=False,
        ),
    ] = None,
    jobs: Annotated[int, typer.Option(envvar="WHEELWITNESS_JOBS", min=1, help="Rebuilds at a time.")] = 1,
    index: IndexOption = "",
    cache: CacheOption = None,
    contact: ContactOption = "",
) -> None:
    """Make a node: a directory with its configuration, keys, log and site.

    \b
    Examples:
      rebuilder init node --name node-a.example --operator 'Operator A' --url https://node-a.example/
      rebuilder init node --name n.example --operator 'Operator A' --sigstore ci@n.example https://token.ci.example
    """
    from rebuilders.node.config import NodeConfig, NodeDirectory, parse
    from rebuilders.node.setup import make, policy_entry, toml_of

    if sys.stdin.isatty() and not contact:
        contact, jobs = _asked(jobs)
    config = NodeConfig(
        version=1,
        name=name,
        operator=operator,
        url=url,
        contact=contact,
        index=index,
        cache=str(cache.absolute()) if cache else "",
        jobs=jobs,
        sigstore=_sigstore(sigstore, trust),
    )
    parse(toml_of(config), "the options")  # names the option that node.toml would be refused for
    node = NodeDirectory(directory)
    signers = make(node, config)
    typer.echo(f"{directory}: a node, with new keys in {node.keys} (back them up, and show them to nobody)")
    _look(config)
    typer.echo(f"Next:\n  rebuilder doctor {directory}\n  rebuilder add {directory} six==1.17.0")
    typer.echo(f"  rebuilder run {directory}")
    typer.echo("Consumers name it in their policy as:\n")  # the last, so that it can be cut off and used
    typer.echo(policy_entry(config, signers, url or str(node.site.absolute())))


def _asked(jobs: int) -> tuple[str, int]:
    """Contact and rebuilds at a time, of whoever sits there."""
    typer.echo(
        "The operators of the package index may want to reach you: by an e-mail address or URL, if you give one."
    )
    contact = typer.prompt("Contact", default="", show_default=False)
    typer.echo(
        f"Rebuilds at a time: this machine has {os.cpu_count()} cores; each takes one, and about 1 GiB of memory."
    )
    jobs = typer.prompt("Jobs", default=jobs, type=int)
    typer.echo("More that a node may take, such as hours and disk, is in [limits] of node.toml.")
    return contact, jobs


def _look(config: "NodeConfig") -> None:
    """The part of `doctor` that asks nobody, so that what this machine lacks is known from the start."""
    from functools import partial

    from rebuilders.cli.doctor import checked, machine_checks, tell

    checks = machine_checks(config.jobs, offline=True, static=config.method == "static")
    found = [checked(name, partial(check, config.settings)) for name, check in checks.items()]
    if missing := [item for item in found if not item.ok]:
        typer.echo("This machine:")
        tell(missing)


def _sigstore(named: tuple[str, str] | None, trust: Path | None) -> "SigstoreConfig | None":
    from rebuilders.node.config import SigstoreConfig

    if named is None:
        if trust is not None:
            raise InputError("--trust without --sigstore", hint="Give both, or neither.")
        return None
    # Not checked here: what node.toml would refuse is refused with its key.
    return SigstoreConfig.model_construct(
        identity=named[0], issuer=named[1], token="", trust=str(trust.absolute()) if trust else "", rekor=1
    )
