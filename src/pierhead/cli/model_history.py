"""`pierhead models history`: what was live when, who asked, who approved, on what evidence."""

from typing import Any

import click

from pierhead.cli.options import output_option, talks_to_server
from pierhead.cli.output import Format, moment, say, show_fields, show_json, show_table
from pierhead.cli.promotions import to_option
from pierhead.cli.remote import Remote, part

_OURS = "/api/2.0/pierhead"


@click.command("history")
@click.argument("name")
@click.option("--at", metavar="TIME", help="Only what was there then: 2026-03-31T12:00:00Z, in UTC without a zone.")
@to_option
@output_option
@talks_to_server
def history(remote: Remote, name: str, at: str | None, place: str, output: Format) -> None:
    """Tell what was in Production under NAME: who asked, who approved, on what evidence."""
    body = remote.get(f"{_OURS}/models/{part(name)}/history", {"to": place} | ({"at": at} if at else {}))
    if output is Format.JSON:
        show_json(body)
        return
    if at is not None:
        _tell(body["history"], f"Nothing of {name} was at {place} then.")
        return
    show_table(
        ["VERSION", "SINCE", "UNTIL", "ASKED BY", "APPROVED BY", "POLICY", "REMARKS"],
        [
            (
                each["version"],
                moment(each["since"]),
                moment(each.get("until")),
                _name(each["requested"]) if each["requested"] else "nobody",
                [_name(given) for given in each["approvals"]],
                each.get("policy"),
                each["notes"],
            )
            for each in body["history"]
        ],
        empty=f"Nothing of {name} was ever at {place}.",
    )


@click.command("emergencies")
@output_option
@talks_to_server
def emergencies(remote: Remote, output: Format) -> None:
    """List break-glass promotions that nobody has reviewed yet."""
    body = remote.get(f"{_OURS}/break-glass")
    if output is Format.JSON:
        show_json(body)
        return
    show_table(
        ["ID", "MODEL", "VERSION", "TO", "BY", "AT", "REVIEW BY", "UNTIL", "REASON"],
        [
            (
                each["id"],
                each["name"],
                each["version"],
                each["place"],
                each["moved_by"],
                moment(each["since"]),
                each["break_glass"]["review_by"],
                moment(each["break_glass"]["review_due"]),
                each["break_glass"]["reason"],
            )
            for each in body["promotions"]
        ],
        empty="No break-glass promotion waits for a review.",
    )


@click.command("review")
@click.argument("promotion_id", metavar="ID")
@click.option("--comment", required=True, help="What you found.")
@talks_to_server
def review(remote: Remote, promotion_id: str, comment: str) -> None:
    """Say that you looked at the break-glass promotion ID; `models emergencies` has the ids."""
    body = remote.call("POST", f"{_OURS}/break-glass/{part(promotion_id)}/review", {"comment": comment})["promotion"]
    say(f"Reviewed: version {body['version']} of {body['name']} to {body['place']}")


def _tell(chapters: list[dict[str, Any]], nothing: str) -> None:
    if not chapters:
        say(nothing)
    for index, each in enumerate(chapters):
        if index:
            click.echo()
        show_fields(_fields(each))


def _fields(chapter: dict[str, Any]) -> list[tuple[str, object]]:
    evidence, glass = chapter["evidence"], chapter.get("break_glass") or {}
    return [
        ("version", chapter["version"]),
        ("at", chapter["place"]),
        ("since", moment(chapter["since"])),
        ("until", moment(chapter.get("until")) or "now"),
        ("asked by", _who(chapter["requested"]) if chapter["requested"] else "nobody: moved directly"),
        ("approved by", "; ".join(_who(each) for each in chapter["approvals"])),
        ("moved by", chapter["moved_by"]),
        ("policy", chapter.get("policy")),
        ("remarks", chapter["notes"]),
        ("break-glass", glass.get("reason")),
        ("reviewed by", glass.get("reviewed_by")),
        ("files", evidence.get("files_digest")),
        ("signature", "yes" if evidence.get("has_signature") else "no"),
        ("training data", _data(evidence)),
        ("evaluations", [_measured(each) for each in evidence.get("evaluations", [])]),
        ("scan", _scan(evidence.get("scan"))),
        ("reports", [f"{name}: {said['message']}" for name, said in evidence.get("reports", {}).items()]),
        ("evidence digest", chapter["subject_digest"]),
    ]


def _who(said: dict[str, Any]) -> str:
    comment = f" ({said['comment']})" if said["comment"] else ""
    return f"{_name(said)} at {moment(said['timestamp'])}{comment}"


def _name(said: dict[str, Any]) -> str:
    return f"{said['user_id']} for {said['person']}" if "person" in said else str(said["user_id"])


def _data(evidence: dict[str, Any]) -> str:
    digest = evidence.get("provenance_digest")
    return f"{evidence.get('provenance', '')} {digest[:12] if digest else ''}".strip()


def _measured(evaluation: dict[str, Any]) -> str:
    dataset = f" on {evaluation['dataset']}" if evaluation.get("dataset") else ""
    return f"{evaluation['metric']}={evaluation['value']:g}{dataset}"


def _scan(scan: dict[str, Any] | None) -> str:
    if scan is None:
        return ""
    dangers = scan.get("dangers") or []
    return f"{scan.get('files_scanned')} files, " + (f"dangers: {', '.join(dangers)}" if dangers else "no danger found")
