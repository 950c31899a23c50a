"""Quality of the predictions of each cell, from rows that have a label, and what to expect of those that have none.

Confusion matrix and errors are aggregated in the database over all rows. What needs every score, ROC AUC, log loss and
the estimate, is computed for cells of up to MOST_SCORED rows and left out of larger ones.
"""

import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

import duckdb
import numpy as np
import pyarrow as pa

from pierhead.monitoring.domain.monitors import InferenceLogProfile, ProblemType
from pierhead.monitoring.services.delta_sql import literal
from pierhead.monitoring.services.profiling.groupings import Grouping
from pierhead.monitoring.services.profiling.profile_rows import Row
from pierhead.statistics import cbpe
from pierhead.statistics.counts import Floats
from pierhead.statistics.quality import confusion, intervals, roc
from pierhead.statistics.quality.classification import EPSILON, Probabilities
from pierhead.statistics.sequential.interval import Interval

MOST_SCORED = 1_000_000
MOST_CLASSES = 200
"""More classes have no confusion matrix, and none of what comes from it but accuracy."""

_BINARY = 2
_INTERVALS = "quality_intervals"


@dataclass(frozen=True, slots=True)
class Calibration:
    """What the estimate needs of the reference: the classes, negative first, and how scores became probabilities."""

    classes: tuple[str, str]
    calibrator: cbpe.Calibrator


def quality_rows(
    database: duckdb.DuckDBPyConnection, grouping: Grouping, profile: InferenceLogProfile, columns: pa.Schema, view: str
) -> dict[int, Row]:
    """The columns of quality of each cell's `:table` row."""
    label = profile.label_column
    if label is None or label not in columns.names:
        return {}
    counted = _labelled(database, grouping, profile, view)
    found: dict[int, Row] = {
        cell: {"labelled_count": counted.get(cell, 0), "label_coverage": counted.get(cell, 0) / rows}
        for cell, rows in grouping.rows.items()
    }
    if profile.problem_type is ProblemType.REGRESSION:
        measured = _regression(database, grouping, profile, view)
    else:
        measured = _classification(database, grouping, profile, columns, view)
    for cell, row in measured.items():
        found[cell] |= row
    return found


def calibration(
    database: duckdb.DuckDBPyConnection,
    grouping: Grouping,
    profile: InferenceLogProfile,
    columns: pa.Schema,
    view: str,
) -> Calibration | None:
    """From a reference of two classes that has labels and scores, and not too many rows; else None."""
    label, score = profile.label_column, profile.probability_column
    if label is None or score is None or not {label, score} <= set(columns.names):
        return None
    if sum(grouping.rows.values()) > MOST_SCORED:
        return None
    names = [_text(label, columns, "label"), _score(score, columns)]
    where = "WHERE label IS NOT NULL AND score IS NOT NULL AND isfinite(score)"
    found = database.sql(f"SELECT label, score FROM ({grouping.relation(names, view)}) {where}").to_arrow_table()
    classes = sorted(set(found["label"].to_pylist()), key=_class_order)
    if len(classes) != _BINARY:
        return None
    positive = np.array([value == classes[1] for value in found["label"].to_pylist()])
    return Calibration((classes[0], classes[1]), cbpe.fit(positive, found["score"].to_numpy()))


def estimate_rows(
    database: duckdb.DuckDBPyConnection,
    grouping: Grouping,
    profile: InferenceLogProfile,
    columns: pa.Schema,
    calibrations: Mapping[int, Calibration],
) -> dict[int, Row]:
    """Expected quality of each cell without its labels; `calibrations` are those of the cells' references."""
    score = profile.probability_column
    if score is None or not {score, profile.prediction_column} <= set(columns.names):
        return {}
    names = [_text(profile.prediction_column, columns, "prediction"), _score(score, columns)]
    where = "WHERE prediction IS NOT NULL AND score IS NOT NULL AND isfinite(score)"
    query = f"SELECT cell, prediction, score FROM ({grouping.relation(names)}) {where}"
    found: dict[int, Row] = {}
    for cell, rows in _few_at_once(database, query, {cell: grouping.rows[cell] for cell in calibrations}):
        known = calibrations[cell]
        predicted = np.array([value == known.classes[1] for value in rows["prediction"].to_pylist()], dtype=bool)
        expected = cbpe.estimate(known.calibrator, rows["score"].to_numpy(), predicted)
        if expected is not None:
            found[cell] = {
                "estimated_accuracy_score": expected.accuracy,
                "estimated_roc_auc_score": expected.roc_auc,
                "estimated_n": expected.n,
                "estimate_method": expected.method.variant,
            }
    return found


def _few_at_once(
    database: duckdb.DuckDBPyConnection, query: str, rows: Mapping[int, int]
) -> Iterator[tuple[int, pa.Table]]:
    """The query's rows by `cell`, of so many cells at once as have MOST_SCORED rows; larger cells are left out."""
    together: list[int] = []
    for cell, n in sorted(rows.items()):
        if n > MOST_SCORED:
            continue
        if sum(rows[each] for each in together) + n > MOST_SCORED:
            yield from _by_cell(database, query, together)
            together = []
        together.append(cell)
    yield from _by_cell(database, query, together)


def _by_cell(database: duckdb.DuckDBPyConnection, query: str, cells: Sequence[int]) -> Iterator[tuple[int, pa.Table]]:
    if not cells:
        return
    chosen = f"SELECT * FROM ({query}) WHERE cell IN ({', '.join(map(str, cells))}) ORDER BY ALL"
    found: pa.Table = database.sql(chosen).to_arrow_table()
    numbers = found["cell"].to_numpy()
    for cell in cells:
        first, last = np.searchsorted(numbers, cell, "left"), np.searchsorted(numbers, cell, "right")
        if first < last:
            yield cell, found.slice(int(first), int(last - first))


def _labelled(
    database: duckdb.DuckDBPyConnection, grouping: Grouping, profile: InferenceLogProfile, view: str
) -> dict[int, int]:
    label = f"r.{literal(str(profile.label_column))} AS label"
    query = f"SELECT cell, count(label) FROM ({grouping.relation([label], view)}) GROUP BY cell"
    return dict(database.sql(query).fetchall())


def _regression(
    database: duckdb.DuckDBPyConnection, grouping: Grouping, profile: InferenceLogProfile, view: str
) -> dict[int, Row]:
    names = [
        f"r.{literal(str(profile.label_column))}::DOUBLE AS label",
        f"r.{literal(profile.prediction_column)}::DOUBLE AS prediction",
    ]
    query = f"""
        SELECT cell, count(*), avg(error * error), stddev_samp(error * error), avg(abs(error)),
            stddev_samp(abs(error)), avg(abs(error) / abs(label)) FILTER (label != 0),
            CASE WHEN min(label) < max(label) THEN 1 - sum(error * error) / (var_pop(label) * count(*)) END
        FROM (SELECT *, prediction - label AS error FROM ({grouping.relation(names, view)}))
        WHERE isfinite(label) AND isfinite(prediction) GROUP BY cell
    """
    found: dict[int, Row] = {}
    for cell, n, mse, spread_of_squares, mae, spread_of_sizes, mape, r2 in database.sql(query).fetchall():
        found[cell] = {
            "mean_squared_error": mse,
            "root_mean_squared_error": math.sqrt(mse),
            "mean_average_error": mae,
            "mean_absolute_percentage_error": mape,
            "r2_score": r2,
        }
        if n > 1:
            squares = intervals.normal(mse, spread_of_squares / math.sqrt(n))
            # The root of an interval is an interval of the root.
            roots = Interval(math.sqrt(max(0.0, squares.lower)), math.sqrt(squares.upper))
            sizes = intervals.normal(mae, spread_of_sizes / math.sqrt(n))
            known = {"mean_squared_error": squares, "root_mean_squared_error": roots, "mean_average_error": sizes}
            found[cell][_INTERVALS] = [_interval(name, each) for name, each in known.items()]
    return found


def _classification(
    database: duckdb.DuckDBPyConnection,
    grouping: Grouping,
    profile: InferenceLogProfile,
    columns: pa.Schema,
    view: str,
) -> dict[int, Row]:
    label = _text(str(profile.label_column), columns, "label")
    names = [label, _text(profile.prediction_column, columns, "prediction")]
    where = "WHERE label IS NOT NULL AND prediction IS NOT NULL"
    counted = f"SELECT cell, label, prediction, count(*) AS n FROM ({grouping.relation(names, view)}) {where}"
    database.execute(f"CREATE OR REPLACE TEMP TABLE confusions AS {counted} GROUP BY ALL")
    by_cell: dict[int, list[tuple[str, str, int]]] = {}
    few = f"""SELECT cell FROM confusions GROUP BY cell
        HAVING greatest(count(DISTINCT label), count(DISTINCT prediction)) <= {MOST_CLASSES}"""
    for cell, *counts in database.sql(f"SELECT * FROM confusions WHERE cell IN ({few}) ORDER BY ALL").fetchall():
        by_cell.setdefault(cell, []).append((counts[0], counts[1], counts[2]))
    facts = "SELECT cell, sum(n)::BIGINT, (sum(n) FILTER (label = prediction))::BIGINT FROM confusions GROUP BY cell"
    totals = {cell: (n, right or 0) for cell, n, right in database.sql(facts).fetchall()}
    found: dict[int, Row] = {
        cell: {
            "accuracy_score": right / n,
            _INTERVALS: [_interval("accuracy_score", intervals.wilson(right, n))],
        }
        for cell, (n, right) in totals.items()
    }
    for cell, counts in by_cell.items():
        found[cell] |= _of_matrix(counts)
    score = profile.probability_column
    if score in columns.names:
        given = [label, f"r.{literal(str(score))} AS score"]
        where = "WHERE label IS NOT NULL AND score IS NOT NULL"
        query = f"SELECT cell, label, score FROM ({grouping.relation(given, view)}) {where}"
        for cell, rows in _few_at_once(database, query, {cell: n for cell, (n, _) in totals.items()}):
            scored = _scored(rows, columns.field(str(score)).type)
            found[cell][_INTERVALS] += scored.pop(_INTERVALS, [])
            found[cell] |= scored
    return found


def _of_matrix(counted: Sequence[tuple[str, str, int]]) -> Row:
    classes = sorted({name for label, prediction, _ in counted for name in (label, prediction)}, key=_class_order)
    places = {name: place for place, name in enumerate(classes)}
    table = np.zeros((len(classes), len(classes)))
    for label, prediction, n in counted:
        table[places[label], places[prediction]] = n
    right, labels, predicted = np.diag(table), table.sum(axis=1), table.sum(axis=0)
    matrix = [{"prediction": prediction, "label": label, "count": n} for label, prediction, n in counted]
    return {
        "confusion_matrix": matrix,
        "precision": _averaged(confusion.precision(table), classes, right, predicted),
        "recall": _averaged(confusion.recall(table), classes, right, labels),
        "f1_score": _averaged(confusion.f1(table), classes, 2 * right, labels + predicted),
    }


def _averaged(averages: confusion.Averages, classes: list[str], part: Floats, whole: Floats) -> Row:
    each = [(name, float(p / w) if w else 0.0) for name, p, w in zip(classes, part, whole, strict=True)]
    return {"one_vs_all": each, "macro": averages.macro, "weighted": averages.weighted}


def _scored(rows: pa.Table, type: pa.DataType) -> Row:
    labels = rows["label"].to_pylist()
    probabilities = _probabilities(rows["score"], type, labels)
    if probabilities is None or not set(labels) <= set(probabilities.classes):
        return {}
    places = {name: place for place, name in enumerate(probabilities.classes)}
    codes = np.array([places[name] for name in labels], dtype=np.int64)
    if codes.size == 0:
        return {}
    area = roc.one_vs_one_weighted(codes, probabilities.values)
    chosen = np.clip(probabilities.values[np.arange(codes.size), codes], EPSILON, 1 - EPSILON)
    losses = -np.log(chosen)
    known = {"log_loss": intervals.mean_interval(losses)}
    if len(probabilities.classes) == _BINARY:
        known["roc_auc_score"] = roc.auc_interval(codes == 1, probabilities.values[:, 1])
    return {
        "roc_auc_score": None if area is None else {"one_vs_one": {"weighted": area}},
        "log_loss": float(losses.mean()),
        _INTERVALS: [_interval(name, each) for name, each in known.items() if each is not None],
    }


def _interval(metric: str, interval: Interval) -> Row:
    return {"metric": metric, "low": interval.lower, "high": interval.upper}


def _probabilities(scores: pa.ChunkedArray, type: pa.DataType, labels: list[str]) -> Probabilities | None:
    """A number is the probability of the second of two classes; a list has one for each class, in order."""
    classes = sorted(set(labels), key=_class_order)
    if pa.types.is_map(type):
        given = [dict(each) for each in scores.to_pylist()]
        names = sorted({str(name) for each in given for name in each}, key=_class_order)
        values = np.array([[float(each.get(name) or 0.0) for name in names] for each in given])
        return Probabilities(tuple(names), values)
    if pa.types.is_list(type):
        given = scores.to_pylist()
        width = max(map(len, given), default=0)
        if any(len(each) != width or None in each for each in given) or width == 0:
            return None
        values = np.array(given, dtype=np.float64)
        if width == 1:
            values = np.column_stack([1 - values[:, 0], values[:, 0]])
        # Classes are numbered, unless exactly as many names occur as there are probabilities.
        numbered = [str(place) for place in range(values.shape[1])]
        names = numbered if set(classes) <= set(numbered) else classes
        return Probabilities(tuple(names), values) if len(names) == values.shape[1] else None
    if set(classes) <= {"0", "1"}:
        classes = ["0", "1"]
    if len(classes) != _BINARY:
        return None
    return Probabilities.binary(classes[0], classes[1], scores.to_numpy().astype(np.float64))


def _text(column: str, columns: pa.Schema, name: str) -> str:
    """A class as text; whole numbers without a fraction, so that 1.0 and 1 are the same class."""
    value = f"r.{literal(column)}"
    type = columns.field(column).type
    if pa.types.is_boolean(type):
        return f"{value}::INTEGER::VARCHAR AS {name}"
    if pa.types.is_floating(type) or pa.types.is_decimal(type):
        whole = f"{value}::DOUBLE = floor({value}::DOUBLE) AND abs({value}::DOUBLE) < 1e15"
        return f"CASE WHEN {whole} THEN {value}::BIGINT::VARCHAR ELSE {value}::VARCHAR END AS {name}"
    return f"{value}::VARCHAR AS {name}"


def _score(column: str, columns: pa.Schema) -> str:
    """The probability of the positive one of two classes."""
    value, type = f"r.{literal(column)}", columns.field(column).type
    if pa.types.is_list(type):
        return f"CASE WHEN len({value}) <= 2 THEN {value}[-1]::DOUBLE END AS score"
    if pa.types.is_map(type):
        return "NULL::DOUBLE AS score"
    return f"{value}::DOUBLE AS score"


def _class_order(name: str) -> tuple[int, float, str]:
    """Numbers by size, then text."""
    try:
        return (0, float(name), name)
    except ValueError:
        return (1, 0.0, name)
