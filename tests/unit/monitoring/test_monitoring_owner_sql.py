"""What owners of monitors may write: templates that compute nothing, expressions that are bounded and repeatable."""

import pytest

from pierhead.kit.errors import InvalidArgument
from pierhead.monitoring.domain.custom_metrics import render
from pierhead.monitoring.domain.monitors import CustomMetric, CustomMetricType
from pierhead.monitoring.services.owner_sql import owner_sql

NAMES = {"input_column": '"x"', "prediction_col": '"p"', "label_col": '"l"'}


def rendered(definition: str) -> str:
    return render(CustomMetric("own", CustomMetricType.AGGREGATE, definition, ("x",), "double"), NAMES)


@pytest.mark.parametrize(
    ("definition", "sql"),
    [
        ("avg(`{{input_column}}`*`{{ input_column }}`)", 'avg("x"*"x")'),
        (
            "avg(CASE WHEN {{prediction_col}} = {{label_col}} THEN 0 ELSE 1 END)",
            'avg(CASE WHEN "p" = "l" THEN 0 ELSE 1 END)',
        ),
        ("{% if input_column == '\"x\"' and not label_col == 1 %}max{% else %}min{% endif %}(x)", "max(x)"),
        ("{{ 1 if prediction_col in label_col else 2 }}", "2"),
        ("{% for each in input_column %}{{each}}{% endfor %}", '"x"'),
    ],
)
def test_templates_put_names_into_sql(definition: str, sql: str) -> None:
    assert rendered(definition) == sql


@pytest.mark.parametrize(
    ("definition", "named"),
    [
        ("{{ 'x' * 9 }}", "Mul"),
        ("{{ 'x' ~ 'y' }}", "Concat"),
        ("{{ input_column|upper }}", "Filter"),
        ("{{ range(9) }}", "Call"),
        ("{{ input_column.__class__ }}", "Getattr"),
        ("{{ input_column[0] }}", "Getitem"),
        ("{{ [1] }}", "List"),
        ("{% set a = 1 %}", "Assign"),
        ("{% macro a() %}x{% endmacro %}", "Macro"),
        ("{% include 'a' %}", "Include"),
        ("{% for a in 'abc' %}x{% endfor %}", "loop"),
        ("{% for a in input_column %}{% for b in input_column %}x{% endfor %}{% endfor %}", "loop"),
        ("{{ " + "(" * 4000 + "1" + ")" * 4000 + " }}", "fails|rendered"),
    ],
)
def test_templates_that_compute_are_refused_by_what_they_have(definition: str, named: str) -> None:
    with pytest.raises(InvalidArgument, match=named):
        rendered(definition)


@pytest.mark.parametrize(
    "text",
    [
        "count(*)",
        "`mean radius` > 15",
        "sum(x) FILTER (WHERE y > 1) / count(DISTINCT z)",
        "CASE WHEN x IN (1, 2) THEN 'a' WHEN y LIKE 'b%' THEN upper(z) END",
        "quantile_cont(x, 0.5) - stddev(x::DOUBLE)",
        "date_trunc('day', t) + INTERVAL 1 DAY",
        "current_df.root - base_df.root",
        "j->'a'->>'b'",
        "list[1] > 1 AND NOT (x BETWEEN 1 AND 2) -- so",
        "replace(regexp_extract(x, 'a+'), 'a', 'b')",
    ],
)
def test_expressions_over_the_rows_are_allowed(text: str) -> None:
    assert owner_sql(text)


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("(SELECT count(*) FROM range(1000000000000))", "subqueries"),
        ("EXISTS (FROM t)", "subqueries"),
        ("1) FROM t WHERE (true", "one expression"),
        ("1), (2", "one expression"),
        ("1); SELECT (2", "one expression"),
        ("1) UNION SELECT (2", "one expression"),
        ("1) ORDER BY (2", "one expression"),
        ("sum(length(repeat('x', 2000000000)))", r"repeat\(\)"),
        ("main.lpad('x', 2000000000, 'y')", r"lpad\(\)"),
        ("format('{:>2000000000}', x)", r"format\(\)"),
        ("len(range(1000000000))", r"range\(\)"),
        ("[a for a in l]", r"list_apply\(\)"),
        ("replace(replace(x, 'x', 'yy'), 'y', 'xx')", "inside"),
        ("current_setting('threads')", r"current_setting\(\)"),
        ("getenv('HOME')", r"getenv\(\)"),
        ("random() > 0.5", r"random\(\)"),
        ("uuid()", r"uuid\(\)"),
        ("t > now()", r"now\(\)"),
        ("t > current_date", "current_date"),
        ("row_number() OVER ()", "window functions"),
        ("columns(*)", "count"),
        ("x >", "read"),
        (f"{'md5(' * 900}x{')' * 900}", "nested too deeply"),
    ],
)
def test_expressions_that_could_take_the_machine_or_change_by_themselves_are_refused(text: str, reason: str) -> None:
    with pytest.raises(InvalidArgument, match=reason):
        owner_sql(text)
