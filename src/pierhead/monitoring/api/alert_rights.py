"""Who may do what to alerts: they have no rights of their own.

Whoever may see an endpoint sees its rules and in which state they are. What a monitor measured, and rules on it, tell
of the values in the endpoint's tables: they are shown to whoever may read those, or manages the endpoint.
"""

from collections.abc import Callable

from sqlalchemy import Connection

from pierhead.identity.domain.objects import Action, Asset, Kind, Platform
from pierhead.identity.domain.objects import Endpoint as EndpointObject
from pierhead.identity.services.access import Access
from pierhead.kit.errors import NotFound
from pierhead.kit.names import FullName
from pierhead.kit.web.caller import Caller
from pierhead.monitoring.domain.alert_metrics import tells_values
from pierhead.monitoring.domain.alert_records import Subject, SubjectKind
from pierhead.monitoring.domain.alert_rules import AlertRule
from pierhead.monitoring.domain.table_names import requests_of
from pierhead.monitoring.services.endpoint_tables import find_payload
from pierhead.monitoring.store.alert_queries import QueryStore
from pierhead.serving.api.guards import target_of
from pierhead.serving.store.endpoints import EndpointStore

OwnerOf = Callable[[Connection, FullName], str | None]
"""The owner of a table. Raises NotFound."""

_Target = EndpointObject | Asset | Platform | None


class AlertRights:
    """Answers for one caller, within one transaction; what is gone is the admins' matter."""

    def __init__(self, connection: Connection, caller: Caller, owner_of: OwnerOf) -> None:
        self._connection = connection
        self._user = caller.user_name
        self._access = Access(connection, caller)
        self._owner_of = owner_of
        self._known: dict[tuple[Action, Subject], bool] = {}
        self._seen: dict[Subject, bool] = {}

    def may(self, action: Action, subject: Subject) -> bool:
        key = (action, subject)
        if key not in self._known:
            target = self._target(subject)
            self._known[key] = target is None or self._access.may(action, target)
        return self._known[key]

    def require(self, action: Action, subject: Subject) -> None:
        """Raises PermissionDenied."""
        target = self._target(subject)
        if target is not None:
            self._access.require(action, target)

    def sees_numbers(self, subject: Subject, rule: AlertRule) -> bool:
        """Whether the caller may know what a rule compares and what was measured. Who may see `subject` is asked."""
        if not tells_values(rule.metric):
            return True
        if subject not in self._seen:
            target = self._values(subject)
            manages = subject.kind is SubjectKind.ENDPOINT and self.may(Action.MANAGE, subject)
            self._seen[subject] = manages or (target is not None and self._access.may(Action.READ, target))
        return self._seen[subject]

    def require_numbers(self, subject: Subject, rule: AlertRule) -> None:
        """Raises PermissionDenied."""
        if not self.sees_numbers(subject, rule):
            target = self._values(subject)
            if target is None:
                self.require(Action.MANAGE, subject)
            else:
                self._access.require(Action.READ, target)

    def _target(self, subject: Subject) -> _Target:
        """None for an alert on a query of the caller's own."""
        match subject.kind:
            case SubjectKind.ENDPOINT:
                endpoint = EndpointStore(self._connection).find_by_id(subject.id)
                return Platform() if endpoint is None else target_of(endpoint)
            case SubjectKind.TABLE:
                name = FullName.parse(subject.id)
                try:
                    return _asset(name, self._owner_of(self._connection, name))
                except NotFound:
                    return Platform()
            case SubjectKind.QUERY:
                query = QueryStore(self._connection).find(subject.id)
                return None if query is not None and query.owner == self._user else Platform()

    def _values(self, subject: Subject) -> _Target:
        """Where the values lie that are measured; None for an endpoint whose requests are not kept any more."""
        if subject.kind is not SubjectKind.ENDPOINT:
            return self._target(subject)
        endpoint = EndpointStore(self._connection).find_by_id(subject.id)
        payload = None if endpoint is None else find_payload(endpoint)
        # Nobody owns an endpoint's tables, and what was granted on one stays when it is gone.
        return None if payload is None else _asset(FullName.parse(requests_of(payload) or payload), None)


def _asset(name: FullName, owner: str | None) -> Asset:
    return Asset(Kind.TABLE, name.catalog, name.schema, name.name, owner)
