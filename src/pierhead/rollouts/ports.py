"""What rollouts need from outside: labels, alerts, and where evidence goes."""

from collections.abc import Sequence
from datetime import datetime
from typing import Protocol

from sqlalchemy import Connection

from pierhead.kit.web.caller import Caller
from pierhead.rollouts.domain.abtests import ABTest, Metric
from pierhead.rollouts.domain.gates.results import LabelCohort, OpenAlert
from pierhead.rollouts.domain.rollouts import Candidate, Rollout
from pierhead.serving.domain.endpoints import Endpoint
from pierhead.statistics.sequential.means import Moments


class Labels(Protocol):
    def cohorts(self, connection: Connection, rollout: Rollout) -> Sequence[LabelCohort]:
        """Labelled answers of both arms since the current step began, by cohort, as they were known a while ago; none
        while nobody sends labels. Takes no time: every tick asks."""


class Alerts(Protocol):
    def open_alerts(self, connection: Connection, rollout: Rollout) -> Sequence[OpenAlert]:
        """Alerts of the endpoint that are open now."""


class Evidence(Protocol):
    """Where the promotion gate reads what rollouts found out."""

    def tell(
        self, connection: Connection, candidate: Candidate, check: str, *, passed: bool, message: str, at: datetime
    ) -> None:
        """Keep a report on the version under the name of the check; the last one counts.

        Nothing happens if the version is gone, or means other files by now.
        """


class Engines(Protocol):
    """What runs a version's files."""

    def are_settled(self, connection: Connection, candidate: Candidate, now: datetime) -> bool:
        """Whether the version will be run as it is now: what is being compiled becomes faster in the middle of a
        comparison, and looks slow before."""


class Stages(Protocol):
    """What the guard asks the registry."""

    def may_vouch(self, connection: Connection, caller: Caller, model_name: str) -> bool:
        """Whether the caller may move versions of the model into Production: then their rollouts are evidence."""

    def is_in_production(self, connection: Connection, model_name: str, model_version: str) -> bool:
        """Whether the registry holds this version in Production; no if it does not know it."""


class UnreadableOutcomes(Exception):
    """The tables of labels or requests cannot be read now; the message says why."""


class Outcomes(Protocol):
    """Labels joined to the answers of an A/B test, by request id or by entity key."""

    def why_not(self, endpoint: Endpoint, metric: Metric) -> str | None:
        """What is missing for this metric of labels at this endpoint; None if it can be had."""

    def moments(self, connection: Connection, test: ABTest, metric: Metric) -> Sequence[Moments]:
        """A metric of each arm, in order, one value a unit; only of cohorts that are matured alike in all arms.

        Raises UnreadableOutcomes.
        """
