"""What an approval is bound to: digests over canonical JSON."""

import hashlib
import json
from collections.abc import Mapping
from dataclasses import fields, is_dataclass
from datetime import datetime, timedelta
from enum import Enum
from typing import Any

from pierhead.registry.domain.checks import report_names
from pierhead.registry.domain.gate import EndpointTarget, Evidence, PromotionTarget, Subject
from pierhead.registry.domain.policies import Policy, canonical


def subject_digest(subject: Subject, target: PromotionTarget, evidence: Evidence, policy: Policy | None) -> str:
    """SHA-256, in hex, of all that an approval is about: files, data versions, evaluation, scan, the reports that the
    policy asks for, the policy's content, and the target. Any change of one of them is another digest.

    An endpoint's name is the target, its tags are not.
    """
    names = report_names(policy.checks) if policy else ()
    reports = {name: evidence.reports.get(name) for name in names}
    return _digest(
        {
            "model_id": subject.model_id,
            "version_id": subject.version_id,
            "files": evidence.files_digest,
            "provenance": [evidence.provenance, evidence.provenance_digest],
            "has_signature": evidence.has_signature,
            "evaluations": sorted(_json(_plain(each)) for each in evidence.evaluations),
            "scan": evidence.scan,
            "reports": {name: report and [report.passed, report.digest] for name, report in reports.items()},
            "policy": policy and [policy.name, policy_digest(policy)],
            "target": _named(target),
        }
    )


def leaving_digest(subject: Subject, target: PromotionTarget, policy: Policy | None) -> str:
    """SHA-256, in hex, of what a decision to take a version away is about: no evidence."""
    return _digest(
        {
            "model_id": subject.model_id,
            "version_id": subject.version_id,
            "policy": policy and [policy.name, policy_digest(policy)],
            "leaves": _named(target),
        }
    )


def content_digest(evidence: Evidence) -> str:
    """SHA-256, in hex, of what a version is made from: its files and the versions of its training data."""
    return _digest([evidence.files_digest, evidence.provenance_digest])


def policy_digest(policy: Policy) -> str:
    """SHA-256, in hex, of what a policy says; how its YAML is laid out does not matter."""
    return _digest(policy)


def _named(target: PromotionTarget) -> list[Any]:
    target = canonical(target)
    if isinstance(target, EndpointTarget):
        return ["endpoint", target.name]
    return [type(target).__name__, target]


def _digest(value: Any) -> str:
    return hashlib.sha256(_json(_plain(value)).encode()).hexdigest()


def _json(plain: Any) -> str:
    return json.dumps(plain, sort_keys=True, separators=(",", ":"), ensure_ascii=True)


def _plain(value: Any) -> Any:
    """Dataclasses, enums and sets as what JSON knows; equal values come out alike."""
    match value:
        case Enum():
            return value.value
        case datetime() | timedelta():
            return repr(value.timestamp() if isinstance(value, datetime) else value.total_seconds())
        case Mapping():
            return {str(key): _plain(each) for key, each in value.items()}
        case frozenset() | set():
            return sorted((_plain(each) for each in value), key=_json)
        case tuple() | list():
            return [_plain(each) for each in value]
    if is_dataclass(value) and not isinstance(value, type):
        return {each.name: _plain(getattr(value, each.name)) for each in fields(value)}
    return value
