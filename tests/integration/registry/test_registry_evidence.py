import hashlib
import hmac
import http.server
import json
import threading
from collections.abc import Iterator, Sequence
from datetime import timedelta
from pathlib import Path

import pytest
from provenance_rig import NAME, TABLE, Rig

from fakes.runs import NOW, a_measurement, a_run, an_input
from pierhead.identity.services.directory import Accounts
from pierhead.kit.db import Database
from pierhead.kit.errors import NotFound, Unavailable
from pierhead.registry.adapters.external_webhooks import SIGNATURE_HEADER, ExternalWebhooks
from pierhead.registry.domain.gate import AliasTarget, EndpointTarget, Evidence, ProvenanceState, Scan, StageTarget
from pierhead.registry.domain.models import ModelVersion
from pierhead.registry.domain.stages import Stage
from pierhead.registry.services.evidence import Evidences, Sources
from pierhead.registry.services.scans import Scans

PRODUCTION = StageTarget(Stage.PRODUCTION)


class CountingScanner:
    def __init__(self) -> None:
        self.asked: list[list[str]] = []

    def scan(self, files: Sequence[tuple[Path, str]]) -> Scan:
        self.asked.append([name for _, name in files])
        return Scan(len(files), ("model.pkl imports posix.system",))


class EvidenceRig(Rig):
    """With everything that evidence comes from."""

    def __init__(self, folder: Path, database: Database) -> None:
        super().__init__(folder, database)
        world = self.world
        self.scanner = CountingScanner()
        self.webhooks = folder / "external-checks.toml"
        self.names: list[str] = []
        self.evidences = Evidences(
            database,
            world.clock,
            world.artifacts,
            Sources(
                provenances=self.provenances,
                scans=Scans(database, world.clock, world.artifacts, self.scanner),
                runs=self.runs,
                external=ExternalWebhooks(self.webhooks, world.clock, timeout_s=2),
                external_names=lambda _model: self.names,
            ),
        )

    def evidence(
        self, version: ModelVersion, target: AliasTarget | StageTarget | EndpointTarget = PRODUCTION
    ) -> Evidence:
        with self.database.reading() as connection:
            return self.evidences.of(connection, version, target)

    def authors(self, version: ModelVersion) -> frozenset[str]:
        with self.database.reading() as connection:
            return self.evidences.authors(connection, version)


@pytest.fixture
def rig(tmp_path: Path, database: Database) -> Iterator[EvidenceRig]:
    rig = EvidenceRig(tmp_path, database)
    yield rig
    rig.world.close()


def test_evidence_tells_files_signature_data_and_scan(rig: EvidenceRig) -> None:
    rig.table()
    rig.runs.put(a_run("r1", an_input(delta_table_name=TABLE, delta_table_version=0)))
    version = rig.register()
    rig.evidences.refresh(NAME, 1)

    found = rig.evidence(version)

    assert (found.files_digest, found.has_signature) == (version.digest, True)
    assert (found.provenance, found.provenance_message) == (ProvenanceState.COMPLETE, "")
    assert len(found.provenance_digest or "") == 64
    assert found.scan == Scan(2, ("model.pkl imports posix.system",))


def test_a_signature_needs_inputs_and_outputs(rig: EvidenceRig) -> None:
    rig.world.logged_model("models:/m-9", {"MLmodel": "signature:\n  inputs: '[]'\n  outputs: null\n"})

    assert not rig.evidence(rig.world.register(NAME, "models:/m-9")).has_signature


def test_before_anybody_looked_evidence_is_empty_and_says_so(rig: EvidenceRig) -> None:
    rig.runs.put(a_run("r1"))
    found = rig.evidence(rig.register())

    assert (found.provenance, found.provenance_digest) == (ProvenanceState.PENDING, None)
    assert (found.evaluations, found.champion, found.scan, dict(found.reports)) == ((), (), None, {})


def test_numbers_come_from_the_run_and_from_every_evaluation_of_its_model(rig: EvidenceRig) -> None:
    rig.runs.put(a_run("r1", metrics=(a_measurement("loss", float("inf")), a_measurement("auc", 0.8, "holdout"))))
    newer = a_measurement("auc", 0.7, "holdout", NOW + timedelta(hours=1))
    rig.runs.put_model("m-1", "r1", newer, a_measurement("auc", 0.9, "other"))
    version = rig.register()
    rig.evidences.refresh(NAME, 1)

    found = [(each.metric, each.value, each.dataset) for each in rig.evidence(version).evaluations]

    assert found == [("auc", 0.7, "holdout"), ("auc", 0.9, "other"), ("loss", float("inf"), None)]


def test_the_champion_is_what_is_live_at_the_target(rig: EvidenceRig) -> None:
    for number in (1, 2, 3):
        rig.runs.put(a_run(f"r{number}", metrics=(a_measurement("auc", number / 10),)))
        rig.register(run_id=f"r{number}", source=f"models:/m-{number}")
    with rig.world.promotions() as promotions:
        promotions.set_alias(NAME, "challenger", 2)
        promotions.set_alias(NAME, "production", 1)
    rig.evidences.refresh(NAME, 3)
    rig.evidences.refresh(NAME, 2)
    version = rig.world.get(NAME, 3)

    champions = [
        [each.value for each in rig.evidence(version, target).champion]
        for target in (
            PRODUCTION,
            AliasTarget("PRODUCTION"),
            AliasTarget("challenger"),
            EndpointTarget("e", {}),
            StageTarget(Stage.STAGING),
        )
    ]

    assert champions == [[0.1], [0.1], [0.2], [0.1], []]
    assert rig.evidence(rig.world.get(NAME, 1)).champion == ()


def test_files_are_scanned_once(rig: EvidenceRig) -> None:
    rig.runs.put(a_run("r1"))
    rig.register()
    rig.world.register(NAME, f"models:/{NAME}/1")
    for number in (1, 1, 2):
        rig.evidences.refresh(NAME, number)

    assert rig.scanner.asked == [["MLmodel", "requirements.txt"]]


def test_a_silent_tracking_server_takes_no_numbers_away(rig: EvidenceRig) -> None:
    rig.runs.put(a_run("r1", metrics=(a_measurement("auc", 0.8),)))
    version = rig.register()
    rig.evidences.refresh(NAME, 1)
    rig.runs.is_silent = True
    rig.evidences.refresh(NAME, 1)

    assert [each.value for each in rig.evidence(version).evaluations] == [0.8]
    with pytest.raises(NotFound):
        rig.evidences.refresh(NAME, 9)


def test_the_author_of_a_run_is_its_user_and_who_answers_for_it(rig: EvidenceRig) -> None:
    with rig.database.transaction() as connection:
        accounts = Accounts(connection, rig.world.clock)
        accounts.create_user("olga")
        accounts.create_service_principal("robot", "olga")
    rig.runs.put(a_run("r1", user="sam"))
    rig.runs.put(a_run("r2", user="robot"))
    first, second = rig.register(), rig.register(run_id="r2", source="models:/m-2")
    rig.world.logged_model("models:/m-3", {"MLmodel": "flavors: {}\n"})

    assert rig.authors(first) == {"sam"}
    assert "olga" in rig.authors(second)
    assert rig.authors(rig.world.register(NAME, "models:/m-3")) == frozenset()


def test_a_run_stays_its_owner_s_when_the_service_principal_is_gone(rig: EvidenceRig) -> None:
    with rig.database.transaction() as connection:
        accounts = Accounts(connection, rig.world.clock)
        accounts.create_user("olga")
        robot = accounts.create_service_principal("robot", "olga")
    rig.runs.put(a_run("r1", user="robot"))
    version = rig.register()
    with rig.database.transaction() as connection:
        Accounts(connection, rig.world.clock).delete(robot)

    assert "olga" in rig.authors(version)


def test_an_author_who_is_not_known_yet_is_not_nobody(rig: EvidenceRig) -> None:
    rig.runs.is_silent = True
    version = rig.register()

    with pytest.raises(Unavailable, match="who made run r1"):
        rig.authors(version)


class Outside:
    """A system that is asked; `answer` is what it says."""

    def __init__(self) -> None:
        self.answer: tuple[int, bytes] = (200, b'{"passed": true, "message": "go"}')
        self.heard: list[tuple[bytes, str]] = []
        outside = self

        class Handler(http.server.BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                body = self.rfile.read(int(self.headers["content-length"]))
                outside.heard.append((body, self.headers[SIGNATURE_HEADER]))
                status, answer = outside.answer
                self.send_response(status)
                self.send_header("location", "/elsewhere")
                self.end_headers()
                self.wfile.write(answer)

            def log_message(self, *_: object) -> None:
                return

        self._server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.url = f"http://127.0.0.1:{self._server.server_port}/check"
        threading.Thread(target=self._server.serve_forever, daemon=True).start()

    def close(self) -> None:
        self._server.shutdown()
        self._server.server_close()


@pytest.fixture
def outside() -> Iterator[Outside]:
    outside = Outside()
    yield outside
    outside.close()


def test_a_system_outside_is_asked_with_a_signature_if_a_policy_names_it(rig: EvidenceRig, outside: Outside) -> None:
    rig.runs.put(a_run("r1"))
    version = rig.register()
    rig.webhooks.write_text(f'[change]\nurl = "{outside.url}"\nsecret = "s3cret"\n')
    rig.evidences.refresh(NAME, 1)
    assert outside.heard == []

    rig.names = ["change"]
    rig.evidences.refresh(NAME, 1)
    ((body, signature),) = outside.heard
    report = rig.evidence(version).reports["change"]

    assert signature == "sha256=" + hmac.new(b"s3cret", body, hashlib.sha256).hexdigest()
    told = json.loads(body)
    assert (told["check"], told["model_name"], told["version"]) == ("change", NAME, "1")
    assert told["files_digest"] == version.digest
    assert (report.passed, report.message, report.at) == (True, "go", rig.world.clock.now())


@pytest.mark.parametrize(
    ("answer", "message"),
    [
        ((200, b'{"passed": false, "message": "no ticket"}'), "no ticket"),
        ((200, b'{"passed": "yes"}'), "it did not answer with"),
        ((200, b"ok"), "it did not answer with"),
        ((307, b""), "it answered with status 307"),
        ((500, b""), "it answered with status 500"),
    ],
)
def test_everything_but_a_clear_yes_is_a_no(
    rig: EvidenceRig, outside: Outside, answer: tuple[int, bytes], message: str
) -> None:
    rig.runs.put(a_run("r1"))
    version = rig.register()
    rig.names = ["change"]
    rig.webhooks.write_text(f'[change]\nurl = "{outside.url}"\nsecret = "s"\n')
    outside.answer = answer
    rig.evidences.refresh(NAME, 1)

    report = rig.evidence(version).reports["change"]

    assert (report.passed, message in report.message) == (False, True)
    assert len(outside.heard) == 1


@pytest.mark.parametrize(
    ("written", "message"),
    [
        ("", "add [change] with url and secret to external-checks.toml"),
        ("[change]\nurl = 'file:///etc/passwd'\nsecret = 's'\n", "needs url, an http address, and secret"),
        ("[change", "cannot be read"),
        ("[change]\nurl = 'http://127.0.0.1:1/'\nsecret = 's'\n", "it did not answer"),
    ],
)
def test_a_system_that_cannot_be_asked_says_no(tmp_path: Path, rig: EvidenceRig, written: str, message: str) -> None:
    rig.webhooks.write_text(written)

    said = ExternalWebhooks(rig.webhooks, rig.world.clock, timeout_s=1).ask("change", {})

    assert (said.passed, message in said.message) == (False, True), said
