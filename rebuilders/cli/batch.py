"""`rebuilder batch`: many targets, one JSON line each."""

import os
import sys
from pathlib import Path
from typing import Annotated

import typer

from rebuilders.cli.options import (
    CacheOption,
    ContactOption,
    IndexOption,
    InstallOption,
    QuietOption,
    TimeoutOption,
    settings,
)
from rebuilders.cli.written import write
from rebuilders.config import DEFAULT_TIMEOUT


def batch(
    targets: Annotated[Path, typer.Argument(metavar="LIST", help="A file with one target a line.")],
    out: Annotated[
        Path, typer.Option(envvar="WHEELWITNESS_OUT", help="The JSON Lines file; it is resumed if it exists.")
    ],
    page: Annotated[
        Path | None,
        typer.Option(
            envvar="WHEELWITNESS_PAGE", metavar="FILE.html", help="Write the summary as a page, too."
        ),
    ] = None,
    jobs: Annotated[
        int,
        typer.Option(
            envvar="WHEELWITNESS_JOBS", min=1, help="Rebuilds at a time.", show_default="the number of cores"
        ),
    ] = os.cpu_count() or 1,
    timeout: TimeoutOption = DEFAULT_TIMEOUT,
    index: IndexOption = "",
    cache: CacheOption = None,
    contact: ContactOption = "",
    install_pythons: InstallOption = False,
    quiet: QuietOption = False,
) -> None:
    """Rebuild many targets. Interrupted, the same command goes on where it stopped.

    \b
    Example:
      rebuilder batch targets.txt --out results.jsonl --page results.html --jobs 2

    Exit codes: 0 all targets have a result, 2 usage, 5 could not complete.
    """
    from rich.console import Console
    from rich.progress import BarColumn, MofNCompleteColumn, Progress, TimeElapsedColumn

    from rebuilders.batch import Batch, read_list, read_results, run
    from rebuilders.sandbox.bubblewrap import Bubblewrap, probe
    from rebuilders.summary import page as page_of
    from rebuilders.summary import rendered, summarise

    names = read_list(targets)
    if page is not None:
        write(page, "a", "", option="--page")  # before anything runs: a batch may take days
    probe(Bubblewrap.find())
    shown = not quiet and sys.stderr.isatty()
    columns = (BarColumn(), MofNCompleteColumn(), TimeElapsedColumn())
    with Progress(*columns, console=Console(stderr=True), disable=not shown, transient=True) as progress:
        task = progress.add_task("rebuilding", total=len(names))
        told = settings(index, cache, contact, install_pythons=install_pythons)
        run(Batch(told, jobs, timeout), names, out, lambda: progress.advance(task))
    summary = summarise(read_results(out))
    if page is not None:
        write(page, "w", page_of(summary), option="--page")
    if not quiet:
        typer.echo(rendered(summary))
