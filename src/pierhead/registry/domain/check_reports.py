"""Checks that somebody else answers with a report: an external webhook, and what later parts measure."""

from dataclasses import dataclass
from datetime import datetime, timedelta

from pierhead.kit.yaml_reader import Entries, Reader
from pierhead.registry.domain.check import Check, Failed, Passed, Verdict
from pierhead.registry.domain.gate import Evidence


@dataclass(frozen=True, slots=True)
class ReportParams:
    """`name` is the report's key in `Evidence.reports`; `max_age` is None for a report that stays good."""

    name: str
    max_age: timedelta | None


def report_check(name: str, summary: str) -> Check:
    """A check that the report under its own name answers; its one parameter is `max_age`."""

    def read(reader: Reader) -> ReportParams:
        return ReportParams(name, _max_age(reader.entries(("max_age",))))

    return Check(name, summary, read, judge_report, _names)


def judge_report(evidence: Evidence, params: ReportParams, now: datetime) -> Verdict:
    """Whether the report is there, not too old, and good."""
    report = evidence.reports.get(params.name)
    if report is None:
        return Failed(f"'{params.name}' has not said anything about this version yet; have it report")
    if params.max_age is not None and now - report.at > params.max_age:
        return Failed(f"what '{params.name}' said at {report.at:%Y-%m-%d %H:%M} UTC is too old; have it report again")
    return Passed() if report.passed else Failed(f"'{params.name}' says no: {report.message}")


def judge_objection(evidence: Evidence, params: ReportParams, now: datetime) -> Verdict:  # noqa: ARG001
    """As long as nobody objects: what was never reported on passes."""
    report = evidence.reports.get(params.name)
    return Passed() if report is None or report.passed else Failed(f"promotions are frozen: {report.message}")


def objection_check(name: str, summary: str) -> Check:
    """A check that fails only while the report under its own name says no; it has no parameters."""

    def read(reader: Reader) -> ReportParams:
        reader.entries(())
        return ReportParams(name, None)

    return Check(name, summary, read, judge_objection, _names)


def _read_external(reader: Reader) -> ReportParams:
    entries = reader.entries(("name", "max_age"), required=("name",))
    return ReportParams(entries.read("name", Reader.text, ""), _max_age(entries))


def _max_age(entries: Entries) -> timedelta | None:
    return entries.read("max_age", Reader.duration, None)


def _names(params: ReportParams) -> tuple[str, ...]:
    return (params.name,)


EXTERNAL = Check("external", "a system outside says yes when it is asked", _read_external, judge_report, _names)
