"""Metrics that owners of monitors define: Jinja that becomes one SQL expression.

`{{input_column}}` is the column at hand, `{{prediction_col}}`, `{{label_col}}` and `{{timestamp_col}}` are those of the
profile; in a drift metric `{{current_df}}` and `{{base_df}}` are the two profile rows. Of Jinja a template may have
little more than that, since a template that computes could take the whole machine; its SQL runs in a database that can
open nothing.
"""

import re
from collections.abc import Collection, Iterator, Mapping
from typing import Final

from jinja2 import StrictUndefined, TemplateError, nodes
from jinja2.sandbox import ImmutableSandboxedEnvironment

from pierhead.kit.errors import InvalidArgument
from pierhead.monitoring.domain.monitors import (
    TABLE_ROW,
    CustomMetric,
    CustomMetricType,
    InferenceLogProfile,
    Profile,
    SnapshotProfile,
)

MOST_METRICS: Final = 300
_MOST_CHARACTERS = 10_000
_NAME = re.compile(r"[A-Za-z_][A-Za-z0-9_]{0,254}")
_TICKED = re.compile(r"`\s*(\{\{[^{}]*\}\})\s*`")
_SANDBOX = ImmutableSandboxedEnvironment(undefined=StrictUndefined, autoescape=False)
_ALLOWED = (
    *(nodes.Template, nodes.Output, nodes.TemplateData, nodes.Name, nodes.Const, nodes.If, nodes.CondExpr),
    *(nodes.Compare, nodes.Operand, nodes.And, nodes.Or, nodes.Not, nodes.For),
)


def render(metric: CustomMetric, names: Mapping[str, str]) -> str:
    """The metric's SQL expression. `names` are the values of the template's words, as SQL.

    Raises InvalidArgument.
    """
    if len(metric.definition) > _MOST_CHARACTERS:
        raise InvalidArgument(f"custom metric {metric.name!r}: its definition is longer than {_MOST_CHARACTERS}")
    try:
        # Databricks' examples put words into backticks; here they are quoted already.
        text = _TICKED.sub(r"\1", metric.definition)
        # Before it is compiled: that computes what is constant.
        _check_template(metric, _SANDBOX.parse(text))
        sql = _SANDBOX.from_string(text).render(names)
    except InvalidArgument:
        raise
    except TemplateError as error:
        raise InvalidArgument(f"custom metric {metric.name!r}: its definition cannot be rendered: {error}") from error
    except Exception as error:
        # Brackets a thousand deep, or comparisons of what cannot be compared.
        raise InvalidArgument(f"custom metric {metric.name!r}: its definition fails: {error}") from error
    if len(sql) > _MOST_CHARACTERS:
        raise InvalidArgument(f"custom metric {metric.name!r}: its SQL has more than {_MOST_CHARACTERS} characters")
    return sql


def _check_template(metric: CustomMetric, template: nodes.Template) -> None:
    """Raises InvalidArgument unless it is made of text, names, constants, conditions and loops that are not nested."""
    for node in _within(template):
        if not isinstance(node, _ALLOWED):
            told = f"it may not have {type(node).__name__}"
        elif isinstance(node, nodes.For) and (
            not isinstance(node.iter, nodes.Name) or any(isinstance(each, nodes.For) for each in _within(node))
        ):
            told = "a loop goes over one of the names, and not within another loop"
        else:
            continue
        raise InvalidArgument(
            f"custom metric {metric.name!r}: its definition cannot be rendered: {told} (line {node.lineno}); templates "
            "have text, names, constants, comparisons, and, or, not, if and for; the rest is for the SQL to say"
        )


def _within(node: nodes.Node) -> Iterator[nodes.Node]:
    """All below it."""
    waiting = list(node.iter_child_nodes())
    while waiting:
        each = waiting.pop()
        yield each
        waiting += each.iter_child_nodes()


def names_of(profile: Profile, input_column: str | None) -> dict[str, str]:
    """What templates of aggregate and derived metrics may say."""
    names: dict[str, str] = {}
    if input_column is not None and input_column != TABLE_ROW:
        names["input_column"] = quoted(input_column)
    if not isinstance(profile, SnapshotProfile):
        names["timestamp_col"] = quoted(profile.timestamp_column)
    if isinstance(profile, InferenceLogProfile):
        names["prediction_col"] = quoted(profile.prediction_column)
        names["model_id_col"] = quoted(profile.model_id_column)
        if profile.label_column is not None:
            names["label_col"] = quoted(profile.label_column)
    return names


DRIFT_NAMES: Final[Mapping[str, str]] = {"current_df": "current_df", "base_df": "base_df"}


def quoted(name: str) -> str:
    """A name as an identifier of SQL.

    >>> quoted("fixed acidity")
    '"fixed acidity"'
    """
    return '"' + name.replace('"', '""') + '"'


def check_shape(metric: CustomMetric, columns: Collection[str], taken: Collection[str]) -> None:
    """What can be said of a metric without running it; `columns` are those of the table, `taken` names in lower case.

    Raises InvalidArgument that names the metric.
    """
    if not _NAME.fullmatch(metric.name):
        raise InvalidArgument(f"custom metric {metric.name!r}: a name is of letters, digits and '_'")
    if metric.name.lower() in taken:
        raise InvalidArgument(f"custom metric {metric.name!r}: the metric tables have such a column already")
    if not metric.input_columns:
        raise InvalidArgument(f"custom metric {metric.name!r} needs input_columns; ':table' is the whole table")
    unknown = sorted(set(metric.input_columns) - {*columns, TABLE_ROW})
    if unknown:
        raise InvalidArgument(f"custom metric {metric.name!r}: the table has no columns {', '.join(unknown)}")
    if len(metric.definition) > _MOST_CHARACTERS:
        raise InvalidArgument(f"custom metric {metric.name!r}: its definition is longer than {_MOST_CHARACTERS}")


def of_type(metrics: tuple[CustomMetric, ...], type: CustomMetricType) -> tuple[CustomMetric, ...]:
    return tuple(metric for metric in metrics if metric.type is type)
