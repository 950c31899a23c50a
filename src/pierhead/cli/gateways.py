"""`pierhead gateways`: the processes behind the public port."""

from pathlib import Path

import click

from pierhead.cli.failures import ExitCode, Failure
from pierhead.cli.options import home_option
from pierhead.cli.target import default_home
from pierhead.kit.home import Home


@click.group()
def gateways() -> None:
    """The processes behind the public port, on the machine of the home."""


@gateways.command("hand-over")
@home_option
@click.option("--timeout", "timeout_s", type=float, default=90.0, help="Longest wait, seconds.")
def hand_over(home: Path | None, timeout_s: float) -> None:
    """Replace each gateway by a new process, which takes the settings and the code of this moment.

    No request fails: the new process accepts before the old one stops.
    """
    from pierhead.processes.exchange import NothingToExchange, exchange_gateways

    place = default_home() if home is None else Home(home.expanduser().absolute())
    try:
        found = exchange_gateways(place, timeout_s=timeout_s)
    except NothingToExchange as error:
        raise Failure(error.message, code=ExitCode.UNREACHABLE, remedy=f"pierhead up --home {place.root}") from None
    for each in found:
        if each.new_process_id is not None:
            click.echo(f"{each.name}: process {each.old_process_id} has handed over to {each.new_process_id}")
    stayed = [each.name for each in found if each.new_process_id is None]
    if stayed:
        raise Failure(
            f"{', '.join(stayed)} did not hand over within {timeout_s:g} s; `pierhead up` has printed why",
            code=ExitCode.WAIT_TIMED_OUT,
            remedy=f"pierhead doctor --home {place.root}",
        )
