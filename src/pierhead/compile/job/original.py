"""The original in its own environment: started when it is first asked, and again after it died."""

from collections.abc import Callable
from pathlib import Path
from typing import Any, TypeVar

import msgspec

from pierhead.compile.extract.conversation import NATIVE_REQUEST
from pierhead.compile.job.sandbox import Sandbox
from pierhead.compile.job.side import CommandRefused, Side, SideFailed
from pierhead.compile.parity.cases import Case, Layout
from pierhead.compile.parity.comparison import Given
from pierhead.compile.parity.layouts import layout_of_example, layout_of_signature
from pierhead.kit.decoding import Converter

_MODULE = "pierhead.compile.extract.child"

_Found = TypeVar("_Found")


class Facts(msgspec.Struct, frozen=True):
    """What a loaded model tells of itself. `inputs` is its signature in MLflow's dictionary form.

    `example` is a body that it should answer, `is_made_up` if that comes from the signature alone.
    """

    flavors: list[str]
    inputs: list[dict[str, Any]] | None
    example: str | None
    is_made_up: bool
    is_native: bool
    versions: dict[str, str]

    @property
    def layout(self) -> Layout | None:
        if self.inputs is not None:
            return layout_of_signature(self.inputs)
        return layout_of_example(self.example.encode()) if self.example else None


_FACTS = Converter(Facts)


class Original:
    """Raises SideFailed from every method if the process dies or hangs; the next call finds a fresh one."""

    def __init__(self, sandbox: Sandbox, python: Path, model: Path) -> None:
        self._sandbox = sandbox
        self._python = python
        self._model = model
        self._side: Side | None = None
        self._starts = 0
        self.facts: Facts | None = None

    def load(self) -> Facts:
        """Raises CommandRefused if MLflow cannot load it, OSError if its interpreter cannot be run."""
        if self._side is None:
            self._starts += 1
            confined = self._sandbox.start(f"original{self._starts}", self._python, _MODULE)
            self._side = Side("the original", self._sandbox, confined)
            patience_s = self._sandbox.limits.load_s
            loaded = self._asked(
                lambda side: side.command("load", within_s=patience_s, model=str(self._model.absolute()))
            )
            self.facts = _FACTS.convert(loaded)
        assert self.facts is not None
        return self.facts

    def extract(self, folder: Path) -> None:
        """Write its program to `folder`. Raises CommandRefused with the reason if there is none."""
        self.load()
        self._asked(lambda side: side.command("extract", folder=str(folder)))

    def score(self, case: Case) -> Given:
        self.load()
        return self._asked(lambda side: side.score(case))

    def score_natively(self, case: Case) -> Given:
        self.load()
        return self._asked(lambda side: side.score_natively(case, NATIVE_REQUEST))

    def scores(self, body: bytes) -> dict[str, Any]:
        """Its own scores for the labels of one row: see `extract.opinions`; empty if it has none."""
        self.load()
        try:
            return self._asked(lambda side: side.command("scores", body=body.decode()))
        except CommandRefused:
            return {}

    def time(self, body: bytes, repeat: int) -> dict[str, float]:
        """Raises CommandRefused."""
        self.load()
        return self._asked(lambda side: side.command("time", body=body.decode(), repeat=repeat))

    def _asked(self, ask: Callable[[Side], _Found]) -> _Found:
        assert self._side is not None
        try:
            return ask(self._side)
        except SideFailed:
            self._side.stop()
            self._side = None
            raise
