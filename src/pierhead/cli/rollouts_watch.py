"""`pierhead rollouts watch`: the steps of a rollout as they are taken."""

import sys
import time
from typing import TYPE_CHECKING, Any

import click

from pierhead.cli.failures import ExitCode, Failure
from pierhead.cli.options import output_option, talks_to_server
from pierhead.cli.output import Format, moment, say, show_json, show_table
from pierhead.cli.remote import Remote, part
from pierhead.cli.rollout_words import MARKS, STATUS_WORDS, candidate_of, duration, gate_rows, step_name

if TYPE_CHECKING:
    from rich.console import Group

_OPEN = ("running", "paused", "held", "promoting")
_LONGEST_SILENCE_S = 30.0
_GATE_HEADINGS = ("GATE", "SAYS", "HARM", "BOUNDS", "MARGIN", "N", "")
_STYLES = {"passed": "green", "current": "bold", "ended": "red", "next": "dim"}


@click.command("watch")
@click.argument("name")
@click.option("--once", is_flag=True, help="Print how it stands and end, for scripts.")
@click.option(
    "--interval", "interval_s", type=click.FloatRange(min=0.2), default=1.0, show_default=True, help="Seconds between."
)
@output_option
@talks_to_server
def watch_rollout(remote: Remote, name: str, once: bool, interval_s: float, output: Format) -> None:
    """Watch rollout NAME until it ends: its steps, the gates with their numbers, the time that is left.

    Exit code 0 if it is promoted (or, with --once, under way), 1 if it ended otherwise.
    """
    body = _get(remote, name)
    if output is Format.JSON:
        show_json(body)
    elif once:
        _print(body)
    elif sys.stdout.isatty():
        body = _watch(remote, name, body, interval_s)
    else:
        body = _follow(remote, name, body, interval_s)
    status = body["rollout"]["status"]
    if status not in (*_OPEN, "promoted"):
        raise Failure(
            f"the rollout of {candidate_of(body['rollout'])} is {STATUS_WORDS[status]}: {body['rollout']['reason']}",
            remedy=f"pierhead rollouts explain {name}, then pierhead rollouts retry {name}",
        )


def _get(remote: Remote, name: str) -> dict[str, Any]:
    body: dict[str, Any] = remote.get(f"/api/2.0/pierhead/rollouts/{part(name)}")
    return body


def _again(remote: Remote, name: str, interval_s: float) -> dict[str, Any]:
    """After a pause; a server that is started again is waited for."""
    silent_until_s = time.monotonic() + _LONGEST_SILENCE_S
    while True:
        time.sleep(interval_s)
        try:
            return _get(remote, name)
        except Failure as failure:
            if failure.exit_code != ExitCode.UNREACHABLE or time.monotonic() > silent_until_s:
                raise


def _watch(remote: Remote, name: str, body: dict[str, Any], interval_s: float) -> dict[str, Any]:
    from rich.live import Live

    name = body["rollout"]["id"]
    try:
        with Live(_screen(body), auto_refresh=False) as live:
            while body["rollout"]["status"] in _OPEN:
                body = _again(remote, name, interval_s)
                live.update(_screen(body), refresh=True)
    except KeyboardInterrupt:
        say("The rollout goes on; watch it again at any time")
    return body


def _follow(remote: Remote, name: str, body: dict[str, Any], interval_s: float) -> dict[str, Any]:
    """A line whenever something changes, for pipes and logs."""
    last, name = "", body["rollout"]["id"]
    while True:
        line = _line(body)
        if line != last:
            click.echo(line)
            last = line
        if body["rollout"]["status"] not in _OPEN:
            return body
        body = _again(remote, name, interval_s)


def _line(body: dict[str, Any]) -> str:
    found, decision = body["rollout"], body["progress"]["decision"]
    step = f"step {found['step'] + 1} of {len(found['steps'])} ({step_name(found['steps'][found['step']])})"
    why = found["reason"] or (decision["rule"] if decision else "the candidate is being brought up")
    return f"{STATUS_WORDS[found['status']]}, {step}: {why}"


def _head(body: dict[str, Any]) -> list[tuple[str, str]]:
    found = body["rollout"]
    last = body["last_decision"]
    return [
        ("endpoint", found["endpoint"]),
        ("candidate", candidate_of(found) + f" ({found['candidate']['served_entity']})"),
        ("champion", found["champion"]),
        ("status", STATUS_WORDS[found["status"]] + (f": {found['reason']}" if found["reason"] else "")),
        ("began", f"{moment(found['created_at'])} by {found['created_by']}, attempt {found['attempt']}"),
        ("last decision", f"{moment(last['at'])} {last['outcome']}: {last['reason']}" if last else "none yet"),
        ("now", _now(body)),
    ]


def _now(body: dict[str, Any]) -> str:
    found, progress = body["rollout"], body["progress"]
    if found["status"] not in _OPEN:
        return f"over since {moment(found['ended_at'])}"
    if progress["decision"] is None:
        return "the candidate is being brought up"
    left = f", at least {duration(progress['least_left_s'])} to go" if progress["least_left_s"] else ""
    decision = progress["decision"]
    why = "the step's least time is not over" if decision["rule"] == "duration" else decision["reason"]
    return f"{why} ({duration(progress['busy_s'])} in this step{left})"


def _step_cells(body: dict[str, Any]) -> list[tuple[str, ...]]:
    progress = body["progress"]
    rows: list[tuple[str, ...]] = []
    for number, step in enumerate(body["rollout"]["steps"], 1):
        is_current = step["standing"] == "current"
        spent = duration(progress["busy_s"]) if is_current else ""
        time_cell = " of ".join(filter(None, (spent, duration(step["least_duration_s"]))))
        rows.append((MARKS[step["standing"]], str(number), step_name(step), time_cell, str(step["least_requests"])))
    return rows


def _print(body: dict[str, Any]) -> None:
    width = max(len(key) for key, _ in _head(body))
    for key, value in _head(body):
        click.echo(f"{key.ljust(width)}  {value}")
    click.echo()
    show_table(["", "STEP", "TRAFFIC", "TIME", "LEAST REQUESTS"], _step_cells(body), empty="No steps.")
    gates = _gates(body)
    if gates:
        click.echo()
        show_table(_GATE_HEADINGS, gate_rows(gates), empty="No gates.")


def _gates(body: dict[str, Any]) -> list[dict[str, Any]]:
    """Of this moment; of a rollout that is over, those that decided."""
    decision = body["progress"]["decision"] or body["last_decision"]
    gates: list[dict[str, Any]] = decision["gates"] if decision else []
    return gates


def _screen(body: dict[str, Any]) -> "Group":
    from rich.box import SIMPLE_HEAD
    from rich.console import Group
    from rich.table import Table
    from rich.text import Text

    head = Table.grid(padding=(0, 2))
    for key, value in _head(body):
        head.add_row(Text(key, style="dim"), Text(value))
    steps = Table(box=SIMPLE_HEAD)
    for heading in ("", "STEP", "TRAFFIC", "TIME", "LEAST REQUESTS"):
        steps.add_column(heading)
    for step, cells in zip(body["rollout"]["steps"], _step_cells(body), strict=True):
        steps.add_row(*cells, style=_STYLES[step["standing"]])
    gates = Table(box=SIMPLE_HEAD)
    for heading in _GATE_HEADINGS:
        gates.add_column(heading)
    for row in gate_rows(_gates(body)):
        gates.add_row(*(Text(str(cell)) for cell in row))
    return Group(head, steps, gates)
