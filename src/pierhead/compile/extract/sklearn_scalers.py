"""scikit-learn's transformers of single numbers and of a row's length."""

from typing import Any

import numpy as np
from numpy.typing import NDArray

from pierhead.compile.domain.program import NotCompilable
from pierhead.compile.extract.blocks import Block, Value
from pierhead.compile.extract.graph import Graph
from pierhead.compile.extract.registry import transformer
from pierhead.compile.extract.sklearn_arrays import Numbers, finite, finite_or_nan, setting, sklearn_version


@transformer("sklearn.StandardScaler")
def standard_scaler(graph: Graph, fitted: Any, block: Block) -> Block:
    numbers = finite_or_nan(graph, block)
    if block.is_sparse:
        # A stored number is multiplied by the reciprocal there, which rounds differently.
        return _stretched(numbers, fitted.scale_).block(is_sparse=True)
    # Since 1.8 the constants are rounded to the precision of the array first.
    precision = numbers.dtype if sklearn_version() >= (1, 8) else "float64"
    if fitted.with_mean:
        numbers = numbers.sub(np.asarray(fitted.mean_).astype(precision))
    if fitted.with_std:
        numbers = numbers.div(np.asarray(fitted.scale_).astype(precision))
    return numbers.block()


@transformer("sklearn.MinMaxScaler")
def min_max_scaler(graph: Graph, fitted: Any, block: Block) -> Block:
    numbers = finite_or_nan(graph, block).mul(fitted.scale_).add(fitted.min_)
    return (numbers.clip(*fitted.feature_range) if fitted.clip else numbers).block()


@transformer("sklearn.MaxAbsScaler")
def max_abs_scaler(graph: Graph, fitted: Any, block: Block) -> Block:
    numbers = finite_or_nan(graph, block)
    scaled = _stretched(numbers, fitted.scale_) if block.is_sparse else numbers.div(fitted.scale_)
    clipped = scaled.clip(-1.0, 1.0) if getattr(fitted, "clip", False) else scaled
    return clipped.block(is_sparse=block.is_sparse)


@transformer("sklearn.RobustScaler")
def robust_scaler(graph: Graph, fitted: Any, block: Block) -> Block:
    numbers = finite_or_nan(graph, block)
    if block.is_sparse:
        return _stretched(numbers, fitted.scale_).block(is_sparse=True)
    if fitted.with_centering:
        numbers = numbers.sub(fitted.center_)
    if fitted.with_scaling:
        numbers = numbers.div(fitted.scale_)
    return numbers.block()


def _stretched(numbers: Numbers, scale: Any) -> Numbers:
    return numbers if scale is None else numbers.mul(1.0 / np.asarray(scale))


@transformer("sklearn.Normalizer")
def normalizer(graph: Graph, fitted: Any, block: Block) -> Block:
    numbers = finite(graph, block)
    norm = setting(fitted, "norm", "l1", "l2", "max")
    if norm == "l2":
        length = graph.unary("sqrt", graph.row("row_sum", graph.unary("square", numbers.value)))
    else:
        length = graph.row("row_sum" if norm == "l1" else "row_max", graph.unary("abs", numbers.value))
    # scikit-learn leaves rows of length 0 as they are.
    divisor = graph.where(graph.binary("equal", length, [0.0]), [1.0], length)
    return numbers.of(graph.div(numbers.value, divisor)).block(is_sparse=block.is_sparse)


@transformer("sklearn.Binarizer")
def binarizer(graph: Graph, fitted: Any, block: Block) -> Block:
    numbers = finite(graph, block)
    above = graph.binary("less", [fitted.threshold], numbers.value)
    return numbers.of(above).block(is_sparse=block.is_sparse)


@transformer("sklearn.PowerTransformer")
def power_transformer(graph: Graph, fitted: Any, block: Block) -> Block:
    numbers = finite_or_nan(graph, block)
    method = setting(fitted, "method", "yeo-johnson", "box-cox")
    lambdas = np.asarray(fitted.lambdas_, dtype=np.float64)
    if method == "box-cox":
        graph.decline_where(graph.binary("less_equal", numbers.value, [0.0]))
    curve = _box_cox if method == "box-cox" else _yeo_johnson
    bent = numbers.of(curve(graph, numbers.value, lambdas))
    return standard_scaler(graph, fitted._scaler, bent.block()) if fitted.standardize else bent.block()


def _box_cox(graph: Graph, x: Value, powers: NDArray[np.float64]) -> Value:
    return _power(graph, graph.unary("log", x), powers, powers == 0)


def _yeo_johnson(graph: Graph, x: Value, powers: NDArray[np.float64]) -> Value:
    """Each side of 0 has its own curve; outside its side a curve is fed with 0 lest it makes NaN there."""
    is_negative = graph.binary("less", x, [0.0])
    above = graph.unary("log1p", graph.where(is_negative, [0.0], x))
    below = graph.unary("log1p", graph.where(is_negative, graph.unary("neg", x), [0.0]))
    right = _power(graph, above, powers, np.abs(powers) < np.spacing(1.0))
    left = _power(graph, below, 2 - powers, np.abs(2 - powers) <= np.spacing(1.0))
    return graph.where(is_negative, graph.unary("neg", left), right)


def _power(graph: Graph, logarithm: Value, powers: NDArray[np.float64], is_zero: NDArray[np.bool_]) -> Value:
    """`(e^(logarithm * power) - 1) / power`, which for the power 0 is the logarithm itself."""
    factors = np.where(is_zero, 1.0, powers)
    curve = graph.div(graph.unary("expm1", graph.mul(logarithm, factors)), factors)
    if not np.any(is_zero):
        return curve
    zeros = graph.add(graph.filled(0.0, logarithm), is_zero.astype(np.float64))
    return graph.where(zeros, logarithm, curve)


@transformer("sklearn.QuantileTransformer")
def quantile_transformer(graph: Graph, fitted: Any, block: Block) -> Block:
    setting(fitted, "output_distribution", "uniform")
    if block.is_sparse:
        raise NotCompilable("QuantileTransformer on a sparse matrix")
    numbers = finite_or_nan(graph, block)
    quantiles = np.asarray(fitted.quantiles_, dtype=np.float64).T
    references = np.asarray(fitted.references_, dtype=np.float64)
    rising = [(row, references) for row in quantiles]
    falling = [(-row[::-1], -references[::-1]) for row in quantiles]
    up = graph.interpolated(numbers.value, rising)
    down = graph.interpolated(graph.unary("neg", numbers.value), falling)
    mean = graph.mul(graph.sub(up, down), [0.5])
    at_top = graph.where(graph.binary("equal", numbers.value, quantiles[:, -1]), [1.0], mean)
    at_ends = graph.where(graph.binary("equal", numbers.value, quantiles[:, 0]), [0.0], at_top)
    kept = graph.where(graph.unary("is_nan", numbers.value), numbers.value, at_ends)
    return numbers.of(kept).block()
