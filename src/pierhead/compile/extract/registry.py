"""Which function extracts which class of fitted object.

A family of models is a module in this package, named after its library (`sklearn_linear`, `xgboost_trees`, ...), that
registers functions when it is imported:

    @transformer("sklearn.StandardScaler")
    def standard_scaler(graph: Graph, fitted: Any, block: Block) -> Block: ...

    @predictor("sklearn.LogisticRegression", "sklearn.LogisticRegressionCV")
    def logistic_regression(graph: Graph, fitted: Any, block: Block, want: str) -> Outcome: ...

The key is the top-level package and the class's own name, so that nothing is imported that the model did not import;
the modules themselves use NumPy only. Subclasses in other packages are not known, on purpose: they may do anything.

`want` is the method that is asked for: `predict`, `predict_proba`, `predict_log_proba`, `decision_function`,
`score_samples`, `transform`. Functions raise NotCompilable, with the reason in words for people. To extract a part of
a model (a step, a base estimator) call `transform` and `predict` here.
"""

import importlib
import pkgutil
from collections.abc import Callable
from functools import cache
from typing import Any

from pierhead.compile.domain.program import NotCompilable
from pierhead.compile.extract.blocks import Block, Outcome
from pierhead.compile.extract.graph import Graph

Transformer = Callable[[Graph, Any, Block], Block]
Predictor = Callable[[Graph, Any, Block, str], Outcome]

_transformers: dict[str, Transformer] = {}
_predictors: dict[str, Predictor] = {}

_LIBRARIES = ("sklearn_", "xgboost", "lightgbm", "catboost")


def transformer(*classes: str) -> Callable[[Transformer], Transformer]:
    def register(function: Transformer) -> Transformer:
        _transformers.update(dict.fromkeys(classes, function))
        return function

    return register


def predictor(*classes: str) -> Callable[[Predictor], Predictor]:
    def register(function: Predictor) -> Predictor:
        _predictors.update(dict.fromkeys(classes, function))
        return function

    return register


def class_of(fitted: Any) -> str:
    """Its key, e.g. `sklearn.Pipeline`."""
    return f"{type(fitted).__module__.partition('.')[0]}.{type(fitted).__name__}"


def transform(graph: Graph, fitted: Any, block: Block) -> Block:
    """What `fitted.transform` makes of `block`. Raises NotCompilable."""
    _load_families()
    found = _transformers.get(class_of(fitted))
    if found is None:
        raise NotCompilable(f"{class_of(fitted)} is not known as a transformer")
    _check_names(fitted, block)
    made = found(graph, fitted, block)
    if _makes_frames(fitted):
        return made.renamed([str(name) for name in fitted.get_feature_names_out()])
    return made


def predict(graph: Graph, fitted: Any, block: Block, want: str = "predict") -> Outcome:
    """What the method `want` of `fitted` answers for `block`. Raises NotCompilable."""
    _load_families()
    found = _predictors.get(class_of(fitted))
    if found is None:
        raise NotCompilable(f"{class_of(fitted)} is not known")
    _check_names(fitted, block)
    return found(graph, fitted, block, want)


@cache
def _load_families() -> None:
    package = importlib.import_module(__package__)
    for module in pkgutil.iter_modules(package.__path__):
        if module.name.startswith(_LIBRARIES):
            importlib.import_module(f"{__package__}.{module.name}")


# These choose columns by name themselves, in any order.
_CHOOSE_BY_NAME = {"sklearn.ColumnTransformer", "sklearn.Pipeline", "sklearn.FeatureUnion"}


def _check_names(fitted: Any, block: Block) -> None:
    """scikit-learn refuses DataFrames whose columns differ from those of the training, in name or order."""
    names = getattr(fitted, "feature_names_in_", None)
    key = class_of(fitted)
    if not block.is_frame or names is None or not key.startswith("sklearn.") or key in _CHOOSE_BY_NAME:
        return
    if tuple(names) != block.names:
        raise NotCompilable(
            f"{key} was trained on columns {_listed(names)} and the signature gives {_listed(block.names)}: it raises"
        )


def _listed(names: Any) -> str:
    shown = ", ".join(str(name) for name in list(names)[:5])
    return f"[{shown}, ...]" if len(names) > 5 else f"[{shown}]"


def _makes_frames(fitted: Any) -> bool:
    wanted = getattr(fitted, "_sklearn_output_config", {}).get("transform")
    if wanted == "polars":
        raise NotCompilable(f"{class_of(fitted)} makes polars frames")
    return bool(wanted == "pandas")
