"""What holds of every command of both programs, found by looking at them."""

import click
import pytest
import typer
from typer.testing import CliRunner

import rebuilders.cli.main
import witness.cli.main
from witness import __version__

PROGRAMS = {"rebuilder": rebuilders.cli.main.app, "wheelwitness": witness.cli.main.app}
ABOUT_ITSELF = {"help", "version", "install_completion", "show_completion"}


def commands():
    for program, app in PROGRAMS.items():
        group = typer.main.get_command(app)
        for name in group.list_commands(click.Context(group)):
            command = group.get_command(click.Context(group), name)
            below = getattr(command, "commands", None)
            if below:
                yield from ((program, f"{name} {inner}", leaf) for inner, leaf in below.items())
            else:
                yield program, name, command


COMMANDS = list(commands())
IDS = [f"{program} {name}" for program, name, _ in COMMANDS]


def test_the_commands():
    assert {f"{program} {name}" for program, name, _ in COMMANDS} >= {
        "rebuilder rebuild", "rebuilder batch", "rebuilder plan", "rebuilder compare", "rebuilder doctor",
        "rebuilder init", "rebuilder run", "rebuilder add", "rebuilder publish", "rebuilder serve", "rebuilder status",
        "wheelwitness check", "wheelwitness verify", "wheelwitness show", "wheelwitness hashes", "wheelwitness proxy",
        "wheelwitness log check", "wheelwitness log evidence",
    }  # fmt: skip


@pytest.mark.parametrize(("program", "name", "command"), COMMANDS, ids=IDS)
def test_every_option_has_an_environment_variable(program, name, command):
    options = [p for p in command.params if p.param_type_name == "option" and p.name not in ABOUT_ITSELF]
    for option in options:
        assert option.envvar, f"{name} --{option.name}"
        long = max(option.opts, key=len).removeprefix("--")
        assert option.envvar == f"WHEELWITNESS_{long.upper().replace('-', '_')}"
    assert all(option.help for option in options)


@pytest.mark.parametrize(("program", "name", "command"), COMMANDS, ids=IDS)
def test_every_help_has_an_example(program, name, command):
    shown = CliRunner().invoke(PROGRAMS[program], [*name.split(), "--help"])
    assert shown.exit_code == 0
    assert "Example" in shown.output
    assert f"\n    {program} {name}" in shown.output


@pytest.mark.parametrize("program", PROGRAMS)
def test_the_program_itself(program):
    run = CliRunner()
    assert run.invoke(PROGRAMS[program], ["--version"]).output == f"{program} {__version__}\n"
    shown = run.invoke(PROGRAMS[program], ["-h"])
    assert shown.exit_code == 0
    assert "Examples:" in shown.output
    assert run.invoke(PROGRAMS[program], ["frobnicate"]).exit_code == 2
    assert run.invoke(PROGRAMS[program], ["--frobnicate"]).exit_code == 2
