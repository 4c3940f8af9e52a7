"""`sandlot`: run the service, and look after its API keys."""

from __future__ import annotations

import sys
from importlib import metadata
from typing import Annotated

import typer

from api.cli.keys import keys
from api.cli.serve import AddressError, serve
from api.data_dir import DataDirError
from api.settings import SettingsError
from runtime.errors import SandlotError


def _show_version(wanted: bool) -> None:
    if wanted:
        typer.echo(f"sandlot {metadata.version('sandlot')}")
        raise typer.Exit


commands = typer.Typer(
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
)


@commands.callback()
def sandlot(
    version: Annotated[bool, typer.Option("--version", is_eager=True, callback=_show_version, help="Show it.")] = False,
) -> None:
    """OpenAI's Containers API on your own machine, with real containers behind it."""


commands.command()(serve)
commands.add_typer(keys, name="keys")


def app() -> None:
    """The command's entry point: what the user can mend is said in words, not in a traceback."""
    try:
        commands()
    except (SettingsError, AddressError, DataDirError, SandlotError) as error:
        sys.exit(f"sandlot: {error}")


if __name__ == "__main__":
    app()
