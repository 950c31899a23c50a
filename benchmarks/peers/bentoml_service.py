"""BentoML with adaptive batching: MODEL=fraud bentoml serve bentoml_service:Scorer, POST /predict with JSON rows."""

import os
import sys
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).parent))

import bentoml
import models
import numpy as np
import pandas as pd

_NAME = os.environ["MODEL"]
_COLUMNS = list(models.asked(_NAME, 1).columns)


@bentoml.service(workers=1, traffic={"timeout": 60, "max_concurrency": 1024})
class Scorer:
    def __init__(self) -> None:
        self._model = models.train(_NAME)

    @bentoml.api(batchable=True, max_batch_size=64, max_latency_ms=1000)
    def predict(self, rows: list[list[Any]]) -> list[list[float]]:
        frame = pd.DataFrame(rows, columns=_COLUMNS)
        return np.asarray(self._model.predict_proba(frame)).tolist()
