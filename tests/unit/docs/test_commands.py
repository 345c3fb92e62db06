"""Every command of ours that the documentation shows exists: program, sub-command and each option."""

import re
import shlex

import pytest
import typer.main

from rebuilders.cli.main import app as rebuilder
from tests.unit.docs.pages import ROOT, blocks, commands, pages
from witness.cli.main import app as wheelwitness

APPS = {"wheelwitness": wheelwitness, "rebuilder": rebuilder}
SHOWN = [command for page in pages() for block in blocks(page) for command in commands(block)]
TARGETS = set(re.findall(r"^([a-z]+):", (ROOT / "Makefile").read_text("utf-8"), re.MULTILINE))


def test_there_are_many():
    assert len(SHOWN) > 30
    assert {command.program for command in SHOWN} == {"wheelwitness", "rebuilder", "make"}


@pytest.mark.parametrize("command", SHOWN, ids=lambda command: f"{command.place} {command.program}")
def test_it_parses(command):
    if command.program == "make":
        assert set(command.arguments) <= TARGETS
        return
    arguments = list(command.arguments)
    group = typer.main.get_command(APPS[command.program])
    if arguments in (["--version"], ["--help"]):
        return
    context = group.make_context(command.program, [*arguments])
    name, subcommand, rest = resolve(group, context, arguments)
    assert subcommand is not None
    if name == "add" and len(rest) == 1:
        rest = [*rest, "six==1.17.0"]  # through xargs
    subcommand.make_context(name, rest, parent=context)


def resolve(group, context, arguments):
    """The command that `arguments` name, in a group of the group's or in the group itself, and what is left."""
    name, command, rest = group.resolve_command(context, arguments)
    if hasattr(command, "commands"):
        return resolve(command, command.make_context(name, [*rest], parent=context), rest)
    return name, command, rest


def leaves(group):
    """Every command by its full name."""
    for name, command in group.commands.items():
        inner = getattr(command, "commands", None)
        yield from (
            ((f"{name} {below}", value) for below, value in inner.items()) if inner else [(name, command)]
        )


def spans(program):
    pattern = re.compile(rf"`{program} ([a-z][a-z-]*)([^`]*)`")
    return [(page, *found) for page in pages() for found in pattern.findall(page.read_text("utf-8"))]


def test_inline_targets_of_make():
    assert {target for _, target, _ in spans("make")} <= TARGETS


@pytest.mark.parametrize("program", APPS)
def test_inline_commands_and_their_options(program):
    known = dict(leaves(typer.main.get_command(APPS[program])))
    groups = {name.split()[0] for name in known if " " in name}
    for page, first, following in spans(program):
        name, rest = first, following
        if first in groups:
            below, _, rest = following.strip().partition(" ")
            name = f"{first} {below}"
        assert name in known, f"{page}: {program} {name}"
        taken = [(*parameter.opts, *parameter.secondary_opts) for parameter in known[name].params]
        options = {option for options in taken for option in options} | {"--help"}
        assert set(re.findall(r"--[a-z-]+", rest)) <= options, f"{page}: {program} {name}{rest}"


def test_examples_in_help_parse():
    examples = re.compile(r"^ +(wheelwitness|rebuilder) (\w.*)$", re.MULTILINE)
    text = (ROOT / "docs/reference/cli.md").read_text("utf-8")
    found = examples.findall(text)
    assert len(found) > 10
    for program, line in found:
        arguments = shlex.split(line)
        group = typer.main.get_command(APPS[program])
        context = group.make_context(program, [*arguments])
        name, subcommand, rest = resolve(group, context, arguments)
        subcommand.make_context(name, rest, parent=context)
