"""What compilation needs from outside, in memory."""

from collections.abc import Callable, Collection, Mapping, Sequence
from datetime import UTC, datetime
from pathlib import Path

from msgspec import structs
from sqlalchemy import Connection

from pierhead.compile.domain.certificate import Certificate, Differences, Tier, Verdict
from pierhead.compile.domain.logged import recent
from pierhead.compile.domain.reports import Report
from pierhead.compile.ports import Built, Checked, JobBroke, Material, Sample
from pierhead.kit.artifacts import ArtifactStore
from pierhead.kit.clock import Clock

EPOCH = datetime(2020, 1, 1, tzinfo=UTC)


def certificate(source: str, verdict: Verdict = Verdict.EXACT, *, compared: bool = True) -> Certificate:
    """One that says that the artifact was proved, unless `verdict` refuses."""
    is_proved = verdict is not Verdict.REFUSED
    return Certificate(
        source=source,
        artifact="job" if is_proved else None,
        verdict=verdict,
        reason="" if is_proved else "nobody knows how to compile it",
        made_by="pierhead",
        versions={"onnxruntime": "1.32.0"},
        arch="x86_64",
        rows_digest="r",
        differences=Differences(rows=10, cases=3, worst=0.0, p99=0.0, flips=0, ties=0, mismatches=0)
        if compared
        else None,
        worst=None,
        is_row_independent=True,
        row_dependence="",
        tier=Tier.COMPILED if is_proved else Tier.PYFUNC,
        engine_row="onnxruntime" if is_proved else "pyfunc",
        engine_batch="pyfunc",
        timings=[],
        made_at_ms=0,
        golden_rows=0,
    )


class FakeVersions:
    """Versions with these digests, all ready at once."""

    def __init__(self, digests: Sequence[str], folder: Path) -> None:
        self.digests = list(digests)
        self._folder = folder

    def new_digests(self, since: datetime | None) -> tuple[Sequence[str], datetime | None]:
        """All of them each time."""
        return self.digests, since

    def folder(self, _digest: str) -> Path:
        return self._folder


class DatedVersions:
    """Versions by the moment at which they became ready."""

    def __init__(self, folder: Path, clock: Clock) -> None:
        self._folder = folder
        self._clock = clock
        self._ready: list[tuple[datetime, str]] = []

    def register(self, digest: str) -> None:
        self._ready.append((self._clock.now(), digest))

    def new_digests(self, since: datetime | None) -> tuple[Sequence[str], datetime | None]:
        found = sorted(each for each in self._ready if since is None or each[0] >= since)
        return [digest for _, digest in found], found[-1][0] if found else since

    def folder(self, _digest: str) -> Path:
        return self._folder


class FakeEnvironments:
    def __init__(self, converter: Path | None = None) -> None:
        self._converter = converter

    def python_of(self, _model: Path, _log: Path) -> Path:
        return Path("python")

    def converter_of(self, _model: Path, _log: Path) -> Path | None:
        return self._converter


class FakeJobs:
    """Ends as told, job by job; the last outcome counts for all that follow."""

    def __init__(self, *outcomes: Certificate | str, checked: Checked | str = "") -> None:
        self._outcomes = list(outcomes)
        self._checked = checked
        self.compiled: list[tuple[str, Path | None]] = []
        self.logged: list[list[bytes]] = []
        """Real requests that each job was given."""
        self.verified: list[Sample] = []
        self.network = ""
        """What the next artifact holds; the same each time if nothing is said."""
        self.meanwhile: Callable[[], object] | None = None
        """Happens once, at the end of the next job."""

    def compile(self, material: Material, converter: Path | None, work: Path) -> Built:
        self.compiled.append((material.source, converter))
        self.logged.append(list(material.logged))
        outcome = self._outcomes.pop(0) if len(self._outcomes) > 1 else self._outcomes[0]
        if isinstance(outcome, str):
            self._meanwhile()
            raise JobBroke(outcome)
        artifact = work / "artifact"
        artifact.mkdir(parents=True, exist_ok=True)
        (artifact / "artifact.json").write_text(self.network or material.source)
        if outcome.artifact is None:
            return Built(outcome, None)
        digest = ArtifactStore(work / "store").add_tree(artifact, EPOCH)
        self._meanwhile()
        return Built(structs.replace(outcome, artifact=digest), artifact)

    def verify(self, _artifact: Path, _model: Path, _python: Path, samples: Sequence[Sample], _work: Path) -> Checked:
        self.verified += samples
        self._meanwhile()
        if isinstance(self._checked, str):
            raise JobBroke(self._checked)
        return self._checked

    def _meanwhile(self) -> None:
        happening, self.meanwhile = self.meanwhile, None
        if happening is not None:
            happening()


class HeardReports:
    def __init__(self) -> None:
        self.heard: list[tuple[str, bool, str]] = []

        self.failing = False

    def tell(self, connection: Connection, source: str, report: Report) -> None:
        if self.failing:
            raise OSError("nobody listens")
        self.heard.append((source, report.passed, report.message))

    def untold(self, connection: Connection, sources: Collection[str]) -> Collection[str]:
        told = {source for source, _, _ in self.heard}
        return [source for source in sources if source not in told]


class KeptRequests:
    """What versions were asked, in memory."""

    def __init__(self) -> None:
        self._kept: dict[str, list[bytes]] = {}

    def keep(self, source: str, samples: Sequence[Sample]) -> None:
        self._kept[source] = recent(self.of(source), [sample.request for sample in samples])

    def of(self, source: str) -> list[bytes]:
        return self._kept.get(source, [])


class Kept:
    """Samples to be taken once."""

    def __init__(self, samples: Mapping[str, Sequence[Sample]]) -> None:
        self._samples = dict(samples)

    def take(self) -> Mapping[str, Sequence[Sample]]:
        samples, self._samples = self._samples, {}
        return samples
