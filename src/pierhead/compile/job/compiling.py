"""The whole job: make an artifact, prove it, and say how the version is to be served."""

import platform
import shutil
import tempfile
import time
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from importlib.metadata import version
from pathlib import Path

import msgspec

from pierhead.compile.domain import certificate as certificates
from pierhead.compile.domain.certificate import Certificate, Tier, Verdict
from pierhead.compile.job.company import row_dependence
from pierhead.compile.job.compiled import start_compiled
from pierhead.compile.job.gating import Gate, Gated
from pierhead.compile.job.making import OWN, Made, Maker, NotMade
from pierhead.compile.job.measuring import Choice, Measured, choose, measure, native_equals_pyfunc
from pierhead.compile.job.order import Order
from pierhead.compile.job.original import Facts, Original
from pierhead.compile.job.sandbox import Sandbox
from pierhead.compile.job.side import CommandRefused, Side, SideFailed
from pierhead.compile.job.stages import Stages
from pierhead.compile.parity.cases import Layout
from pierhead.compile.parity.golden import write_golden
from pierhead.compile.parity.probes import Known, given_cases
from pierhead.kit.artifacts import ArtifactStore

_OWN_LIBRARIES = ("numpy", "onnxruntime")


@dataclass(slots=True)
class Findings:
    """What the job has learned so far; what it never came to keeps the careful answer."""

    reason: str = ""
    made_by: str = OWN
    facts: Facts | None = None
    gated: Gated | None = None
    dependence: str = "could not be told: the model could not be asked"
    measured: list[Measured] = field(default_factory=list)
    choice: Choice = field(default_factory=lambda: Choice(Tier.PYFUNC, "pyfunc", "pyfunc", ""))

    @property
    def is_proved(self) -> bool:
        return self.gated is not None and self.gated.verdict is not Verdict.REFUSED


def compile_model(order: Order) -> Certificate:
    """Leaves `certificate.json`, `job.log` and, if it was proved, `artifact/` in the order's output folder.

    Raises OSError if the output cannot be written.
    """
    order.output.mkdir(parents=True, exist_ok=True)
    artifact = order.output / "artifact"
    shutil.rmtree(artifact, ignore_errors=True)
    with (
        (order.output / "job.log").open("ab", buffering=0) as log,
        tempfile.TemporaryDirectory(prefix="scratch", dir=order.output, ignore_cleanup_errors=True) as scratch,
        Sandbox(order.limits, log, Path(scratch)) as sandbox,
    ):
        job = _Job(order, sandbox, Stages(log), Path(scratch))
        found = job.run(artifact)
        digest = _digest_of(artifact, Path(scratch)) if found.is_proved else None
    certificate = _certificate(order, found, digest)
    (order.output / "certificate.json").write_bytes(certificates.encode(certificate))
    return certificate


def _digest_of(folder: Path, scratch: Path) -> str:
    """As the artifact store names a tree."""
    return ArtifactStore(scratch / "store").add_tree(folder, datetime.now(UTC))


class _Job:
    def __init__(self, order: Order, sandbox: Sandbox, stages: Stages, scratch: Path) -> None:
        self._order = order
        self._sandbox = sandbox
        self._stages = stages
        self._original = Original(sandbox, order.python, order.model)
        self._maker = Maker(order, self._original, sandbox, stages, scratch)

    def run(self, artifact: Path) -> Findings:
        """Everything that can be found out; a model that misbehaves ends as a reason."""
        found = Findings()
        try:
            with self._stages.stage("load the original"):
                found.facts = self._original.load()
        except (CommandRefused, SideFailed, OSError, msgspec.ValidationError) as error:
            found.reason = f"the model could not be loaded: {error}"
            return found
        known = Known(
            None if found.facts.example is None else found.facts.example.encode(),
            [_body(sample) for sample in self._order.samples],
        )
        layout = found.facts.layout
        found.dependence = row_dependence(self._original, known, layout, self._stages, self._order.seed)
        side = self._prove(found, known, layout, artifact)
        self._choose(found, known, layout, side)
        return found

    def _prove(self, found: Findings, known: Known, layout: Layout | None, artifact: Path) -> Side | None:
        """The process of the first artifact that passed, which then lies in the folder `artifact`."""
        assert found.facts is not None
        try:
            for made in self._maker.proposals(found.facts):
                side = self._tried(found, made, known, layout)
                if side is not None and found.gated is not None:
                    write_golden(made.folder, found.gated.golden)
                    shutil.copytree(made.folder, artifact)
                    return side
        except NotMade as error:
            found.reason, found.made_by = str(error), error.made_by
        return None

    def _tried(self, found: Findings, made: Made, known: Known, layout: Layout | None) -> Side | None:
        """The artifact's process if it passed; `found` says how it came out."""
        found.made_by, found.gated = made.made_by, None
        try:
            with self._stages.stage("load the artifact"):
                side = start_compiled(self._sandbox, made.folder, shares_runs=not found.dependence)
            found.gated = self._gated(side, made, known, layout)
        except (CommandRefused, SideFailed) as error:
            found.reason = f"parity could not be proved: {error}"
            return None
        found.reason = found.gated.reason
        if found.is_proved:
            return side
        side.stop()
        return None

    def _gated(self, side: Side, made: Made, known: Known, layout: Layout | None) -> Gated:
        gate = Gate(self._original, side, self._stages, self._order.seed, self._order.rows)
        if made.program is not None:
            layout = Layout(made.program.columns, made.program.is_tensor)
        return gate.judge(known, layout, made.program)

    def _choose(self, found: Findings, known: Known, layout: Layout | None, side: Side | None) -> None:
        assert found.facts is not None
        found.measured = measure(self._original, side, layout, known, self._stages, self._order.seed)
        is_native = False
        if found.facts.is_native:
            try:
                is_native = native_equals_pyfunc(self._original, given_cases(known))
            except SideFailed as error:
                self._stages.say(f"the native object is not used: {error}")
        found.choice = choose(found.measured, is_proved=found.is_proved, is_native=is_native)
        self._stages.say(f"tier {found.choice.tier.value} {found.choice.why}".rstrip())


def _body(sample: object) -> bytes:
    """A logged request, which an order carries as text or as JSON."""
    return sample.encode() if isinstance(sample, str) else msgspec.json.encode(sample)


def _certificate(order: Order, found: Findings, artifact: str | None) -> Certificate:
    gated, choice = found.gated, found.choice
    return Certificate(
        source=order.source,
        artifact=artifact,
        verdict=Verdict.REFUSED if gated is None else gated.verdict,
        reason=found.reason or choice.why,
        made_by=_with_version(found.made_by),
        versions=_versions({} if found.facts is None else found.facts.versions),
        arch=platform.machine(),
        rows_digest=None if gated is None else gated.rows_digest,
        differences=None if gated is None else gated.differences,
        worst=None if gated is None else gated.worst,
        is_row_independent=not found.dependence,
        row_dependence=found.dependence,
        tier=choice.tier,
        engine_row=choice.engine_row,
        engine_batch=choice.engine_batch,
        timings=[measured.timing for measured in found.measured],
        made_at_ms=int(time.time() * 1000),
        golden_rows=0 if gated is None else len(gated.golden),
    )


def _with_version(made_by: str) -> str:
    return f"{OWN} {version(OWN)}" if made_by == OWN else made_by


def _versions(original: Mapping[str, str]) -> dict[str, str]:
    """Those of the runtime by their names, those of the original's environment as `original NAME`."""
    own = {name: version(name) for name in _OWN_LIBRARIES}
    return {**own, **{f"original {name}": number for name, number in original.items()}}
