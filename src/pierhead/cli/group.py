"""Command groups that end with our exit codes."""

from typing import Any

import click

from pierhead.cli.failures import ExitCode, Failure, exit_code_of
from pierhead.kit.errors import DiskFull, PierheadError


class PierheadGroup(click.Group):
    """The outermost group: refusals of Pierhead's own code and interrupts become exit codes."""

    def invoke(self, ctx: click.Context) -> Any:
        try:
            return super().invoke(ctx)
        except DiskFull as error:
            raise Failure(error.message) from error
        except PierheadError as error:
            raise Failure(error.message, code=exit_code_of(error.code)) from error
        except KeyboardInterrupt:
            click.echo("Interrupted", err=True)
            ctx.exit(int(ExitCode.INTERRUPTED))
