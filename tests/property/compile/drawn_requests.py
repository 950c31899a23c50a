"""Requests of every format as hypothesis draws them: mostly plain, each in one or two ways unusual."""

from typing import Any

from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from tests.property.compile.revealing_models import VOCABULARY

from pierhead.compile.domain.artifact import ColumnSpec

settings.register_profile(
    "asks_mlflow", deadline=None, suppress_health_check=list(HealthCheck), derandomize=True, database=None
)
ASKS_MLFLOW = settings(settings.get_profile("asks_mlflow"), max_examples=250)

FLOATS = st.floats(allow_nan=False, allow_infinity=False)
WHOLE = st.integers(-(2**53), 2**53)
PLAIN: dict[str, st.SearchStrategy[Any]] = {
    "double": FLOATS | st.integers(-1000, 1000) | st.none() | st.just(-0.0) | st.integers(-(2**70), 2**70),
    "float": st.floats(-(2.0**53), 2.0**53) | st.integers(-1000, 1000) | st.none(),
    "long": WHOLE,
    "integer": st.integers(-(2**31), 2**31 - 1),
    "boolean": st.booleans(),
    "string": st.sampled_from(VOCABULARY) | st.text(st.characters(exclude_categories=["Cs"]), max_size=6),
}
ODD = st.one_of(
    st.none(),
    st.booleans(),
    st.sampled_from(
        [1.0, 0.5, -1.5, 2**53 + 1, 2**63, -(2**63) - 1, 10**30, 1e300, 3.5e38, float("nan"), float("inf")]
    ),
    st.sampled_from(
        ["abc", "old", "1.5", " 2 ", "", "nan", "NaN", "inf", "-Infinity", "1_0", "0x10", "None", "a\0", "true"]
    ),
    st.integers(-(2**40), 2**40),
    st.lists(st.integers(0, 3), max_size=2),
    st.just({}),
    st.just({"k": 1}),
)


def cell(kind: str) -> st.SearchStrategy[Any]:
    return st.integers(0, 19).flatmap(lambda die: ODD if die == 0 else PLAIN[kind])


@st.composite
def bodies(draw: st.DrawFn, columns: list[ColumnSpec]) -> Any:
    """Requests by column name: mostly plain, each in one or two ways unusual."""
    names = [str(column.name) for column in columns]
    count = draw(st.integers(1, 3))
    rows = [[draw(cell(column.kind)) for column in columns] for _ in range(count)]
    extra = draw(st.sampled_from([None, None, None, "extra", 'with "quotes"']))
    if extra is not None:
        names = [*names, extra]
        rows = [[*row, draw(ODD)] for row in rows]
    order = draw(st.just(list(range(len(names)))) | st.permutations(range(len(names))))
    if len(order) > 1 and draw(st.integers(0, 9)) == 0:
        order = order[:-1]
    names = [names[at] for at in order]
    rows = [[row[at] for at in order] for row in rows]
    body = draw(
        st.sampled_from(["split", "records", "instances", "inputs", "columns", "rows"]).map(FORMATS.__getitem__)
    )(draw, names, rows)
    beside = draw(st.integers(0, 9))
    if beside == 0:
        body |= draw(
            st.sampled_from(
                [{"client_request_id": "7"}, {"usage_context": {"a": "b"}}, {"params": {}}, {"x": 1}, {"inputs": [1]}]
            )
        )
    return body


def as_split(draw: st.DrawFn, names: list[str], rows: list[list[Any]]) -> Any:
    split: dict[str, Any] = {"columns": names, "data": rows}
    index = draw(st.integers(0, 7))
    if index == 0:
        split["index"] = draw(st.lists(st.integers(0, 3), max_size=4) | st.just(["a"]) | st.none())
    if index == 1:
        split["data"] = [row[: draw(st.integers(0, len(row)))] for row in rows]
    if index == 2:
        split = draw(
            st.sampled_from([{"data": rows}, {"columns": names}, {**split, "dtype": 1}, {**split, "data": []}])
        )
    return {"dataframe_split": split}


def as_records(draw: st.DrawFn, names: list[str], rows: list[list[Any]]) -> list[dict[str, Any]]:
    records = [dict(zip(names, row, strict=True)) for row in rows]
    if draw(st.integers(0, 9)) == 0:
        records[-1].pop(draw(st.sampled_from(names)))
    return records


FORMATS: dict[str, Any] = {
    "split": as_split,
    "records": lambda draw, names, rows: {"dataframe_records": as_records(draw, names, rows)},
    "instances": lambda draw, names, rows: {"instances": as_records(draw, names, rows)},
    "inputs": lambda draw, names, rows: {"inputs": as_records(draw, names, rows)},
    "columns": lambda draw, names, rows: {
        "inputs": {
            name: [row[at] for row in rows][: draw(st.sampled_from([9, 9, 9, 1]))] for at, name in enumerate(names)
        }
    },
    "rows": lambda draw, _names, rows: {draw(st.sampled_from(["inputs", "instances"])): rows},
}


@st.composite
def tensors(draw: st.DrawFn, columns: list[ColumnSpec]) -> Any:
    width = draw(st.sampled_from([len(columns)] * 6 + [len(columns) + 1, 0]))
    rows = draw(st.lists(st.lists(cell(columns[0].kind), min_size=width, max_size=width), max_size=3))
    if rows and draw(st.integers(0, 9)) == 0:
        rows[-1] = rows[-1][:-1]
    if draw(st.integers(0, 9)) == 0:
        names = [str(at) for at in range(width)]
        return {"dataframe_split": draw(st.sampled_from([{"data": rows}, {"data": rows, "columns": names}]))}
    return {draw(st.sampled_from(["inputs", "instances"])): rows}
