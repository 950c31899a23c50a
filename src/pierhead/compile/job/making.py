"""The ways to an artifact, in the order in which they are tried: our own emitter, ONNX as logged, the converters."""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from pierhead.compile.convert.logged import take_logged
from pierhead.compile.domain.program import NotCompilable, Program, load_program
from pierhead.compile.emit.artifact import write_artifact
from pierhead.compile.job.converted import PRECISIONS, convert, start_converters
from pierhead.compile.job.order import Order
from pierhead.compile.job.original import Facts, Original
from pierhead.compile.job.sandbox import Sandbox
from pierhead.compile.job.side import CommandRefused, SideFailed
from pierhead.compile.job.stages import Stages

OWN = "pierhead"


@dataclass(frozen=True, slots=True)
class Made:
    """An artifact in `folder`. `program` is what it was made of, where that is known.

    `others` are precisions of the stock converters that are left to be tried if this one is refused.
    """

    folder: Path
    made_by: str
    program: Program | None
    others: Sequence[str] = ()


class NotMade(Exception):
    """No way led to an artifact; the message says why, `made_by` which way was the last."""

    def __init__(self, reason: str, made_by: str) -> None:
        super().__init__(reason)
        self.made_by = made_by


class Maker:
    def __init__(self, order: Order, original: Original, sandbox: Sandbox, stages: Stages, scratch: Path) -> None:
        self._order = order
        self._original = original
        self._sandbox = sandbox
        self._stages = stages
        self._scratch = scratch

    def proposals(self, facts: Facts) -> Iterator[Made]:
        """Artifacts to be judged one after the other until one is proved. Raises NotMade if there is none at all."""
        made = self._first(facts)
        yield made
        if made.others:
            # Where the library itself computes in single precision, a network in double is no closer to it.
            try:
                with self._stages.stage(f"make the artifact (converters, {made.others[0]})"):
                    second = self._converted(facts, made.others)
            except (NotCompilable, CommandRefused, SideFailed) as error:
                self._stages.say(f"there is no artifact in {made.others[0]}: {error}")
                return
            yield second

    def _first(self, facts: Facts) -> Made:
        ways: list[tuple[str, Callable[[Facts], Made]]] = [(OWN, self._emitted)]
        if "onnx" in facts.flavors:
            ways = [("onnx as logged", self._logged)]
        elif self._order.converter_python is not None:
            ways.append(("converters", self._converted))
        reasons = []
        for name, way in ways:
            try:
                with self._stages.stage(f"make the artifact ({name})"):
                    return way(facts)
            except (NotCompilable, CommandRefused, SideFailed) as error:
                reasons.append(str(error))
            except MemoryError:
                reasons.append("the artifact needs more memory than the job may take")
        raise NotMade("; ".join(reasons), ways[-1][0])

    def _emitted(self, facts: Facts) -> Made:  # noqa: ARG002 - every way takes the facts
        stored = self._scratch / "program"
        self._original.extract(stored)
        try:
            program = load_program(stored)
        except (OSError, ValueError, KeyError) as error:
            raise NotCompilable(f"the program that extraction wrote cannot be read: {error}") from error
        folder = self._scratch / "emitted"
        write_artifact(program, folder, self._order.source, OWN)
        return Made(folder, OWN, program)

    def _logged(self, facts: Facts) -> Made:
        folder = self._scratch / "logged"
        return Made(folder, take_logged(self._order.model, facts.inputs, folder, self._order.source), None)

    def _converted(self, facts: Facts, precisions: Sequence[str] = PRECISIONS) -> Made:
        order = self._order
        assert order.converter_python is not None
        folder = self._scratch / f"converted-{precisions[0]}"
        side = start_converters(self._sandbox, order.converter_python)
        try:
            made = convert(side, order.model, facts.inputs, folder, order.source, precisions)
        finally:
            side.stop()
        return Made(folder, made.made_by, None, precisions[precisions.index(made.dtype) + 1 :])
