"""Alerts on queries: what clients do with them."""

from collections.abc import Callable, Mapping
from dataclasses import replace
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any
from uuid import uuid4

from sqlalchemy import Connection

from pierhead.kit.audit_context import note
from pierhead.kit.clock import Clock
from pierhead.kit.errors import InvalidArgument, NotFound
from pierhead.kit.ids import new_id
from pierhead.kit.names import FullName
from pierhead.monitoring.domain.alert_queries import (
    AlertQuery,
    QuerySpec,
    rule_of,
)
from pierhead.monitoring.domain.alert_query_wire import masked, read_query, run_as_of, writable
from pierhead.monitoring.domain.alert_records import KeptAlert, KeptRule, Subject, SubjectKind
from pierhead.monitoring.domain.destinations import Destination, DestinationDraft, DestinationKind, check_destination
from pierhead.monitoring.domain.schedules import next_due
from pierhead.monitoring.services.locked_sql import in_our_dialect, parse_select
from pierhead.monitoring.store.alert_outbox import DestinationStore
from pierhead.monitoring.store.alert_queries import QueryStore
from pierhead.monitoring.store.alerts import AlertStore, RuleStore

TRASHED_FOR = timedelta(days=30)

Locate = Callable[[Connection, str, FullName], Path]
"""The folder of a table that this user or service principal may read.

Raises NotFound, or PermissionDenied, also for somebody who is gone.
"""

IsAccount = Callable[[Connection, str], bool]
"""Whether an e-mail address is the name of somebody who may use the platform."""


class AlertQueries:
    """Use cases on alerts with a query of their own, inside one transaction. Whoever calls has checked that they may.

    A query runs as its owner, whoever looks at it.
    """

    def __init__(self, connection: Connection, clock: Clock, locate: Locate, is_account: IsAccount) -> None:
        self._connection = connection
        self._store = QueryStore(connection)
        self._clock = clock
        self._locate = locate
        self._is_account = is_account

    def create(self, sent: Mapping[str, Any], owner: str) -> AlertQuery:
        """Raises InvalidArgument, NotFound or PermissionDenied."""
        now = self._clock.now()
        body = writable(sent)
        spec = self._read(body, owner, now)
        query = AlertQuery(str(uuid4()), owner, body, now, now, next_at=next_due(spec.schedule, now))
        self._store.add(query)
        subject = Subject(SubjectKind.QUERY, query.id, spec.display_name[:255])
        rule = rule_of(spec, self._destinations(spec, owner, now))
        RuleStore(self._connection).add(KeptRule(new_id(), subject, rule, owner, now))
        note(object=f"alert {query.id}", after=spec.display_name)
        return query

    def get(self, query_id: str) -> AlertQuery:
        """Also one in the trash. Raises NotFound."""
        found = self._store.find(query_id)
        if found is None:
            raise NotFound(f"alert '{query_id}' does not exist")
        return found

    def list_active(self, owner: str | None) -> list[AlertQuery]:
        """The oldest first; None for those of everybody."""
        return self._store.list_active(owner)

    def update(self, query_id: str, sent: Mapping[str, Any], mask: str) -> AlertQuery:
        """Raises as `create`, and NotFound for one in the trash."""
        before = self.get(query_id)
        if before.trashed_at is not None:
            raise NotFound(f"alert '{query_id}' is in the trash")
        now = self._clock.now()
        body = masked(before.body, writable(sent), mask)
        spec = self._read(body, before.owner, now)
        after = replace(before, body=body, updated_at=now, next_at=next_due(spec.schedule, now))
        self._store.put(after)
        rules = RuleStore(self._connection)
        for kept in self._rules(query_id):
            if before.body.get("query_text") != body.get("query_text"):
                # What another query said means nothing for this one.
                AlertStore(self._connection).delete_of([kept.id])
            rules.set_rule(kept.id, rule_of(spec, self._destinations(spec, before.owner, now)))
        note(object=f"alert {query_id}", after=spec.display_name)
        return after

    def trash(self, query_id: str, *, purge: bool) -> None:
        """It disappears from lists and looks at nothing any more. Raises NotFound."""
        query = self.get(query_id)
        RuleStore(self._connection).delete([rule.id for rule in self._rules(query_id)])
        if purge:
            self._store.delete(query_id)
        elif query.trashed_at is None:
            self._store.put(replace(query, trashed_at=self._clock.now(), next_at=None))
        note(object=f"alert {query_id}")

    def state(self, query_id: str) -> KeptAlert | None:
        """What its last look said; None before the first, and in the trash."""
        kept = [alert for rule in self._rules(query_id) for alert in AlertStore(self._connection).list_of(rule.id)]
        return kept[0] if kept else None

    def _rules(self, query_id: str) -> list[KeptRule]:
        return RuleStore(self._connection).list_of(Subject(SubjectKind.QUERY, query_id, ""))

    def _read(self, body: Mapping[str, Any], owner: str, now: datetime) -> QuerySpec:
        spec = read_query(body, now)
        run_as = run_as_of(body)
        if run_as is not None and run_as != owner:
            raise InvalidArgument(f"run_as can only name the owner of the alert, {owner!r}, not {run_as!r}")
        select = parse_select(in_our_dialect(spec.query_text, spec.parameters))
        for name in select.tables.values():
            self._locate(self._connection, owner, name)
        return spec

    def _destinations(self, spec: QuerySpec, owner: str, now: datetime) -> tuple[str, ...]:
        """Ids of those that are to hear of it. Only admins open ways out of the platform: besides their destinations
        there are only addresses of accounts, each a destination of its own name."""
        store, found = DestinationStore(self._connection), []
        for each in spec.notify:
            destination = store.find(each)
            if destination is None:
                raise InvalidArgument(f"there is no notification destination '{each}'")
            if destination.is_address:
                self._check_address(destination.name)
            found.append(destination.id)
        for address in spec.addresses:
            self._check_address(address)
            known = store.find(address)
            if known is None:
                known = Destination(new_id(), address, DestinationKind.EMAIL, owner, now, addresses=(address,))
                store.add(known)
            found.append(known.id)
        return tuple(found)

    def _check_address(self, address: str) -> None:
        check_destination(DestinationDraft(address, DestinationKind.EMAIL, addresses=(address,)))
        if not self._is_account(self._connection, address):
            raise InvalidArgument(
                f"{address!r} is no user of this platform; give the address of a user, or the destination_id of a "
                "notification destination that an admin made for it"
            )
