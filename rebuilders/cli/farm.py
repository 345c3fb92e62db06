"""`rebuilder farm`: machines that rebuild for a node, each with a worker, around one Dask scheduler."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from rebuilders.cli.options import CacheOption
from witness.errors import InputError
from witness.program import Commands

if TYPE_CHECKING:
    from rebuilders.farm.link import Link

farm = typer.Typer(
    name="farm",
    cls=Commands,
    help="Have other machines rebuild for a node: a scheduler, and workers that join it.",
    no_args_is_help=True,
    rich_markup_mode=None,
)

_CaOption = Annotated[
    Path | None,
    typer.Option(
        envvar="WHEELWITNESS_CA",
        help="The certificate of the farm's own authority, in PEM.",
        show_default=False,
    ),
]
_CertOption = Annotated[
    Path | None,
    typer.Option(envvar="WHEELWITNESS_CERT", help="This machine's certificate, in PEM.", show_default=False),
]
_KeyOption = Annotated[
    Path | None,
    typer.Option(envvar="WHEELWITNESS_KEY", help="The key of that certificate, in PEM.", show_default=False),
]
_InsecureOption = Annotated[
    bool,
    typer.Option(
        "--insecure",
        envvar="WHEELWITNESS_INSECURE",
        help="Allow tcp:// to other machines: whoever reaches the scheduler can run code on every worker.",
    ),
]


@farm.command()
def scheduler(
    address: Annotated[
        str,
        typer.Argument(
            envvar="WHEELWITNESS_FARM_ADDRESS",
            help="Where to listen, such as tls://10.0.0.1:8786.",
            show_default=False,
        ),
    ],
    ca: _CaOption = None,
    cert: _CertOption = None,
    key: _KeyOption = None,
    insecure: _InsecureOption = False,
) -> None:
    """Run the scheduler that nodes and workers meet at, until stopped. It runs no build, and holds no key of a node.

    \b
    Examples:
      rebuilder farm scheduler tls://10.0.0.1:8786 --ca ca.pem --cert scheduler.pem --key scheduler.key

    Exit codes: 0 stopped, 2 usage.
    """
    _needs_distributed()
    from rebuilders.farm.hosts import run_scheduler

    link = _link(address, ca, cert, key, insecure)
    try:
        run_scheduler(link, typer.echo)
    except OSError as error:
        raise InputError(f"{address}: {error.strerror or error}") from None


@farm.command()
def worker(
    address: Annotated[
        str,
        typer.Argument(
            envvar="WHEELWITNESS_FARM_ADDRESS",
            help="The scheduler's, such as tls://10.0.0.1:8786.",
            show_default=False,
        ),
    ],
    jobs: Annotated[
        int, typer.Option(envvar="WHEELWITNESS_JOBS", min=1, max=256, help="Rebuilds at the same time.")
    ] = 1,
    tag: Annotated[
        list[str] | None,
        typer.Option(
            envvar="WHEELWITNESS_TAG",
            help="What this machine has besides its interpreters and architecture; can be repeated.",
            show_default=False,
        ),
    ] = None,
    host: Annotated[
        str,
        typer.Option(
            envvar="WHEELWITNESS_HOST",
            help="This machine's address, as the scheduler reaches it. Default: found out.",
            show_default=False,
        ),
    ] = "",
    cache: CacheOption = None,
    ca: _CaOption = None,
    cert: _CertOption = None,
    key: _KeyOption = None,
    insecure: _InsecureOption = False,
) -> None:
    """Rebuild for the nodes that are at a scheduler, until stopped. Needs a sandbox, and no key and no database.

    \b
    Examples:
      rebuilder farm worker tls://10.0.0.1:8786 --jobs 2 --ca ca.pem --cert worker.pem --key worker.key

    Exit codes: 0 stopped, 2 usage, 5 no sandbox works here.
    """
    _needs_distributed()
    from rebuilders.config import Settings
    from rebuilders.farm.hosts import Workers, run_workers

    link = _link(address, ca, cert, key, insecure)
    run_workers(Workers(link, jobs, tuple(tag or ()), host, Settings(cache=cache)), typer.echo)


def _link(address: str, ca: Path | None, cert: Path | None, key: Path | None, insecure: bool) -> "Link":
    from rebuilders.farm.link import Link

    return Link(address, ca, cert, key, insecure).check()


def _needs_distributed() -> None:
    from importlib.util import find_spec

    if find_spec("distributed") is None:
        raise InputError("Dask is not installed", hint="pip install 'wheelwitness[farm]'")
