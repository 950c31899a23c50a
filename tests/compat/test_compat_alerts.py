"""Alerts with the official SDK against a running platform."""

import json
from pathlib import Path

from fakes.webhooks import Receiver
from harness.platform import Platform, wait_until


def test_the_official_client_makes_alerts_that_are_looked_at_and_told(platform: Platform, tmp_path: Path) -> None:
    with Receiver() as receiver:
        seen = platform.run_client("alerts.py", str(tmp_path / "drift"), receiver.url)
        wait_until("the message", lambda: bool(receiver.received))

    assert seen["destinations"] == ["letters", "watched ops"]
    assert seen["mail"] == ["a@example.com"]
    text = "SELECT psi FROM `main`.watched.drift WHERE column_name <> :but"
    assert seen["made"] == ["too much drift", text, "admin", "ACTIVE"]
    assert (seen["first"], seen["then"]) == ("TRIGGERED", "OK")
    assert (seen["listed"], seen["after"], seen["trashed"]) == ([True], [], "DELETED")
    assert seen["refused"] == [
        "InvalidParameterValue",
        "InvalidParameterValue",
        "ResourceDoesNotExist",
        "InvalidParameterValue",
    ]
    assert receiver.events[0] == "alert.triggered"
    assert "MAX of psi is 0.4" in receiver.received[0].json["text"]
    assert receiver.received[0].headers["authorization"] == "Basic dTpw"


def test_the_command_line_keeps_rules_and_tries_them(platform: Platform, tmp_path: Path) -> None:
    assert platform.cli("catalogs", "create", "main.commanded").returncode == 0
    rules = tmp_path / "rules.yaml"
    rules.write_text("table: main.commanded.none\nrules: [{name: drift, metric: drift.avg_delta, above: 1}]")
    assert platform.cli("alerts", "rules", "apply", str(rules)).returncode == 3
    rules.write_text("table: main.commanded.none\nrules: [{name: drift, metric: drift.avg_delta}]")
    refused = platform.cli("alerts", "rules", "apply", str(rules))
    assert "give either `above` or `below`" in refused.stderr
    # Endpoints of other tests may have rules by then.
    assert "main.commanded" not in platform.cli("alerts", "rules", "show").stdout
    of_table = platform.cli("alerts", "list", "-o", "json", "--table", "main.commanded.none")
    assert json.loads(of_table.stdout) == {"alerts": []}
    assert platform.cli("alerts", "show", "none").returncode == 3
