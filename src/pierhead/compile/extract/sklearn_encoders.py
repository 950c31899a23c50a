"""scikit-learn's encoders of categories."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from pierhead.compile.extract.blocks import Block, Feature, Value
from pierhead.compile.extract.graph import Graph
from pierhead.compile.extract.registry import transformer
from pierhead.compile.extract.sklearn_arrays import finite, setting
from pierhead.compile.extract.sklearn_categories import Categories

_GROUPS_UNKNOWN = ("infrequent_if_exist", "warn")


@dataclass(frozen=True, slots=True)
class _Output:
    """A column of the encoder: 1 where the cell of column `owner` is of one of its `members`, or is unknown."""

    owner: int
    members: tuple[int, ...]
    takes_unknown: bool


@transformer("sklearn.OneHotEncoder")
def one_hot_encoder(graph: Graph, fitted: Any, block: Block) -> Block:
    setting(fitted, "handle_unknown", "error", "ignore", *_GROUPS_UNKNOWN)
    categories = Categories(graph, block, fitted.categories_)
    if fitted.handle_unknown == "error":
        graph.decline_where(categories.unknown())
    outputs = [output for place in range(block.width) for output in _outputs(fitted, place)]
    made = _one_hot(graph, categories, outputs)
    is_sparse = bool(getattr(fitted, "sparse_output", getattr(fitted, "sparse", False)))
    return Block(made, (Feature(str(np.dtype(fitted.dtype))),) * made.width, is_sparse=is_sparse)


def _outputs(fitted: Any, place: int) -> list[_Output]:
    mapping = _grouping(fitted, place, len(fitted.categories_[place]))
    infrequent = _infrequent(fitted, place)
    rest = int(mapping[infrequent[0]]) if infrequent is not None else None
    takes = rest if fitted.handle_unknown in _GROUPS_UNKNOWN else None
    outputs = [
        _Output(place, tuple(int(i) for i in np.flatnonzero(mapping == group)), group == takes)
        for group in range(int(mapping.max()) + 1)
    ]
    dropped = getattr(fitted, "_drop_idx_after_grouping", fitted.drop_idx_)
    if dropped is not None and dropped[place] is not None:
        del outputs[int(dropped[place])]
    return outputs


def _infrequent(fitted: Any, place: int) -> "NDArray[np.int64] | None":
    return fitted._infrequent_indices[place] if getattr(fitted, "_infrequent_enabled", False) else None


def _grouping(fitted: Any, place: int, count: int) -> NDArray[np.int64]:
    """Category -> group: infrequent categories share one."""
    mapping = None if _infrequent(fitted, place) is None else fitted._default_to_infrequent_mappings[place]
    return np.arange(count) if mapping is None else np.asarray(mapping)


def _one_hot(graph: Graph, categories: Categories, outputs: list[_Output]) -> Value:
    starts = np.cumsum([0, *(len(known) for known in categories.known)])
    rows = [[int(starts[output.owner]) + member for member in output.members] for output in outputs]
    indicators = categories.indicators()
    if all(len(members) == 1 for members in rows) and not any(output.takes_unknown for output in outputs):
        return graph.columns(indicators, [members[0] for members in rows])
    weights = np.zeros((indicators.width, len(outputs)))
    for column, members in enumerate(rows):
        weights[members, column] = 1.0
    made = graph.linear(indicators, weights)
    takers = [column for column, output in enumerate(outputs) if output.takes_unknown]
    if not takers:
        return made
    collected = np.zeros((len(categories.known), len(outputs)))
    for column in takers:
        collected[outputs[column].owner, column] = 1.0
    return graph.add(made, graph.linear(categories.unknown(), collected))


@transformer("sklearn.OrdinalEncoder")
def ordinal_encoder(graph: Graph, fitted: Any, block: Block) -> Block:
    setting(fitted, "handle_unknown", "error", "use_encoded_value")
    categories = Categories(graph, block, fitted.categories_)
    places = [_grouping(fitted, place, len(known)).astype(np.float64) for place, known in enumerate(fitted.categories_)]
    for place, missing in getattr(fitted, "_missing_indices", {}).items():
        places[place][missing] = fitted.encoded_missing_value
    if fitted.handle_unknown == "error":
        graph.decline_where(categories.unknown())
    unknown = 0.0 if fitted.handle_unknown == "error" else float(fitted.unknown_value)
    made = categories.numbers(places, [unknown] * block.width)
    return Block(made, (Feature(str(np.dtype(fitted.dtype))),) * made.width)


@transformer("sklearn.TargetEncoder")
def target_encoder(graph: Graph, fitted: Any, block: Block) -> Block:
    targets = np.atleast_1d(np.asarray(fitted.target_mean_, dtype=np.float64))
    repeats = len(targets) if fitted.target_type_ == "multiclass" else 1
    categories = Categories(graph, block, fitted.categories_, repeats)
    encodings = [np.asarray(encoding, dtype=np.float64) for encoding in fitted.encodings_]
    made = categories.numbers(encodings, [float(mean) for _ in range(block.width) for mean in targets])
    return Block(made, (Feature("float64"),) * made.width)


@transformer("sklearn.KBinsDiscretizer")
def k_bins_discretizer(graph: Graph, fitted: Any, block: Block) -> Block:
    numbers = finite(graph, block)
    dtype = str(np.dtype(fitted.dtype)) if fitted.dtype is not None else numbers.dtype
    places = graph.count_at_most(numbers.value, _edges([edges[1:-1] for edges in fitted.bin_edges_]))
    if fitted.encode == "ordinal":
        return Block(places, (Feature(dtype),) * places.width)
    binned = Block(places, (Feature("float64"),) * places.width)
    encoded = one_hot_encoder(graph, fitted._encoder, binned)
    return Block(encoded.value, (Feature(dtype),) * encoded.width, is_sparse=fitted.encode == "onehot")


def _edges(rows: Sequence[NDArray[np.float64]]) -> NDArray[np.float64]:
    table = np.full((len(rows), max(1, *(len(row) for row in rows))), np.nan)
    for place, row in enumerate(rows):
        table[place, : len(row)] = row
    return table
