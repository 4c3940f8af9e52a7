"""`sandlot keys`: make, list and delete API keys."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from datetime import UTC, datetime
from typing import Annotated, TypeVar

import typer

from api.data_dir import DataDirError, using
from api.settings import read_settings
from runtime.keys import KeyService
from runtime.runtime import is_new, open_keys
from runtime.values import ApiKey

T = TypeVar("T")

keys = typer.Typer(help="Make, list and delete API keys.", no_args_is_help=True)


@keys.command()
def create(name: Annotated[str, typer.Argument(help="What the key is for, for your own eyes.")]) -> None:
    """Make a key and print it; it is shown this once."""
    if not name.strip():
        raise typer.BadParameter("A key needs a name.", param_hint="NAME")
    _, key = _with_keys(lambda service: service.create(name))
    typer.echo(key)


@keys.command("list")
def list_() -> None:
    """List the keys: id, time of making, how much is stored with it, name."""
    for key, stored in _with_keys(_with_usage, of_before=True):
        made = datetime.fromtimestamp(key.created_at, UTC)
        typer.echo(f"{key.id}  {made:%Y-%m-%d %H:%M}Z  {stored / 1e6:9.1f} MB  {key.name}")


@keys.command()
def delete(key_id: Annotated[str, typer.Argument(help="The id, as `sandlot keys list` shows it.")]) -> None:
    """Delete a key, with all that it has made. A running service may take it for five seconds more."""
    _with_keys(lambda service: service.delete(key_id), of_before=True)


async def _with_usage(service: KeyService) -> list[tuple[ApiKey, int]]:
    return [(key, await service.usage(key.id)) for key in await service.list()]


def _with_keys(use: Callable[[KeyService], Awaitable[T]], *, of_before: bool = False) -> T:
    """What `use` returns; with `of_before` there have to be keys already, so nothing is made to look for them in."""
    settings = read_settings()

    async def run() -> T:
        async with open_keys(settings.to_config()) as service:
            return await use(service)

    with using(settings.data_dir):
        if is_new(settings.to_config()):
            none_yet = f"There is no Sandlot in {settings.data_dir} yet. See SANDLOT_DATA_DIR."
            if of_before:
                raise DataDirError(none_yet)
            typer.echo(f"{none_yet} This key is the first of a new one.", err=True)
        return asyncio.run(run())
