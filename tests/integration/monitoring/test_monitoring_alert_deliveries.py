"""Messages of alerts survive kills, and go by e-mail."""

import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from alert_rig import AlertRig

from fakes.clock import FixedClock
from fakes.smtp import MailServer
from fakes.webhooks import Receiver
from harness.certificates import make_certificate
from harness.databases import LentDatabases
from pierhead.kit.db import Database
from pierhead.monitoring.adapters.smtp_mail import SmtpMail, SmtpServer
from pierhead.monitoring.domain.destinations import DestinationKind
from pierhead.monitoring.store.alerts import EventStore

DRIFT = "- {name: drift, metric: drift.population_stability_index, above: 0.2}"
KILLED = Path(__file__).with_name("alert_killed.py")
TESTS = Path(__file__).parents[2]


@pytest.fixture
def rig(tmp_path: Path, on_sqlite: LentDatabases) -> Iterator[AlertRig]:
    with on_sqlite.lend() as database:
        yield AlertRig(tmp_path, database)


def drifting(rig: AlertRig) -> None:
    rig.apply(DRIFT)
    for hour in range(2):
        rig.drift(hour, {"alcohol": 0.3})


@pytest.mark.parametrize(
    ("fault", "sent"),
    [("before the commit", 0), ("after the commit", 0), ("after sending", 1)],
    ids=lambda each: str(each),
)
def test_a_kill_between_decision_and_delivery_loses_no_message(rig: AlertRig, fault: str, sent: int) -> None:
    drifting(rig)
    with Receiver() as receiver:
        rig.destination(receiver.url)
        _killed(rig.folder, rig.database, fault)
        assert len(receiver.received) == sent
        rig.at(2)
        rig.at(2.1)
        rig.deliver()
        assert len(receiver.received) == sent + 1
        assert len({(each.delivery_id, each.body) for each in receiver.received}) == 1
    alert = rig.alerts()["drift/alcohol"]
    with rig.database.reading() as connection:
        kinds = [event.kind for event in EventStore(connection).list_newest(alert.fingerprint, 10)]
    assert kinds == ["TRIGGERED"]


def _killed(folder: Path, database: Database, fault: str) -> None:
    command = [sys.executable, str(KILLED), str(folder), database.url, fault]
    died = subprocess.run(command, env=os.environ | {"PYTHONPATH": str(TESTS)}, capture_output=True, check=False)
    assert died.returncode == -signal.SIGKILL, died.stderr


def test_an_alert_arrives_by_mail(rig: AlertRig) -> None:
    drifting(rig)
    rig.destination("", kind=DestinationKind.EMAIL)
    with MailServer() as server:
        rig.smtp = SmtpServer("127.0.0.1", server.port, "off", sender="alerts@example.com")
        rig.at(2)
        rig.deliver()
    ((session, message),) = server.messages
    assert session.recipients == ["ops@example.com"]
    assert message["Subject"] == "[warning] drift of endpoint wine triggered"
    assert message["From"] == "alerts@example.com"
    assert "'alcohol' is 0.3 (above 0.2)" in message.get_content()
    assert "Look closer: pierhead alerts show " in message.get_content()


def test_what_a_mail_server_refuses_waits_and_keeps_its_id(rig: AlertRig) -> None:
    drifting(rig)
    rig.destination("", kind=DestinationKind.EMAIL)
    with MailServer() as server:
        rig.smtp = SmtpServer("127.0.0.1", server.port, "off")
        server.refuses = "451 later"
        rig.at(2)
        rig.deliver()
        assert server.messages == []
        server.refuses = ""
        rig.clock.advance(60)
        rig.deliver()
    assert len(server.messages) == 1


def test_without_a_mail_server_the_remedy_is_told() -> None:
    refusal = SmtpMail(SmtpServer(), FixedClock()).send("1", ["a@example.com"], "s", "t")
    assert refusal == "no SMTP server is set: PIERHEAD_SMTP_HOST names one"


def test_mail_goes_over_an_encrypted_connection_with_a_login(tmp_path: Path) -> None:
    certificate = make_certificate(tmp_path)
    with MailServer(certificate) as server:
        known = SmtpServer("127.0.0.1", server.port, "starttls", "ann", "secret", "a@example.com", certificate[0])
        assert SmtpMail(known, FixedClock()).send("1", ["b@example.com"], "line\r\nBcc: c@example.com", "t") is None
        strange = SmtpServer("127.0.0.1", server.port, "starttls")
        refusal = SmtpMail(strange, FixedClock()).send("2", ["b@example.com"], "s", "t")
    ((session, message),) = server.messages
    assert (session.is_encrypted, session.login, session.recipients) == (True, "ann secret", ["b@example.com"])
    assert message["Subject"] == "line Bcc: c@example.com"
    assert refusal is not None
    assert "certificate" in refusal
