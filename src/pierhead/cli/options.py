"""Options that many commands share."""

import sys
from collections.abc import Callable
from functools import wraps
from pathlib import Path
from typing import Any, TypeVar

import click

from pierhead.cli.output import Format
from pierhead.cli.remote import Remote
from pierhead.cli.target import find_target

Command = TypeVar("Command", bound=Callable[..., Any])


class _Folder(click.Path):
    """A path that is not empty: an unset variable must not mean the current folder."""

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> Any:
        if not str(value):
            self.fail("it is empty", param, ctx)
        return super().convert(value, param, ctx)


home_option = click.option(
    "--home",
    type=_Folder(path_type=Path),
    help="Folder that holds all state [PIERHEAD_HOME, ~/.pierhead].",
)
output_option = click.option(
    "-o",
    "--output",
    "output",
    type=click.Choice([format.value for format in Format]),
    default=Format.TABLE.value,
    callback=lambda _ctx, _option, value: Format(value),
    help="How to print the result.",
)
yes_option = click.option("--yes", is_flag=True, help="Do not ask.")


def confirm(question: str, *, is_given: bool) -> None:
    """Go on if the person agrees, or has agreed by --yes. Raises Abort, or UsageError if nobody can answer."""
    if is_given:
        return
    try:
        is_agreed = click.confirm(question, err=True)
    except click.Abort:
        if sys.stdin.isatty():
            raise
        click.echo(err=True)
        raise click.UsageError("nobody is there to answer: give --yes") from None
    if not is_agreed:
        raise click.Abort


def talks_to_server(command: Callable[..., None]) -> Callable[..., None]:
    """Give a command `remote` as its first argument, and the options that say which server it is."""

    @home_option
    @click.option("-p", "--profile", help="Profile in ~/.databrickscfg [DATABRICKS_CONFIG_PROFILE].")
    @wraps(command)
    def with_remote(home: Path | None, profile: str | None, **given: Any) -> None:
        command(Remote(find_target(home, profile)), **given)

    return with_remote


def load_settings(**flags: Any) -> Any:
    """The settings under these flags. Raises Failure with one line per wrong value."""
    from pydantic import ValidationError

    from pierhead.cli.failures import ExitCode, Failure
    from pierhead.kit.settings import load

    try:
        return load(**flags)
    except ValidationError as error:
        lines = [f"{'.'.join(map(str, item['loc']))}: {item['msg']}" for item in error.errors()]
        raise Failure("settings: " + "; ".join(lines), code=ExitCode.USAGE, remedy="pierhead config show") from None
    except ValueError as error:
        raise Failure(f"pierhead.toml cannot be read: {error}", code=ExitCode.USAGE) from None
