"""`pierhead endpoints top`: what passes through the gateways of this machine, as it happens."""

import time
from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING

import click

from pierhead.cli.failures import ExitCode, Failure
from pierhead.cli.options import home_option, load_settings, output_option
from pierhead.cli.output import Format, show_json, show_table

if TYPE_CHECKING:
    from rich.table import Table

    from pierhead.cli.endpoint_rates import Rates
    from pierhead.serving.services.traffic import EndpointTraffic

_HEADINGS = (
    *("ENDPOINT", "ENTITY", "VERSION", "REQ/S", "P50 MS", "P95 MS", "P99 MS"),
    *("IN FLIGHT", "WAITING", "WORKERS", "ERRORS/S", "LIMITED/S"),
)


@click.command("top")
@click.argument("names", nargs=-1)
@click.option("--once", is_flag=True, help="Print one reading and end, for scripts.")
@click.option(
    "--interval", "interval_s", type=click.FloatRange(min=1.0), default=2.0, show_default=True, help="Seconds between."
)
@home_option
@output_option
def endpoints_top(names: tuple[str, ...], once: bool, interval_s: float, home: Path | None, output: Format) -> None:
    """Watch requests, latencies and workers of the endpoints NAMES [all]; for the machine that the platform runs on.

    Gateways tell what they counted once a second, so nothing shorter can be seen.
    """
    from pierhead.kit.home import Home

    folder = Home(load_settings(home=home).home).run / "gateways"
    before = _read(folder, names)
    if once or output is Format.JSON:
        time.sleep(interval_s)
        _print(_rates_since(before, folder, names, interval_s), output)
    else:
        _watch(before, folder, names, interval_s)


def _read(folder: Path, names: Sequence[str]) -> "dict[str, EndpointTraffic]":
    from pierhead.serving.services.traffic import read_all_traffic

    if not any(folder.glob("*.json")):
        raise Failure(
            f"no gateway tells its counters in {folder}",
            code=ExitCode.UNREACHABLE,
            remedy="start the platform with `pierhead up`, or say which --home it runs on",
        )
    traffic = read_all_traffic(folder)
    unknown = [name for name in names if name not in traffic]
    if unknown:
        raise Failure(
            f"the gateways know no live endpoint {', '.join(map(repr, unknown))}",
            code=ExitCode.NOT_FOUND,
            remedy="pierhead endpoints list",
        )
    return {name: traffic[name] for name in names} if names else traffic


def _rates_since(
    before: "dict[str, EndpointTraffic]", folder: Path, names: Sequence[str], seconds: float
) -> "list[Rates]":
    from pierhead.cli.endpoint_rates import rates

    return rates(before, _read(folder, names), seconds)


def _print(found: "list[Rates]", output: Format) -> None:
    if output is Format.JSON:
        show_json({"entities": [asdict(each) for each in found]})
    else:
        show_table(_HEADINGS, map(_cells, found), empty="No endpoint has anything live.")


def _watch(before: "dict[str, EndpointTraffic]", folder: Path, names: Sequence[str], interval_s: float) -> None:
    from rich.live import Live

    from pierhead.cli.endpoint_rates import rates

    try:
        with Live(_table([]), auto_refresh=False, screen=True) as live:
            since_s = time.monotonic()
            while True:
                time.sleep(interval_s)
                after = _read(folder, names)
                now_s = time.monotonic()
                live.update(_table(rates(before, after, now_s - since_s)), refresh=True)
                before, since_s = after, now_s
    except KeyboardInterrupt:
        return


def _table(found: "list[Rates]") -> "Table":
    from rich.box import SIMPLE_HEAD
    from rich.table import Table

    table = Table(box=SIMPLE_HEAD, caption="busiest first; Ctrl-C ends")
    for number, heading in enumerate(_HEADINGS):
        table.add_column(heading, justify="left" if number < 3 else "right")
    for each in sorted(found, key=lambda one: -one.requests_per_s):
        style = "red" if each.errors_per_s else "yellow" if each.waiting else None
        table.add_row(*_cells(each), style=style)
    return table


def _cells(each: "Rates") -> list[str]:
    return [
        each.endpoint,
        each.entity,
        each.version,
        f"{each.requests_per_s:.1f}",
        *("-" if ms is None else f"{ms:.2f}" for ms in (each.p50_ms, each.p95_ms, each.p99_ms)),
        str(each.in_flight),
        str(each.waiting),
        str(each.workers),
        f"{each.errors_per_s:.1f}",
        f"{each.limited_per_s:.1f}",
    ]
