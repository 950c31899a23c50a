"""The checks that a policy can ask for, by name. A later part adds a line here, often made by `report_check`."""

from collections.abc import Iterable, Mapping
from types import MappingProxyType
from typing import Any, Protocol

from pierhead.registry.domain.check import Check
from pierhead.registry.domain.check_evaluation import EVALUATION
from pierhead.registry.domain.check_records import ARTIFACT_SCAN, DATA_VERSION, SIGNATURE
from pierhead.registry.domain.check_reports import EXTERNAL, objection_check, report_check

PARITY = report_check("parity", "its compiled artifact gives the original's answers")
SHADOW = report_check("shadow", "its answers to copies of live requests were as good as those given")
CANARY = report_check("canary", "a rollout gave it live requests, a few at first, and found nothing against it")
NO_OPEN_ALERT = objection_check("no_open_alert", "no open alert freezes promotions of its model")

_ALL = (SIGNATURE, DATA_VERSION, EVALUATION, ARTIFACT_SCAN, EXTERNAL, PARITY, SHADOW, CANARY, NO_OPEN_ALERT)
CHECKS: Mapping[str, Check] = MappingProxyType({check.name: check for check in _ALL})


class Used(Protocol):
    """A check with its parameters, as a policy holds it."""

    @property
    def name(self) -> str: ...

    @property
    def params(self) -> Any: ...


def report_names(uses: Iterable[Used]) -> tuple[str, ...]:
    """The keys of `Evidence.reports` that these checks look at, in order."""
    return tuple(sorted({name for use in uses for name in CHECKS[use.name].reports(use.params)}))


def external_names(uses: Iterable[Used]) -> frozenset[str]:
    """The systems outside that these checks want to be asked."""
    return frozenset(use.params.name for use in uses if use.name == EXTERNAL.name)
