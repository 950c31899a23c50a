"""A version that is served compiled is, to the official clients, the model that was logged."""

import json
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from e2e import endpoints
from harness.platform import Platform, wait_until
from pierhead.kit.home import Home

pytestmark = [pytest.mark.slow, pytest.mark.timeout(600)]

_MODEL, _ENDPOINT = "main.compat.tiers", "compat-tiers"
_SETTINGS = {
    "PIERHEAD_COMPILE_VERSIONS": "served",
    "PIERHEAD_SCALE_TO_ZERO_AFTER_S": "3",
    "PIERHEAD_ORIGINALS_IDLE_S": "3",
}
_WAKES_WITHIN_S = 5.0


@pytest.fixture(scope="module")
def compiled(tmp_path_factory: pytest.TempPathFactory, environments: Path) -> Iterator[Platform]:
    """A platform of its own, whose endpoints fall asleep soon."""
    platform = Platform(tmp_path_factory.mktemp("tiers") / "home", environments=environments, settings=_SETTINGS)
    try:
        yield platform.start()
    finally:
        platform.stop()


@pytest.fixture(scope="module")
def seen(compiled: Platform) -> Any:
    return compiled.run_client("tiers.py", _MODEL, _ENDPOINT, timeout_s=480)


def test_a_pipeline_is_compiled_and_its_certificate_is_genuine(seen: Any) -> None:
    assert (seen["tier"], seen["genuine"]) == ("A", True)
    assert seen["verdict"] in ("exact", "equivalent")


def test_its_answers_are_mlflows_own_in_every_format(seen: Any) -> None:
    assert seen["plain"] == dict.fromkeys(seen["plain"], True)
    assert seen["sdk"]


def test_what_a_compiled_model_cannot_read_is_answered_by_the_original(compiled: Platform, seen: Any) -> None:
    assert seen["for the original"] == dict.fromkeys(("csv", "parquet", "params"), True)
    traffic = _traffic(compiled)
    assert sum(entity["declined"] for each in traffic for entity in each["entities"]) >= 3, traffic


def test_a_limit_of_calls_is_told_with_the_time_to_wait(seen: Any) -> None:
    for way in ("limited by put_ai_gateway", "limited by put"):
        status, wait_s, code = seen[way]
        assert (status, code) == (429, "REQUEST_LIMIT_EXCEEDED"), seen[way]
        assert 1 <= int(wait_s) <= 60
    assert seen["unlimited again"] == 200


@pytest.mark.usefixtures("seen")
def test_the_command_line_shows_the_certificate(compiled: Platform) -> None:
    shown = compiled.cli("models", "certificate", _MODEL, "1")
    told = compiled.cli("models", "certificate", _MODEL, "1", "--output", "json")
    assert shown.returncode == 0, shown.stderr
    assert "its compiled artifact answers" in shown.stdout
    assert "good" in shown.stdout
    assert json.loads(told.stdout)["certificate"]["tier"] == "A"


def test_it_falls_asleep_and_wakes_for_the_first_caller(compiled: Platform, seen: Any) -> None:
    wait_until("nobody asks and no worker is left", lambda: not endpoints.workers(compiled, _ENDPOINT), 90)
    began_s = time.monotonic()
    answer = compiled.request("POST", f"/serving-endpoints/{_ENDPOINT}/invocations", seen["row"])
    woke_s = time.monotonic() - began_s
    print(f"awake after {woke_s:.2f} s")
    assert answer.status == 200, answer.text
    assert answer.json()["predictions"] == [pytest.approx(seen["answer"][0], rel=1e-9)]
    assert woke_s < _WAKES_WITHIN_S


def _traffic(platform: Platform) -> list[dict[str, Any]]:
    """What the gateways count."""
    return [json.loads(file.read_bytes()) for file in (Home(platform.home).run / "gateways").glob("*.json")]
