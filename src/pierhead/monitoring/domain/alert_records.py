"""Rules, alerts and events as they are kept."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from enum import Enum
from typing import Any

from pierhead.monitoring.domain.alert_rules import ActionKind, AlertRule
from pierhead.monitoring.domain.alerts import AlertState


class SubjectKind(Enum):
    """Values are kept in rows."""

    ENDPOINT = "endpoint"
    TABLE = "table"
    QUERY = "query"


@dataclass(frozen=True, slots=True)
class Subject:
    """What rules are about: an endpoint by its id, a table by its three-part name, an alert's own query by its id."""

    kind: SubjectKind
    id: str
    name: str

    def __str__(self) -> str:
        return f"{self.kind.value} {self.name}"


@dataclass(frozen=True, slots=True)
class KeptRule:
    id: str
    subject: Subject
    rule: AlertRule
    created_by: str
    created_at: datetime


@dataclass(frozen=True, slots=True)
class KeptAlert:
    """`revision` rises with every change of the state."""

    fingerprint: str
    rule: KeptRule
    series: str
    state: AlertState
    revision: int


@dataclass(frozen=True, slots=True)
class AlertEvent:
    """`kind` is the status that began, or what people and actions did; `by` who did it, empty for the platform."""

    id: str
    fingerprint: str
    rule_id: str
    at: datetime
    kind: str
    message: str
    numbers: Mapping[str, Any] = field(default_factory=dict)
    by: str = ""


@dataclass(frozen=True, slots=True)
class Delivery:
    """A message for one destination, as it goes out; every try sends the same under the same id."""

    id: str
    destination_id: str
    rule_id: str
    subject: str
    body: str
    happened_at: datetime
    tries: int = 0
    first_try: datetime | None = None
    last_outcome: str | None = None
    ended_at: datetime | None = None
    is_delivered: bool = False


@dataclass(frozen=True, slots=True)
class AskedAction:
    """What an alert wants done, once; `position` orders them."""

    position: int
    rule_id: str
    fingerprint: str
    endpoint_id: str
    kind: ActionKind
    reason: str
    asked_at: datetime


@dataclass(frozen=True, slots=True)
class Freeze:
    """A model whose versions may not be promoted while the alert is open."""

    fingerprint: str
    model_name: str
    message: str
    since: datetime
