"""`rebuilder init`: a new node with its keys."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from rebuilders.cli.options import CacheOption, ContactOption, IndexOption, NodeArgument
from witness.errors import InputError

if TYPE_CHECKING:
    from rebuilders.node.config import SigstoreConfig


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
    typer.echo("Consumers name it in their policy as:\n")
    typer.echo(policy_entry(config, signers, url or str(node.site.absolute())))


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
