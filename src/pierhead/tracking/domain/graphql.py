"""What a query of MLflow's web page reads.

Every operation and fragment of a document counts, run or not, so what is asked of rights is never less than what is
read. The document goes on as it came: MLflow's server reads it with the same parser.
"""

from collections.abc import Iterator, Mapping
from typing import Any

from graphql import GraphQLError, Undefined, parse
from graphql.language import (
    DocumentNode,
    FieldNode,
    FragmentDefinitionNode,
    FragmentSpreadNode,
    InlineFragmentNode,
    ObjectValueNode,
    OperationDefinitionNode,
    SelectionNode,
    SelectionSetNode,
)
from graphql.utilities import value_from_ast_untyped

from pierhead.identity.domain.objects import Action
from pierhead.kit.errors import InvalidArgument, NotImplementedYet
from pierhead.tracking.domain.claims import Named, Thing
from pierhead.tracking.domain.experiments import DEFAULT_ID, experiment_id

# The fields of the root, and where their input names what they read.
_RUN = ("runId", "runUuid")
_READS: Mapping[str, tuple[Thing, tuple[str, ...]]] = {
    "mlflowGetExperiment": (Thing.EXPERIMENT, ("experimentId",)),
    "mlflowGetRun": (Thing.RUN, _RUN),
    "mlflowListArtifacts": (Thing.RUN, _RUN),
    "mlflowGetMetricHistoryBulkInterval": (Thing.RUN, ("runIds",)),
    "mlflowSearchRuns": (Thing.EXPERIMENT, ("experimentIds",)),
    "mlflowSearchDatasets": (Thing.EXPERIMENT, ("experimentIds",)),
}

# They touch no experiment; the registry of MLflow's server is empty, as ours answers for it.
_OPEN = frozenset(
    ("mlflowSearchModelVersions", "test", "testMutation", "test_mutation", "__typename", "__schema", "__type")
)

_LONGEST_QUERY = 64 * 1024
_MOST_TOKENS = 5000


def read_query(body: Mapping[str, Any]) -> tuple[list[Named], dict[str, Any]]:
    """Everything that a request names, and the request as it may go on.

    Raises InvalidArgument for what is no query, NotImplementedYet for fields that are not known.
    """
    query, variables, operation = body.get("query"), body.get("variables"), body.get("operationName")
    if not isinstance(query, str) or len(query) > _LONGEST_QUERY:
        raise InvalidArgument(f"parameter 'query' must be a GraphQL document of at most {_LONGEST_QUERY} characters")
    if not isinstance(variables, dict | None) or not isinstance(operation, str | None):
        raise InvalidArgument("parameter 'variables' must be an object, and 'operationName' a string")
    try:
        document = parse(query, max_tokens=_MOST_TOKENS)
        named = [each for field, values in _roots(document, variables or {}) for each in _named(field, values)]
    except (GraphQLError, RecursionError) as error:
        raise InvalidArgument(f"the query is not valid GraphQL: {error}") from None
    return list(dict.fromkeys(named)), {"query": query, "variables": variables, "operationName": operation}


def _roots(document: DocumentNode, variables: Mapping[str, Any]) -> Iterator[tuple[FieldNode, Mapping[str, Any]]]:
    """Every field that stands at the root of an operation, or could by way of a fragment, with the variables there."""
    fragments = {node.name.value: node for node in document.definitions if isinstance(node, FragmentDefinitionNode)}
    operations = [node for node in document.definitions if isinstance(node, OperationDefinitionNode)]
    if len(fragments) + len(operations) != len(document.definitions):
        raise InvalidArgument("the query must consist of operations and fragments, each name once")
    for operation in operations:
        values = _defaults(operation) | dict(variables)
        for field in _fields(operation.selection_set, fragments, set()):
            yield field, values


def _defaults(operation: OperationDefinitionNode) -> dict[str, Any]:
    return {
        definition.variable.name.value: value_from_ast_untyped(definition.default_value)
        for definition in operation.variable_definitions
        if definition.default_value is not None
    }


def _fields(
    selected: SelectionSetNode, fragments: Mapping[str, FragmentDefinitionNode], seen: set[str]
) -> Iterator[FieldNode]:
    nodes: list[SelectionNode] = list(selected.selections)
    for node in nodes:
        match node:
            case FieldNode():
                yield node
            case InlineFragmentNode():
                nodes.extend(node.selection_set.selections)
            case FragmentSpreadNode() if node.name.value in fragments and node.name.value not in seen:
                seen.add(node.name.value)
                nodes.extend(fragments[node.name.value].selection_set.selections)


def _named(field: FieldNode, values: Mapping[str, Any]) -> Iterator[Named]:
    name = field.name.value
    if name in _OPEN:
        return
    if name not in _READS:
        raise NotImplementedYet(f"field {name!r} of GraphQL queries is not offered here")
    thing, keys = _READS[name]
    given = _input(field, values)
    found = [text for key in keys for text in _texts(given.get(key), key)]
    if thing is Thing.RUN and len(set(found)) > 1 and keys == _RUN:
        raise InvalidArgument("'runId' and 'runUuid' of the query differ; send one of them")
    if name == "mlflowGetExperiment" and not found:
        # What MLflow takes for an experiment without an id.
        found = [DEFAULT_ID]
    if thing is Thing.EXPERIMENT:
        found = [experiment_id(text) for text in found]
    for id in found:
        yield Named(Action.READ, thing, id)


def _input(field: FieldNode, values: Mapping[str, Any]) -> Mapping[str, Any]:
    if [argument.name.value for argument in field.arguments] != ["input"]:
        raise InvalidArgument(f"field {field.name.value!r} takes one argument, 'input'")
    node = field.arguments[0].value
    if isinstance(node, ObjectValueNode) and len({entry.name.value for entry in node.fields}) != len(node.fields):
        raise InvalidArgument(f"the input of {field.name.value!r} names a field twice")
    given = value_from_ast_untyped(node, dict(values))
    if not isinstance(given, dict):
        raise InvalidArgument(f"the input of {field.name.value!r} must be an object")
    return given


def _texts(value: Any, key: str) -> list[str]:
    """GraphQL takes a single value for a list of one; what is missing, null or empty names nothing."""
    texts = value if isinstance(value, list) else [value]
    for text in texts:
        if text is not None and text is not Undefined and not isinstance(text, str):
            raise InvalidArgument(f"'{key}' must be a string, not {type(text).__name__}")
    return [text for text in texts if text]
