"""`pierhead models compile` and `pierhead models certificate`: how a version is served, and the proof."""

import time
from typing import Any

import click

from pierhead.cli.failures import ExitCode, Failure
from pierhead.cli.options import output_option, talks_to_server
from pierhead.cli.output import Format, moment, say, show_fields, show_json
from pierhead.cli.remote import Remote, part

_TIERS = {
    "A": "A: its compiled artifact answers",
    "B": "B: its library's own object answers",
    "C": "C: mlflow.pyfunc answers",
}
_LOOK_EVERY_S = 0.5


@click.command("compile")
@click.argument("name")
@click.argument("version")
@click.option("--no-wait", is_flag=True, help="Ask for it and return.")
@click.option("--timeout", "timeout_s", type=float, default=900.0, help="Longest wait, seconds.")
@output_option
@talks_to_server
def compile_version(remote: Remote, name: str, version: str, no_wait: bool, timeout_s: float, output: Format) -> None:
    """Compile VERSION of model NAME again and prove it, and show the certificate.

    Until it is done, the last certificate stays in force.
    """
    found = remote.call("POST", _path(name, version))["compilation"]
    until_s = time.monotonic() + timeout_s
    while not no_wait and found["state"] not in ("DONE", "BROKEN"):
        if time.monotonic() > until_s:
            raise Failure(
                f"version {version} of {name} is not compiled after {timeout_s:g} s: {found['state']}",
                code=ExitCode.WAIT_TIMED_OUT,
                remedy=f"pierhead models certificate {name} {version}",
            )
        time.sleep(_LOOK_EVERY_S)
        found = remote.get(_path(name, version))["compilation"]
    _show(name, version, found, output)


@click.command("certificate")
@click.argument("name")
@click.argument("version")
@output_option
@talks_to_server
def certificate(remote: Remote, name: str, version: str, output: Format) -> None:
    """Show what was proved about VERSION of model NAME: verdict, tier, the worst row, how requests may share a batch.

    Fails with exit code 24 if the certificate is not what the platform's key signed.
    """
    found = remote.get(_path(name, version))["compilation"]
    _show(name, version, found, output)
    if found["is_genuine"] is False:
        raise Failure(
            f"the certificate of version {version} of {name} is not what this platform's key signed",
            code=ExitCode.BAD_SIGNATURE,
            remedy=f"pierhead models compile {name} {version}",
        )


def _path(name: str, version: str) -> str:
    return f"/api/2.0/pierhead/models/{part(name)}/versions/{part(version)}/compilation"


def _show(name: str, version: str, found: dict[str, Any], output: Format) -> None:
    if output is Format.JSON:
        show_json(found)
        return
    proof = found["certificate"]
    show_fields(
        [
            ("model", f"{name} version {version}"),
            ("files", found["source"]),
            ("state", found["state"]),
            ("asked", f"{moment(found['asked_at'])} by {found['asked_by']}"),
            ("ended", moment(found["ended_at"])),
            ("remarks", found["message"]),
            ("tried again", moment(found["next_try_at"])),
            ("tier", _TIERS[found["tier"]]),
            *(_proof(proof) if proof else ()),
            ("live answers compared", found["verified_rows"]),
            ("withdrawn", _withdrawal(found["withdrawal"])),
            ("signature", None if found["is_genuine"] is None else ("good" if found["is_genuine"] else "BAD")),
        ]
    )
    if found["state"] == "WAITING":
        say(f"It waits for its turn; `pierhead models certificate {name} {version}` shows how far it is.")


def _proof(proof: dict[str, Any]) -> list[tuple[str, object]]:
    seen, worst = proof["differences"], proof["worst"]
    shares = "yes" if proof["is_row_independent"] else f"no: {proof['row_dependence']}"
    return [
        ("verdict", proof["verdict"] + (f": {proof['reason']}" if proof["reason"] else "")),
        ("artifact", proof["artifact"]),
        ("made by", proof["made_by"]),
        ("requests may share a batch", shares),
        ("rows compared", None if seen is None else f"{seen['rows']} in {seen['cases']} requests"),
        ("largest difference", None if seen is None else f"{seen['worst']:.3g} relative (p99 {seen['p99']:.3g})"),
        ("decisions flipped", None if seen is None else f"{seen['flips']} (and {seen['ties']} ties)"),
        ("worst row", None if worst is None else f"{worst['kind']}: {worst['request']}"),
        ("original answers", None if worst is None else worst["original"]),
        ("artifact answers", None if worst is None else worst["compiled"]),
        ("golden rows", proof["golden_rows"]),
        ("engine of single rows", proof["engine_row"]),
        ("engine of large batches", proof["engine_batch"]),
        *((f"{each['rows']} rows take", _timing(each)) for each in proof["timings"]),
        ("proved on", f"{proof['arch']}, " + ", ".join(f"{k} {v}" for k, v in sorted(proof["versions"].items()))),
        ("made at", moment(proof["made_at_ms"])),
    ]


def _timing(each: dict[str, Any]) -> str:
    compiled = "" if each["compiled_us"] is None else f", compiled {each['compiled_us']:.0f} us"
    return f"original {each['original_us']:.0f} us{compiled}"


def _withdrawal(withdrawal: dict[str, Any] | None) -> str | None:
    return None if withdrawal is None else f"{moment(withdrawal['withdrawn_at'])}: {withdrawal['reason']}"
