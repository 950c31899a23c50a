"""Alerts, filled by monitors, serving, the registry and rollouts."""

from collections.abc import Callable
from datetime import datetime
from pathlib import Path

from sqlalchemy import Connection

from pierhead.catalog.services.grounds import Grounds
from pierhead.catalog.services.tables import Tables
from pierhead.identity.domain.objects import Action, Asset, Kind
from pierhead.identity.services.access import Access
from pierhead.identity.services.directory import Accounts
from pierhead.kit.clock import Clock
from pierhead.kit.db import Database
from pierhead.kit.errors import PermissionDenied
from pierhead.kit.home import Home
from pierhead.kit.names import FullName
from pierhead.kit.settings import Settings
from pierhead.kit.web.caller import Caller, PrincipalKind
from pierhead.monitoring.adapters.smtp_mail import SmtpMail, SmtpServer
from pierhead.monitoring.domain.monitors import InferenceLogProfile, Monitor, ProblemType
from pierhead.monitoring.services.alert_actions import AlertActions, Controls
from pierhead.monitoring.services.alert_deliveries import AlertSender, destination_seal
from pierhead.monitoring.services.alert_loop import AlertLoop, AlertSurroundings
from pierhead.monitoring.services.alert_metrics import AlertMetrics
from pierhead.monitoring.services.alert_queries import IsAccount, Locate
from pierhead.monitoring.services.alert_rules import AlertRules
from pierhead.monitoring.services.labelled import Labelled
from pierhead.monitoring.services.monitor_output import MonitorOutput
from pierhead.monitoring.services.table_metrics import TableMetrics
from pierhead.monitoring.services.traffic_windows import TrafficWindows
from pierhead.registry.adapters.http_deliverer import HttpDeliverer
from pierhead.registry.domain.checks import NO_OPEN_ALERT
from pierhead.registry.domain.gate import Report
from pierhead.registry.domain.models import ModelVersion, Ready
from pierhead.registry.store.evidence import EvidenceStore
from pierhead.registry.store.models import ModelStore
from pierhead.registry.store.versions import VersionStore
from pierhead.rollouts.services.rollouts import Rollouts
from pierhead.serving.domain.endpoints import Endpoint
from pierhead.serving.ports import ModelVersions
from pierhead.serving.services.endpoints import Endpoints
from pierhead.serving.services.machine import this_machine

_CONTROLLER = "controller"


class PromotionReports:
    """`monitoring.ports.Promotions`: evidence for the gate, under the name of its check."""

    def freeze(self, connection: Connection, model_name: str, message: str, at: datetime) -> None:
        evidence = EvidenceStore(connection)
        for version in _ready_versions(connection, model_name):
            known = evidence.reports_of(version.id).get(NO_OPEN_ALERT.name)
            if known is None or known.passed or known.message != message:
                evidence.put_report(version.id, NO_OPEN_ALERT.name, Report(False, message, at))

    def thaw(self, connection: Connection, model_name: str, at: datetime) -> None:
        evidence = EvidenceStore(connection)
        for version in _ready_versions(connection, model_name):
            known = evidence.reports_of(version.id).get(NO_OPEN_ALERT.name)
            if known is not None and not known.passed:
                evidence.put_report(version.id, NO_OPEN_ALERT.name, Report(True, "the alert is resolved", at))


class RolloutsByAlerts:
    """`monitoring.ports.RolloutControl`."""

    def __init__(self, clock: Clock, versions: ModelVersions) -> None:
        self._clock = clock
        self._versions = versions

    def hold(self, connection: Connection, endpoint_name: str, reason: str) -> str:
        rollout = self._rollouts(connection).pause(endpoint_name, by=_CONTROLLER, reason=reason)
        return f"the rollout of {rollout.candidate} is held"

    def roll_back(self, connection: Connection, endpoint_name: str, reason: str) -> str:
        rollout = self._rollouts(connection).abort(endpoint_name, by=_CONTROLLER, reason=reason)
        return f"the rollout of {rollout.candidate} is rolled back"

    def _rollouts(self, connection: Connection) -> Rollouts:
        endpoints = Endpoints(connection, self._clock, self._versions, this_machine())
        return Rollouts(connection, self._clock, endpoints)


def alert_metrics(database: Database, home: Home) -> tuple[TableMetrics, AlertMetrics]:
    """Where rules read."""
    tables = TableMetrics(MonitorOutput(database, home.tables))
    return tables, AlertMetrics(database, tables, Labelled(home.tables))


def alert_loop(database: Database, clock: Clock, home: Home, versions: ModelVersions) -> AlertLoop:
    """The controller's loop over rules."""
    tables, metrics = alert_metrics(database, home)
    controls = Controls(PromotionReports(), RolloutsByAlerts(clock, versions))
    surroundings = AlertSurroundings(
        traffic=TrafficWindows(database, home.run / "gateways"),
        tables=tables,
        metrics=metrics,
        actions=AlertActions(database, controls),
    )
    return AlertLoop(database, clock, surroundings)


def alert_sender(settings: Settings, clock: Clock, key: bytes) -> AlertSender:
    """`key` is the home's secret key."""
    server = SmtpServer(
        host=settings.smtp_host,
        port=settings.smtp_port,
        encryption=settings.smtp_encryption,
        user=settings.smtp_user,
        password=settings.smtp_password.get_secret_value(),
        sender=settings.smtp_sender,
        authorities=settings.smtp_authorities,
    )
    return AlertSender(destination_seal(key), HttpDeliverer(), SmtpMail(server, clock))


def readable_tables(grounds: Grounds) -> Locate:
    """Where the tables lie that somebody may read now."""

    def locate(connection: Connection, user: str, name: FullName) -> Path:
        accounts = Accounts(connection, grounds.clock)
        account = accounts.get(user)
        if not accounts.may_act(account):
            raise PermissionDenied(f"{user!r}, who made the alert, is not active any more")
        caller = Caller(account.id, account.name, account.groups, account.kind, account.owner, account.entitlements)
        table = Tables(connection, grounds).get(name)
        asset = Asset(Kind.TABLE, name.catalog, name.schema, name.name, table.owner)
        Access(connection, caller).require(Action.READ, asset)
        return table.location

    return locate


def is_account(clock: Clock) -> IsAccount:
    """Whether an address is the name of a user who may log in."""

    def known(connection: Connection, address: str) -> bool:
        accounts = Accounts(connection, clock)
        account = accounts.find(address)
        return account is not None and account.kind is PrincipalKind.USER and accounts.may_act(account)

    return known


def table_owner(grounds: Grounds) -> Callable[[Connection, FullName], str | None]:
    """Whose a table is. Raises NotFound."""
    return lambda connection, name: Tables(connection, grounds).get(name).owner


def default_alerts(clock: Clock) -> Callable[[Connection, Endpoint, Monitor], None]:
    """What an endpoint gets together with its first monitor."""

    def make(connection: Connection, endpoint: Endpoint, monitor: Monitor) -> None:
        profile = monitor.profile
        is_regression = isinstance(profile, InferenceLogProfile) and profile.problem_type is ProblemType.REGRESSION
        AlertRules(connection, clock).add_defaults(endpoint, by=endpoint.creator, is_regression=is_regression)

    return make


def _ready_versions(connection: Connection, model_name: str) -> list[ModelVersion]:
    model = ModelStore(connection).find(model_name)
    if model is None:
        return []
    store = VersionStore(connection)
    found = [store.find(model_name, number) for number in store.list_numbers(model.id)]
    return [version for version in found if version is not None and isinstance(version.state, Ready)]
