"""What is under way, on one line of a terminal that is written over."""

import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager

from witness.escape import printable


@contextmanager
def on_a_line(*, quiet: bool) -> Iterator[Callable[[str], None]]:
    """Gives what tells people on standard error how far it is, if that is a terminal; the line is gone at the end."""
    if quiet or not sys.stderr.isatty():
        yield lambda _: None
        return
    from rich.console import Console

    with Console(stderr=True).status("reading") as status:
        yield lambda text: status.update(printable(text))
