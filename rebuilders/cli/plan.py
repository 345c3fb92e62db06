"""`rebuilder plan`: what would be built, and why, without building."""

import json as jsonlib
from dataclasses import asdict
from typing import Annotated

import typer

from rebuilders.cli.options import CacheOption, ContactOption, IndexOption, JsonOption, settings
from witness.names import TargetName


def plan(
    target: Annotated[str, typer.Argument(metavar="TARGET", help="name==version or a wheel's file name.")],
    json: JsonOption = False,
    index: IndexOption = "",
    cache: CacheOption = None,
    contact: ContactOption = "",
) -> None:
    """Print the recipes inferred for a published wheel, and the evidence for each decision.

    \b
    Example:
      rebuilder plan six==1.17.0
    """
    from rebuilders import definitions
    from rebuilders.environment.interpreters import installed
    from rebuilders.environment.pythons import directory_of
    from rebuilders.errors import NotBuilt
    from rebuilders.inputs import from_index
    from rebuilders.pipeline import prepare
    from rebuilders.text import rendered_plan
    from rebuilders.wiring import open_index

    name = TargetName.parse(target)
    told = settings(index, cache, contact)
    source, _, _ = open_index(told)
    try:
        found = from_index(name, source)
        planned = prepare(found, installed(directory_of(told.cache_path)), definitions.find).plan
    except NotBuilt as failure:
        typer.echo(f"{name}: {failure}", err=True)
        raise typer.Exit(3) from None
    if json:
        value = {"schema": "plan/1", "target": found.name.filename, **asdict(planned)}
        typer.echo(jsonlib.dumps(value, default=str))
    else:
        typer.echo(rendered_plan(planned, found.name.filename))
