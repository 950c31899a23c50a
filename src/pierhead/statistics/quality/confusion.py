"""Metrics that a confusion matrix alone decides."""

from dataclasses import dataclass

import numpy as np

from pierhead.statistics.counts import Floats


@dataclass(frozen=True, slots=True)
class Averages:
    """One metric over all classes: each class alike (macro), and by how often its label occurs (weighted)."""

    macro: float
    weighted: float


def accuracy(table: Floats) -> float:
    """Share of the table on its diagonal; rows are labels, columns predictions. 0 for an empty table."""
    total = table.sum()
    return float(np.trace(table) / total) if total else 0.0


def precision(table: Floats) -> Averages:
    """Right among what was predicted as the class; 0 for a class never predicted."""
    return _averages(_divide(np.diag(table), table.sum(axis=0)), table)


def recall(table: Floats) -> Averages:
    """Right among the labels of the class; 0 for a class without labels."""
    return _averages(_divide(np.diag(table), table.sum(axis=1)), table)


def f1(table: Floats) -> Averages:
    """Harmonic mean of a class's precision and recall, 2 TP / (labels + predictions); 0 where both are empty."""
    return _averages(_divide(2 * np.diag(table), table.sum(axis=0) + table.sum(axis=1)), table)


def _divide(part: Floats, whole: Floats) -> Floats:
    return np.divide(part, whole, out=np.zeros(part.shape), where=whole > 0)


def _averages(by_class: Floats, table: Floats) -> Averages:
    labels = table.sum(axis=1)
    # A class in neither labels nor predictions is none of this window's classes.
    present = (labels + table.sum(axis=0)) > 0
    if not present.any():
        return Averages(0.0, 0.0)
    return Averages(float(by_class[present].mean()), float(by_class @ labels / labels.sum()))
