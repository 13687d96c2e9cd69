"""Writes docs/cli.md from the commands themselves: ``python -m entailment.cli.reference > docs/cli.md``.

Built from names and help texts, not from click's printed page, whose layout changes with its version and with
the width of the terminal.
"""

from __future__ import annotations

import inspect
from collections.abc import Iterator

import click

from entailment.cli.app import EXIT_CODES, entail


def reference() -> str:
    """The command line in Markdown."""
    return "\n".join(_lines()) + "\n"


def _lines() -> Iterator[str]:
    yield "# The command line"
    yield ""
    yield "<!-- Written by `make docs` from the commands' own help; a test compares. Do not edit. -->"
    yield from _prose(entail)
    yield "## Exit codes"
    yield ""
    yield from (f"- `{code}`: {meaning}" for code, meaning in EXIT_CODES.items())
    for name, command in sorted(entail.commands.items()):
        yield from _command(f"entail {name}", command)


def _command(name: str, command: click.Command) -> Iterator[str]:
    """A command, and those below it."""
    yield ""
    yield f"## {name}"
    yield from _prose(command)
    if isinstance(command, click.Group):
        yield f"`{name} COMMAND [OPTIONS]`, where COMMAND is one of these:"
        for below, each in sorted(command.commands.items()):
            yield from _command(f"{name} {below}", each)
        return
    arguments = [parameter for parameter in command.params if isinstance(parameter, click.Argument)]
    usage = [argument.metavar or f"[{(argument.name or '').upper()}]" for argument in arguments]
    yield f"`{' '.join([name, '[OPTIONS]', *usage])}`"
    yield ""
    for parameter in command.params:
        if isinstance(parameter, click.Option):
            yield _option(parameter)


def _prose(command: click.Command) -> Iterator[str]:
    """A help text: paragraphs, and the examples (which click marks with a backspace) as code."""
    yield ""
    for paragraph in inspect.cleandoc(command.help or "").split("\n\n"):
        lines = paragraph.splitlines()
        if lines[0] == "\b":
            yield from ("```", *lines[1:], "```", "")
        else:
            yield from (*lines, "")


def _option(option: click.Option) -> str:
    names = ", ".join(option.opts) + (f" {option.metavar}" if option.metavar else "")
    required = " Required." if option.required else ""
    default = f"  [default: {option.default}]" if option.show_default else ""
    return f"- `{names}`: {option.help}{required}{default}"


if __name__ == "__main__":
    click.echo(reference(), nl=False)
