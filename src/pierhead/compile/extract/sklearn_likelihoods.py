"""Logarithms of likelihoods, summed the way SciPy does it."""

from pierhead.compile.extract.blocks import Value
from pierhead.compile.extract.graph import Graph

_LOWEST = -1e9
"""Below it, neighbouring doubles lie so far apart that the order of adding decides about shares."""


def log_sum(graph: Graph, scores: Value) -> Value:
    """`scipy.special.logsumexp` of every row."""
    highest = graph.row("row_max", scores)
    powers = graph.unary("exp", graph.sub(scores, highest))
    return graph.add(highest, graph.unary("log", graph.row("row_sum", powers)))


def normalized(graph: Graph, scores: Value) -> Value:
    """`scores - logsumexp(scores)`: far from all classes its rounding shows, unlike that of a log-softmax.

    Rows that are so far away that nothing but rounding is left are declined.
    """
    graph.decline_where(graph.binary("less", graph.row("row_max", scores), [_LOWEST]))
    return graph.sub(scores, log_sum(graph, scores))
