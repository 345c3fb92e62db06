"""`rebuilder aggregate`: pages about several nodes, held against each other."""

from pathlib import Path
from typing import Annotated

import typer

from rebuilders.cli.options import QuietOption


def aggregate(
    out: Annotated[
        Path,
        typer.Argument(
            metavar="OUT",
            help="Where the pages go: OUT/site is to be served, OUT/state is not.",
            show_default=False,
        ),
    ],
    sites: Annotated[
        list[Path] | None,
        typer.Argument(
            metavar="SITE",
            help="The sites of witnesses of the policy, such as `rebuilder mirror` copies them. Default: those whose "
            "address in the policy is a directory.",
            show_default=False,
        ),
    ] = None,
    policy: Annotated[
        Path | None,
        typer.Option(
            "--policy",
            envvar="WHEELWITNESS_POLICY",
            help="Who the witnesses are, with their keys. Default: policy.toml in your configuration directory, "
            "unless --node is given.",
            show_default=False,
        ),
    ] = None,
    nodes: Annotated[
        list[Path] | None,
        typer.Option(
            "--node",
            envvar="WHEELWITNESS_NODE",
            metavar="DIR",
            help="A node of your own, by its directory; may be given several times.",
            show_default=False,
        ),
    ] = None,
    title: Annotated[
        str,
        typer.Option(
            "--title", envvar="WHEELWITNESS_TITLE", help="What the pages are called.", show_default=False
        ),
    ] = "",
    url: Annotated[
        str,
        typer.Option(
            "--url",
            envvar="WHEELWITNESS_URL",
            help="Where OUT/site is served, for the addresses in feeds.",
            show_default=False,
        ),
    ] = "",
    quiet: QuietOption = False,
) -> None:
    """Make pages of what several nodes have published: who agrees, who does not, who is silent.

    \b
    Examples:
      rebuilder aggregate network copy-a/site copy-b/site --policy policy.toml
      rebuilder aggregate ours --node node-a --node node-b

    Exit codes: 0 done, 1 a log is not what it should be, 2 usage, 5 could not complete.
    """
    from rebuilders.cli.telling import on_a_line
    from rebuilders.site.making import pages_of_several

    with on_a_line(quiet=quiet) as tell:
        made = pages_of_several(out, sites or (), policy, nodes or (), title=title, url=url, tell=tell)
    if not quiet:
        typer.echo(f"{made.text}; see {out / 'site' / 'index.html'}")
