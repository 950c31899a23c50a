"""What a check is: a pure function of the evidence."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from pierhead.kit.yaml_reader import Reader
from pierhead.registry.domain.gate import Evidence


@dataclass(frozen=True, slots=True)
class Passed:
    pass


@dataclass(frozen=True, slots=True)
class Failed:
    """`message` says what is not so, and what to do about it."""

    message: str


Verdict = Passed | Failed


def _no_reports(_params: Any) -> tuple[str, ...]:
    return ()


@dataclass(frozen=True, slots=True)
class Check:
    """A check. `read` makes its parameters from YAML: a frozen dataclass whose content the policy's digest covers.

    `reports` are the keys of `Evidence.reports` that it looks at under these parameters.
    """

    name: str
    summary: str
    read: Callable[[Reader], Any]
    judge: Callable[[Evidence, Any, datetime], Verdict]
    reports: Callable[[Any], tuple[str, ...]] = _no_reports
