"""scikit-learn's pipelines and everything else that only puts other steps together."""

from dataclasses import replace
from typing import Any

import numpy as np

from pierhead.compile.domain.program import NotCompilable
from pierhead.compile.extract.blocks import Block, Outcome
from pierhead.compile.extract.graph import Graph
from pierhead.compile.extract.registry import predict, predictor, transform, transformer
from pierhead.compile.extract.sklearn_arrays import joined, picked


@transformer("sklearn.Pipeline")
def pipeline(graph: Graph, fitted: Any, block: Block) -> Block:
    for _, step in fitted.steps:
        block = _step(graph, step, block)
    return block


@predictor("sklearn.Pipeline")
def predicting_pipeline(graph: Graph, fitted: Any, block: Block, want: str) -> Outcome:
    if getattr(fitted, "transform_input", None):
        raise NotCompilable("a Pipeline with transform_input")
    for _, step in fitted.steps[:-1]:
        block = _step(graph, step, block)
    return predict(graph, fitted.steps[-1][1], block, want)


def _step(graph: Graph, step: Any, block: Block) -> Block:
    return block if step is None or isinstance(step, str) else transform(graph, step, block)


@transformer("sklearn.FeatureUnion")
def feature_union(graph: Graph, fitted: Any, block: Block) -> Block:
    if fitted.transformer_weights:
        raise NotCompilable("a FeatureUnion with transformer_weights")
    steps = [step for _, step in fitted.transformer_list if not (isinstance(step, str) and step == "drop")]
    made = [_step(graph, step, block) for step in steps]
    return joined(graph, made, is_sparse=any(part.is_sparse for part in made))


@transformer("sklearn.ColumnTransformer")
def column_transformer(graph: Graph, fitted: Any, block: Block) -> Block:
    places = _places(fitted, block)
    made = []
    for name, step, columns in fitted.transformers_:
        chosen = list(fitted._transformer_to_input_indices[name])
        if not chosen or (isinstance(step, str) and step == "drop"):
            continue
        if isinstance(columns, str):
            raise NotCompilable(f"a ColumnTransformer that gives column {columns!r} alone, without its frame")
        made.append(_step(graph, step, picked(graph, block, [places[int(place)] for place in chosen])))
    return joined(graph, made, is_sparse=bool(fitted.sparse_output_))


def _places(fitted: Any, block: Block) -> dict[int, int]:
    """Where the columns of the training lie in the block: by name if both have names, else by position."""
    names = getattr(fitted, "feature_names_in_", None)
    if names is None or not block.is_frame:
        if len(block.features) != fitted.n_features_in_:
            raise NotCompilable(
                f"a ColumnTransformer for {fitted.n_features_in_} columns, the signature has {len(block.features)}"
            )
        return {place: place for place in range(len(block.features))}
    given = {name: place for place, name in enumerate(block.names)}
    dropped = {
        int(place)
        for name, step, _ in fitted.transformers_
        if isinstance(step, str) and step == "drop"
        for place in fitted._transformer_to_input_indices[name]
    }
    absent = [str(name) for place, name in enumerate(names) if name not in given and place not in dropped]
    if absent:
        raise NotCompilable(f"the signature lacks column {absent[0]!r}, which the model was trained on")
    return {place: given[name] for place, name in enumerate(names) if name in given}


# Functions of numbers that mean the same here; each is its own ufunc in NumPy or SciPy.
_UFUNCS = {
    "absolute": "abs",
    "ceil": "ceil",
    "exp": "exp",
    "expit": "sigmoid",
    "expm1": "expm1",
    "floor": "floor",
    "log": "log",
    "log1p": "log1p",
    "negative": "neg",
    "rint": "rint",
    "sign": "sign",
    "sqrt": "sqrt",
    "square": "square",
    "tanh": "tanh",
}
_KEEPS_INTEGERS = {"absolute", "negative", "sign"}


@transformer("sklearn.FunctionTransformer")
def function_transformer(graph: Graph, fitted: Any, block: Block) -> Block:
    if fitted.validate:
        raise NotCompilable("a FunctionTransformer with validate=True")
    if fitted.func is None:
        return block
    name = getattr(fitted.func, "__name__", type(fitted.func).__name__)
    if not isinstance(fitted.func, np.ufunc) or name not in _UFUNCS or fitted.kw_args:
        raise NotCompilable(f"a FunctionTransformer with a function of its own ({name})")
    if block.is_sparse:
        raise NotCompilable(f"a FunctionTransformer with {name} on a sparse matrix")
    return _mapped(graph, name, block)


def _mapped(graph: Graph, name: str, block: Block) -> Block:
    dtypes = {feature.dtype for feature in block.features}
    if not dtypes <= {"float64", "float32"} and (name not in _KEEPS_INTEGERS or "bool" in dtypes):
        whole = dtypes & {"int64", "int32"} == dtypes
        if not whole or name in ("square", "floor", "ceil", "rint"):
            raise NotCompilable(f"a FunctionTransformer with {name} on columns that are no floats")
        return _floats(graph, name, block)
    value = graph.unary(_UFUNCS[name], block.value)
    if "float32" not in dtypes:
        return Block(value, block.features, block.is_frame)
    if dtypes != {"float32"}:
        raise NotCompilable(f"a FunctionTransformer with {name} on columns of several precisions")
    return Block(graph.unary("round32", value), block.features, block.is_frame)


def _floats(graph: Graph, name: str, block: Block) -> Block:
    """Whole numbers become doubles."""
    features = tuple(replace(feature, dtype="float64") for feature in block.features)
    return Block(graph.unary(_UFUNCS[name], block.value), features, block.is_frame)


@predictor(
    "sklearn.GridSearchCV", "sklearn.HalvingGridSearchCV", "sklearn.HalvingRandomSearchCV", "sklearn.RandomizedSearchCV"
)
def search(graph: Graph, fitted: Any, block: Block, want: str) -> Outcome:
    return predict(graph, fitted.best_estimator_, block, want)


@transformer("sklearn.GridSearchCV", "sklearn.RandomizedSearchCV")
def transforming_search(graph: Graph, fitted: Any, block: Block) -> Block:
    return transform(graph, fitted.best_estimator_, block)
