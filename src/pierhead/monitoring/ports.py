"""What monitoring needs from outside."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Protocol

import pyarrow as pa
from sqlalchemy import Connection

from pierhead.kit.names import FullName
from pierhead.monitoring.domain.monitors import Baseline, Monitor
from pierhead.monitoring.domain.signatures import Signature
from pierhead.serving.domain.table_tags import TablePolicy


class Signatures(Protocol):
    """What model versions say of their inputs."""

    def find(self, model_name: str, model_version: str) -> Signature | None:
        """None if the version says nothing, or is no longer there."""


class Policies(Protocol):
    """How endpoints want their tables kept."""

    def find(self, endpoint_id: str) -> TablePolicy | None:
        """None if there is no such endpoint any more."""


class NamedTables(Protocol):
    """The catalog's Delta tables."""

    def find_location(self, name: FullName) -> Path | None:
        """The folder of a table, registered by path or lying in the tables folder; None if there is none."""


@dataclass(frozen=True, slots=True)
class TrainedOn:
    """A table at the version that a model version was trained on, and where it lies."""

    baseline: Baseline
    location: Path


class TrainingData(Protocol):
    """What the registry recorded of the data that versions were trained on."""

    def find(self, model_name: str, model_version: str) -> Sequence[TrainedOn]:
        """Nothing if the version is gone, or its record is not complete, or what it names is lost."""


class MetricTables(Protocol):
    """The output of monitors."""

    def find_monitor(self, table: str) -> Monitor | None:
        """The monitor of a table."""

    def data_version(self, monitor: Monitor) -> object:
        """Something that is another one whenever the output may be."""

    def read_drift(self, monitor: Monitor, since: datetime) -> pa.Table:
        """Rows of windows that ended at `since` or later. Raises PierheadError, or one of DELTA_ERRORS."""

    def read_profile(self, monitor: Monitor, since: datetime) -> pa.Table:
        """As `read_drift`."""


class Promotions(Protocol):
    """Where the promotion gate reads whether an open alert forbids a model's versions to move."""

    def freeze(self, connection: Connection, model_name: str, message: str, at: datetime) -> None:
        """No version may be promoted, those included that came since the last call."""

    def thaw(self, connection: Connection, model_name: str, at: datetime) -> None:
        """They may again, as far as alerts are concerned."""


class RolloutControl(Protocol):
    """What alerts can do to the rollout of an endpoint. Both give a sentence that says what came of it."""

    def hold(self, connection: Connection, endpoint_name: str, reason: str) -> str:
        """Take no further step."""

    def roll_back(self, connection: Connection, endpoint_name: str, reason: str) -> str:
        """Take the candidate's traffic away."""


class Mail(Protocol):
    """Sends e-mail. Waits, but not for long; made for threads."""

    def send(self, message_id: str, addresses: Sequence[str], subject: str, text: str) -> str | None:
        """None if the server took it, else why not; the same id again is the same message again."""
