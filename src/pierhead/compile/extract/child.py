"""A model loaded in its own environment, which the compile job asks: what it is, what it answers, how fast.

Commands: `load`, `extract`, `scores`, `time`; REQUEST and NATIVE_REQUEST frames are invocations.
"""

import contextlib
import json
import os
import statistics
import sys
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any, NoReturn

from pierhead.compile.extract.conversation import NATIVE_REQUEST, Channel, Refused, encode_bytes, serve
from pierhead.compile.extract.guard import Orders, confine
from pierhead.compile.extract.native import NativeScorer, find_predict
from pierhead.compile.extract.opinions import opinion_of
from pierhead.kit.frames import DECLINED, REQUEST, Request
from pierhead.worker.proof import find_payload
from pierhead.worker.scoring import Answer, Scorer
from pierhead.worker.surroundings import calm_mlflow

_LIBRARIES = {
    "mlflow": ("mlflow", "mlflow-skinny"),
    "numpy": ("numpy",),
    "pandas": ("pandas",),
    "scipy": ("scipy",),
    "sklearn": ("scikit-learn",),
    "xgboost": ("xgboost", "xgboost-cpu"),
    "lightgbm": ("lightgbm",),
    "catboost": ("catboost",),
    "onnxruntime": ("onnxruntime",),
}
"""Packages and the distributions that may have brought them."""


def main(arguments: Sequence[str]) -> NoReturn:
    """Serve the job that holds the other end of the socket; returns never."""
    channel = Channel(confine(Orders(**json.loads(arguments[-1]))))
    child = Child()
    serve(
        channel,
        {"load": child.load, "extract": child.extract, "scores": child.scores, "time": child.time},
        {REQUEST: child.score, NATIVE_REQUEST: child.score_natively},
    )
    os._exit(0)


class Child:
    """One model; the first command must be `load`."""

    def load(self, fields: dict[str, Any]) -> dict[str, Any]:
        """`model`: its folder. What there is to know before anything is asked of it."""
        import mlflow.pyfunc

        calm_mlflow()
        self._folder = Path(fields["model"])
        self._model: Any = mlflow.pyfunc.load_model(str(self._folder))
        self._scorer = Scorer(self._model)
        predict = find_predict(self._model)
        self._native = None if predict is None else NativeScorer(self._model, predict)
        metadata = self._model.metadata
        payload = find_payload(metadata, self._folder)
        schema = metadata.get_input_schema()
        return {
            "flavors": sorted(metadata.flavors),
            "inputs": schema.to_dict() if schema is not None else None,
            "example": None if payload is None else payload.body.decode(),
            "is_made_up": payload is not None and payload.made_up,
            "is_native": self._native is not None,
            "versions": _versions(),
        }

    def extract(self, fields: dict[str, Any]) -> dict[str, Any]:
        """`folder`: where the program is to be written. Refused with the reason if there is none."""
        from pierhead.compile.domain.program import NotCompilable
        from pierhead.compile.extract.model import extract

        try:
            extract(self._folder, self._model).save(Path(fields["folder"]))
        except NotCompilable as reason:
            raise Refused(str(reason)) from reason
        return {}

    def scores(self, fields: dict[str, Any]) -> dict[str, Any]:
        """`body`: one row. The labels and the original's scores for them; empty if it does not say."""
        if self._native is None:
            return {}
        rows = self._native.enforced(fields["body"].encode())
        return opinion_of(self._model.get_raw_model(), rows) or {}

    def time(self, fields: dict[str, Any]) -> dict[str, Any]:
        """`body`, `repeat`: median microseconds of a call through pyfunc, and by the native object where there is one.

        They take turns, so that a busy moment of the machine meets both.
        """
        body, repeat = fields["body"].encode(), int(fields["repeat"])
        calls: dict[str, Callable[[], object]] = {"pyfunc_us": lambda: self._scorer.score("application/json", body)}
        if self._native is not None:
            native = self._native
            calls["native_us"] = lambda: native.score(body)
        taken: dict[str, list[float]] = {name: [] for name in calls}
        for _ in range(repeat):
            for name, call in calls.items():
                began_s = time.perf_counter()
                call()
                taken[name].append((time.perf_counter() - began_s) * 1e6)
        return {name: statistics.median(times) for name, times in taken.items()}

    def score(self, request: Request) -> Answer:
        return self._scorer.score(request.content_type, request.body)

    def score_natively(self, request: Request) -> Answer | bytes:
        if self._native is None:
            return encode_bytes(DECLINED, request.id, b"the model's flavor has no object of its own that takes rows")
        return self._native.score(request.body)


def _versions() -> dict[str, str]:
    """Of the libraries that the model has loaded."""
    from importlib import metadata

    found = {}
    for name in sorted(name for package, names in _LIBRARIES.items() if package in sys.modules for name in names):
        with contextlib.suppress(metadata.PackageNotFoundError):
            found[name] = metadata.version(name)
    return found
