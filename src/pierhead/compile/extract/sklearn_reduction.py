"""scikit-learn's transformers that choose, combine or project columns."""

from itertools import combinations, combinations_with_replacement
from typing import Any

import numpy as np

from pierhead.compile.extract.blocks import Block, Feature
from pierhead.compile.extract.graph import Graph
from pierhead.compile.extract.registry import transformer
from pierhead.compile.extract.sklearn_arrays import allows_nan, finite, picked


@transformer(
    "sklearn.GenericUnivariateSelect",
    "sklearn.RFE",
    "sklearn.RFECV",
    "sklearn.SelectFdr",
    "sklearn.SelectFpr",
    "sklearn.SelectFromModel",
    "sklearn.SelectFwe",
    "sklearn.SelectKBest",
    "sklearn.SelectPercentile",
    "sklearn.SequentialFeatureSelector",
    "sklearn.VarianceThreshold",
)
def selector(graph: Graph, fitted: Any, block: Block) -> Block:
    if not allows_nan(fitted):
        # Those that let NaN through look at nothing at all.
        finite(graph, block)
    kept = picked(graph, block, [int(place) for place in fitted.get_support(indices=True)])
    return Block(kept.value, (Feature(block.dtype),) * kept.width, is_sparse=block.is_sparse)


@transformer("sklearn.PCA", "sklearn.IncrementalPCA")
def pca(graph: Graph, fitted: Any, block: Block) -> Block:
    numbers = finite(graph, block)
    axes = np.asarray(fitted.components_, dtype=np.float64).T
    offset = np.zeros(axes.shape[1]) if fitted.mean_ is None else -(np.asarray(fitted.mean_, dtype=np.float64) @ axes)
    projected = graph.linear(numbers.value, axes, offset)
    if fitted.whiten:
        scale = np.sqrt(fitted.explained_variance_)
        projected = graph.div(projected, np.maximum(scale, np.finfo(scale.dtype).eps))
    dtype = np.result_type(numbers.dtype, fitted.components_.dtype)
    return _computed(graph, projected, str(dtype))


@transformer("sklearn.TruncatedSVD")
def truncated_svd(graph: Graph, fitted: Any, block: Block) -> Block:
    numbers = finite(graph, block)
    dtype = np.result_type(numbers.dtype, fitted.components_.dtype)
    return _computed(graph, graph.linear(numbers.value, fitted.components_.T), str(dtype))


def _computed(graph: Graph, value: Any, dtype: str) -> Block:
    rounded = graph.unary("round32", value) if dtype == "float32" else value
    return Block(rounded, (Feature(dtype),) * rounded.width)


@transformer("sklearn.PolynomialFeatures")
def polynomial_features(graph: Graph, fitted: Any, block: Block) -> Block:
    """Every term is the product of its columns, from the last to the first as scikit-learn multiplies them."""
    numbers = finite(graph, block)
    terms = _terms(fitted, block.width)
    longest = max(len(term) for term in terms)
    one = block.width
    padded = [[one] * (longest - len(term)) + term for term in terms]
    with_one = graph.concat([numbers.value, graph.filled(1.0, numbers.value)])
    product = graph.columns(with_one, [term[-1] for term in padded]) if longest else graph.filled(1.0, with_one)
    for place in range(longest - 2, -1, -1):
        product = numbers.of(graph.mul(product, graph.columns(with_one, [term[place] for term in padded]))).value
    return Block(product, (Feature(numbers.dtype),) * product.width, is_sparse=block.is_sparse)


def _terms(fitted: Any, width: int) -> list[list[int]]:
    lowest, highest = fitted.degree if isinstance(fitted.degree, tuple) else (0, fitted.degree)
    choose = combinations if fitted.interaction_only else combinations_with_replacement
    terms = [list(term) for degree in range(max(lowest, 1), highest + 1) for term in choose(range(width), degree)]
    return [[], *terms] if fitted.include_bias else terms
