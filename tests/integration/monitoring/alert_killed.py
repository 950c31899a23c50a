"""A controller that dies at a chosen moment: `alert_killed.py FOLDER DATABASE_URL FAULT`.

It looks once at the alerts of AlertRig's endpoint, then delivers what waits. FAULT is `before the commit` of the
decision, `after the commit`, or `after sending`.
"""

import os
import signal
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import timedelta
from pathlib import Path

from sqlalchemy import Connection

from fakes.clock import FixedClock
from pierhead.kit.db import Database
from pierhead.kit.sealing import Seal
from pierhead.monitoring.adapters.smtp_mail import SmtpMail, SmtpServer
from pierhead.monitoring.services.alert_deliveries import AlertDeliveries, AlertSender
from pierhead.monitoring.services.alert_looks import look, read_series
from pierhead.monitoring.services.alert_metrics import AlertMetrics
from pierhead.monitoring.services.labelled import Labelled
from pierhead.monitoring.services.monitor_output import MonitorOutput
from pierhead.monitoring.services.table_metrics import TableMetrics
from pierhead.monitoring.store.alerts import RuleStore
from pierhead.registry.adapters.http_deliverer import HttpDeliverer
from pierhead.registry.ports import Post, Reply, Unreached


def die() -> None:
    os.kill(os.getpid(), signal.SIGKILL)


class DyingDatabase(Database):
    """Dies at the end of its first transaction, before it is committed."""

    @contextmanager
    def transaction(self) -> Iterator[Connection]:
        with super().transaction() as connection:
            yield connection
            die()


class DyingDeliverer(HttpDeliverer):
    """Dies when the other side has the message, and before anybody notes it."""

    def post(self, post: Post) -> Reply | Unreached:
        super().post(post)
        die()
        return Reply(200, "")


def main(folder: Path, url: str, fault: str) -> None:
    clock = FixedClock()
    clock.advance(timedelta(hours=2).total_seconds())
    database = Database(url)
    metrics = AlertMetrics(database, TableMetrics(MonitorOutput(database, folder / "tables")), Labelled(folder))
    writing = DyingDatabase(url) if fault == "before the commit" else database
    with database.reading() as connection:
        (rule,) = RuleStore(connection).list_all()
    look(writing, rule, read_series(metrics, rule, clock.now()), clock.now())
    if fault == "after the commit":
        die()
    sender = AlertSender(Seal(b"k" * 32, "test"), DyingDeliverer(), SmtpMail(SmtpServer(), clock))
    deliveries = AlertDeliveries(database, clock, sender)
    deliveries.tick()
    deliveries.settle(10)


if __name__ == "__main__":
    main(Path(sys.argv[1]), *sys.argv[2:])
