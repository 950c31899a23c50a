"""Quality of class predictions, binary or multiclass.

Classes are compared as text. Definitions are scikit-learn's: precision, recall and F1 count 0 where they divide by 0;
ROC AUC one against one, weighted by prevalence; log loss natural, probabilities clipped to [EPSILON, 1 - EPSILON].
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from pierhead.statistics.counts import Floats
from pierhead.statistics.method import MethodSpec
from pierhead.statistics.quality import confusion, roc
from pierhead.statistics.quality.confusion import Averages
from pierhead.statistics.quality.intervals import mean_interval, table_bootstrap, wilson
from pierhead.statistics.sequential.interval import Interval

MOST_REDRAWN = 50
"""A table of more classes is not bootstrapped: a thousand copies of it cost more than the interval is worth."""
EPSILON = float(np.finfo(np.float64).eps)
METHOD = MethodSpec(
    "classification",
    variant="precision/recall/f1 macro and weighted, 0 where undefined; AUC one-vs-one weighted; Wilson interval of "
    "accuracy, DeLong's of binary AUC, normal of log loss, seeded bootstrap of macro F1, all at 95 percent",
    base=float(np.e),
    epsilon=EPSILON,
)


@dataclass(frozen=True, slots=True)
class ClassificationQuality:
    """`table[i][j]` counts rows with label `classes[i]` and prediction `classes[j]`. None: no value possible.

    The AUC's interval exists for two classes only, that of macro F1 up to 50.
    """

    n: int
    classes: tuple[str, ...]
    table: tuple[tuple[int, ...], ...]
    accuracy: float
    accuracy_interval: Interval
    precision: Averages
    recall: Averages
    f1: Averages
    f1_macro_interval: Interval | None
    roc_auc: float | None
    roc_auc_interval: Interval | None
    log_loss: float | None
    log_loss_interval: Interval | None
    method: MethodSpec = METHOD


@dataclass(frozen=True, slots=True)
class Probabilities:
    """Shape (n, classes): the probability of each class for each row, columns named by `classes`."""

    classes: tuple[str, ...]
    values: Floats

    @classmethod
    def binary(cls, negative: object, positive: object, values: Sequence[float] | Floats) -> "Probabilities":
        """From the probability of the positive class alone."""
        second = np.asarray(values, dtype=np.float64)
        return cls((str(negative), str(positive)), np.column_stack([1 - second, second]))


def measure(
    labels: Sequence[object] | npt.NDArray[np.generic],
    predictions: Sequence[object] | npt.NDArray[np.generic],
    probabilities: Probabilities | None = None,
    *,
    seed: int = 0,
) -> ClassificationQuality | None:
    """Quality of predictions against labels, row by row; None without rows.

    Raises ValueError when lengths differ, or a label has no column in `probabilities`.
    """
    truth, guesses = _texts(labels), _texts(predictions)
    if truth.shape != guesses.shape:
        raise ValueError(f"{truth.size} labels for {guesses.size} predictions")
    if truth.size == 0:
        return None
    classes, codes = np.unique(np.concatenate([truth, guesses]), return_inverse=True)
    codes = codes.ravel()
    size = classes.size
    cells = np.bincount(codes[: truth.size] * size + codes[truth.size :], minlength=size * size)
    table = cells.reshape(size, size).astype(np.float64)
    area, area_interval, losses = (None, None, None) if probabilities is None else _scored(truth, probabilities)
    return ClassificationQuality(
        n=int(truth.size),
        classes=tuple(classes.tolist()),
        table=tuple(tuple(int(cell) for cell in row) for row in table),
        accuracy=confusion.accuracy(table),
        accuracy_interval=wilson(float(np.trace(table)), truth.size),
        precision=confusion.precision(table),
        recall=confusion.recall(table),
        f1=confusion.f1(table),
        f1_macro_interval=_f1_interval(table, seed),
        roc_auc=area,
        roc_auc_interval=area_interval,
        log_loss=None if losses is None else float(losses.mean()),
        log_loss_interval=None if losses is None else mean_interval(losses),
    )


def _f1_interval(table: Floats, seed: int) -> Interval | None:
    if table.shape[0] > MOST_REDRAWN:
        return None
    return table_bootstrap(table, lambda drawn: confusion.f1(drawn).macro, seed=seed)


def _scored(truth: npt.NDArray[np.str_], given: Probabilities) -> tuple[float | None, Interval | None, Floats]:
    if given.values.shape != (truth.size, len(given.classes)):
        raise ValueError(
            f"probabilities have shape {given.values.shape}, must be {truth.size} rows of {len(given.classes)} classes"
        )
    columns = {name: position for position, name in enumerate(given.classes)}
    if unknown := sorted({*truth.tolist()} - columns.keys()):
        raise ValueError(f"labels {unknown} have no column of probabilities")
    codes = np.array([columns[label] for label in truth.tolist()], dtype=np.int64)
    chosen = np.clip(given.values[np.arange(codes.size), codes], EPSILON, 1 - EPSILON)
    interval = roc.auc_interval(codes == 1, given.values[:, 1]) if len(given.classes) == 2 else None
    return roc.one_vs_one_weighted(codes, given.values), interval, -np.log(chosen)


def _texts(values: Sequence[object] | npt.NDArray[np.generic]) -> npt.NDArray[np.str_]:
    plain = values.tolist() if isinstance(values, np.ndarray) else list(values)
    return np.array([str(value) for value in plain], dtype=np.str_)
