"""How our programs end: every foreseen error as a message with a hint and an exit code, none as a traceback.

Signals that ask to end are exceptions, so that whatever was begun is put away first.
"""

import gc
import io
import os
import signal
import sys
import traceback
from collections.abc import Callable
from typing import Any, Final

import typer
from typer.core import TyperGroup

from witness.errors import InputError, Malformed, Unverified, WheelwitnessError

USAGE: Final = 2
INCOMPLETE: Final = 5
_INTERRUPTED: Final = 130
# Between searches for circles of objects, of which a program makes few. Python's own choice, 700 or 2000, costs a check
# of many files a tenth of its time.
_OBJECTS: Final = 50_000
# What asks a program to end besides Ctrl-C: a closed terminal is SIGHUP, and SIGBREAK on Windows.
_ENDING: Final = tuple(
    getattr(signal, name) for name in ("SIGTERM", "SIGHUP", "SIGBREAK") if hasattr(signal, name)
)


class Stopped(BaseException):
    """A signal other than that of Ctrl-C has asked to end. No KeyboardInterrupt, which typer has its own way with."""

    def __init__(self, number: int) -> None:
        super().__init__()
        self.number = number


class Commands(TyperGroup):
    """A group of commands that turns errors into a message on standard error and an exit code."""

    def invoke(self, ctx: Any) -> Any:
        try:
            return super().invoke(ctx)
        except WheelwitnessError as error:
            typer.echo(f"{self.name}: {error}", err=True)
            if error.hint:
                typer.echo(f"  {error.hint}", err=True)
            raise typer.Exit(exit_code(error)) from None
        except BrokenPipeError:  # the reader has what it wanted, and must not take the code for a verdict
            _write_no_more()
            raise typer.Exit(INCOMPLETE) from None
        except KeyboardInterrupt:
            typer.echo(f"{self.name}: interrupted", err=True)
            raise typer.Exit(_INTERRUPTED) from None


def run(name: str, app: Callable[[], Any]) -> None:
    """Runs a program. Whatever is not foreseen is a mistake of ours, and never looks like a result."""
    speak_plainly()
    gc.set_threshold(_OBJECTS)
    for number in _ENDING:
        if signal.getsignal(number) == signal.SIG_DFL:  # not what was started with nohup
            signal.signal(number, _stop)
    try:
        app()
    except Stopped as stopped:
        typer.echo(f"{name}: ended by {signal.Signals(stopped.number).name}", err=True)
        sys.exit(128 + stopped.number)
    except BrokenPipeError:
        _write_no_more()
        sys.exit(INCOMPLETE)
    except Exception as error:  # noqa: BLE001 - the last resort, so that no exit code is an accident
        if os.environ.get("WHEELWITNESS_DEBUG") == "1":
            traceback.print_exc()
        kind = type(error).__name__
        typer.echo(f"{name}: a mistake in the program itself ({kind}); please report it.", err=True)
        typer.echo("  Set WHEELWITNESS_DEBUG=1 to see where; nothing was decided.", err=True)
        sys.exit(INCOMPLETE)
    finally:
        # The process ends: a last search for circles of objects would take longer than to drop them all.
        gc.freeze()


def speak_plainly() -> None:
    """From here on, what a terminal's encoding has no character for is written as an escape, and is no error."""
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper):
            stream.reconfigure(errors="backslashreplace")


def _write_no_more() -> None:
    os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())


def _stop(number: int, frame: object) -> None:
    del frame
    for other in _ENDING:
        signal.signal(other, signal.SIG_IGN)  # once is enough: what is begun is being put away
    raise Stopped(number)


def exit_code(error: WheelwitnessError) -> int:
    if isinstance(error, InputError | Malformed):
        return USAGE
    return 1 if isinstance(error, Unverified) else INCOMPLETE
