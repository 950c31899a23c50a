"""scikit-learn's imputers."""

from typing import Any

import numpy as np

from pierhead.compile.domain.program import MISSING, NotCompilable
from pierhead.compile.extract.blocks import Block, Feature, Value
from pierhead.compile.extract.graph import Graph
from pierhead.compile.extract.registry import transformer
from pierhead.compile.extract.sklearn_arrays import joined, picked, setting


@transformer("sklearn.SimpleImputer")
def simple_imputer(graph: Graph, fitted: Any, block: Block) -> Block:
    setting(fitted, "strategy", "mean", "median", "most_frequent", "constant")
    block = _as_array(fitted, block)
    gaps = missing_in(graph, block, fitted.missing_values)
    kept = _kept(fitted)
    chosen = picked(graph, block, kept)
    statistics = [fitted.statistics_[place] for place in kept]
    fills = [_fill(feature, statistic) for feature, statistic in zip(chosen.features, statistics, strict=True)]
    filled = graph.where(graph.columns(gaps, kept), fills, chosen.value)
    imputed = Block(filled, chosen.features, is_sparse=block.is_sparse)
    if not fitted.add_indicator:
        return imputed
    marks = _indicated(graph, fitted.indicator_, gaps)
    return joined(graph, [imputed, Block(marks, (Feature("bool"),) * marks.width)], is_sparse=block.is_sparse)


@transformer("sklearn.MissingIndicator")
def missing_indicator(graph: Graph, fitted: Any, block: Block) -> Block:
    setting(fitted, "sparse", "auto", False)
    if block.is_sparse:
        raise NotCompilable("MissingIndicator on a sparse matrix")
    marks = _indicated(graph, fitted, missing_in(graph, block, fitted.missing_values))
    return Block(marks, (Feature("bool"),) * marks.width)


def missing_in(graph: Graph, block: Block, missing_values: Any) -> Value:
    """Which cells count as missing. Raises NotCompilable for a marker that its column cannot hold."""
    if any(feature.is_string for feature in block.features):
        return _missing_words(graph, block, missing_values)
    if missing_values is None or (isinstance(missing_values, float) and np.isnan(missing_values)):
        if any(feature.dtype == "bool" for feature in block.features):
            raise NotCompilable("an imputer on boolean columns, for which it raises")
        graph.decline_infinite(block.value)
        return graph.unary("is_nan", block.value)
    if isinstance(missing_values, str):
        raise NotCompilable("an imputer that looks for text in columns of numbers")
    graph.decline_unless_finite(block.value)
    return graph.binary("equal", block.value, [float(missing_values)])


def _missing_words(graph: Graph, block: Block, missing_values: Any) -> Value:
    """Null text is None in a request of its own and NaN beside rows with text, which an imputer tells apart.

    What the original answers depends on the row's company then, so it is asked.
    """
    if not all(feature.is_string for feature in block.features):
        raise NotCompilable("an imputer on text and numbers together")
    graph.decline_where(graph.binary("equal", block.value, [MISSING]))
    if not isinstance(missing_values, str):
        return graph.binary("equal", block.value, [MISSING])
    codes = [feature.vocabulary.code_of(missing_values) for feature in block.features if feature.vocabulary]
    return graph.binary("equal", block.value, codes)


def _as_array(fitted: Any, block: Block) -> Block:
    """What the imputer takes for its array: means and medians are made of floats, the others of what there is."""
    if any(feature.is_string for feature in block.features):
        return block.unnamed()
    needs_floats = fitted.strategy in ("mean", "median")
    dtype = block.float_dtype if needs_floats else block.dtype
    return Block(block.value, (Feature(dtype),) * block.width, is_sparse=block.is_sparse)


def _kept(fitted: Any) -> list[int]:
    """Columns without any value in the training are left out, unless they are to be kept."""
    statistics = list(fitted.statistics_)
    if getattr(fitted, "keep_empty_features", False):
        return list(range(len(statistics)))
    return [place for place, item in enumerate(statistics) if not (isinstance(item, float) and np.isnan(item))]


def _fill(feature: Feature, statistic: Any) -> float:
    if feature.vocabulary is not None:
        if not isinstance(statistic, str):
            raise NotCompilable(f"an imputer that fills text with {statistic!r}")
        return float(feature.vocabulary.code_of(statistic))
    return float(np.asarray(statistic, dtype=np.float64).astype(feature.dtype))


def _indicated(graph: Graph, indicator: Any, gaps: Value) -> Value:
    """The marks of the columns that had gaps in the training; a new gap elsewhere raises if that was asked for."""
    if indicator.features == "all":
        return gaps
    watched = [int(place) for place in indicator.features_]
    others = [place for place in range(gaps.width) if place not in set(watched)]
    if indicator.error_on_new and others:
        graph.decline_where(graph.columns(gaps, others))
    if not watched:
        raise NotCompilable("an indicator of missing values that watches no column")
    return graph.columns(gaps, watched)
