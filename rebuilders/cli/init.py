"""`rebuilder init`: a new node with its keys."""

from typing import Annotated

import typer

from rebuilders.cli.options import CacheOption, ContactOption, IndexOption, NodeArgument


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
    jobs: Annotated[int, typer.Option(envvar="WHEELWITNESS_JOBS", min=1, help="Rebuilds at a time.")] = 1,
    index: IndexOption = "",
    cache: CacheOption = None,
    contact: ContactOption = "",
) -> None:
    """Make a node: a directory with its configuration, keys, log and site.

    \b
    Example:
      rebuilder init node --name node-a.example --operator 'Operator A' --url https://node-a.example/
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
    )
    parse(toml_of(config), "the options")  # names the option that node.toml would be refused for
    node = NodeDirectory(directory)
    signers = make(node, config)
    typer.echo(f"{directory}: a node, with new keys in {node.keys} (back them up, and show them to nobody)")
    typer.echo("Consumers name it in their policy as:\n")
    typer.echo(policy_entry(config, signers, url or str(node.site.absolute())))
