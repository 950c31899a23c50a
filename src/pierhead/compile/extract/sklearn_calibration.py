"""scikit-learn's calibrated classifiers."""

from typing import Any

import numpy as np

from pierhead.compile.domain.program import NotCompilable
from pierhead.compile.extract.blocks import Block, Outcome, Value, labelled, scalar, vector
from pierhead.compile.extract.graph import Graph
from pierhead.compile.extract.registry import predictor
from pierhead.compile.extract.sklearn_arrays import finite
from pierhead.compile.extract.sklearn_responses import both_sides, refused, response, shares


@predictor("sklearn.CalibratedClassifierCV")
def calibrated_classifier(graph: Graph, fitted: Any, block: Block, want: str) -> Outcome:
    if want not in ("predict", "predict_proba"):
        raise refused(fitted, want)
    parts = [_calibrated(graph, part, block) for part in fitted.calibrated_classifiers_]
    total = parts[0]
    for part in parts[1:]:
        total = graph.add(total, part)
    mean = graph.div(total, [float(len(parts))])
    return vector(mean) if want == "predict_proba" else labelled(graph.row("argmax", mean), fitted.classes_)


def _calibrated(graph: Graph, part: Any, block: Block) -> Value:
    # Named base_estimator before scikit-learn 1.2.
    estimator = part.estimator if hasattr(part, "estimator") else part.base_estimator
    scores = _scores(graph, estimator, block, len(part.classes))
    if part.method not in ("sigmoid", "isotonic"):
        raise NotCompilable(f"CalibratedClassifierCV with method={part.method!r}")
    if len(estimator.classes_) != len(part.classes):
        raise NotCompilable("CalibratedClassifierCV, a fold of which did not see all classes")
    bent = [_bent(graph, curve, graph.columns(scores, [i])) for i, curve in enumerate(part.calibrators)]
    made = both_sides(graph, bent[0]) if len(part.classes) == 2 else shares(graph, graph.concat(bent))
    # A sum of roundings may pass 1 by a little, as in the original.
    is_above = graph.binary("and", graph.binary("less", [1.0], made), graph.binary("less_equal", made, [1.0 + 1e-5]))
    return graph.where(is_above, [1.0], made)


def _scores(graph: Graph, estimator: Any, block: Block, count: int) -> Value:
    if hasattr(estimator, "decision_function"):
        return response(graph, estimator, block, "decision_function")
    scores = response(graph, estimator, block, "predict_proba")
    return graph.columns(scores, [1]) if count == 2 else scores


def _bent(graph: Graph, curve: Any, score: Value) -> Value:
    if type(curve).__name__ == "_SigmoidCalibration":
        slope = graph.add(graph.mul(score, [float(curve.a_)]), [float(curve.b_)])
        return graph.unary("sigmoid", graph.unary("neg", slope))
    return isotonic_curve(graph, curve, score)


def isotonic_curve(graph: Graph, fitted: Any, value: Value) -> Value:
    x = np.asarray(fitted.X_thresholds_, dtype=np.float64)
    y = np.asarray(fitted.y_thresholds_, dtype=np.float64)
    if len(y) == 1:
        return graph.filled(float(y[0]), value)
    if fitted.X_thresholds_.dtype != np.float64:
        raise NotCompilable("an isotonic curve in single precision")
    if fitted.out_of_bounds != "clip":
        outside = graph.binary("or", graph.binary("less", value, x[:1]), graph.binary("less", x[-1:], value))
        # NaN or an exception, which is the original's to give.
        graph.decline_where(outside)
    return graph.interpolated(value, [(x, y)])


@predictor("sklearn.IsotonicRegression")
def isotonic_regression(graph: Graph, fitted: Any, block: Block, want: str) -> Outcome:
    if want != "predict" or block.width != 1:
        raise refused(fitted, want)
    return scalar(isotonic_curve(graph, fitted, finite(graph, block).value))
