"""Types of columns, from what clients write to what logs keep."""

from typing import Any

import pytest

from pierhead.catalog.api.tables_wire import read_columns
from pierhead.catalog.domain.column_types import from_delta, from_type_name, sql_type, type_name
from pierhead.catalog.domain.sql_types import from_sql
from pierhead.kit.errors import InvalidArgument


@pytest.mark.parametrize(
    ("text", "delta"),
    [
        ("string", "string"),
        ("INT", "integer"),
        ("tinyint", "byte"),
        ("varchar(20)", "string"),
        ("timestamp_ntz", "timestamp_ntz"),
        ("decimal", "decimal(10,0)"),
        ("numeric(38, 38)", "decimal(38,38)"),
        ("map<string,bigint>", {"type": "map", "keyType": "string", "valueType": "long", "valueContainsNull": True}),
    ],
)
def test_sql_names_become_those_of_the_log(text: str, delta: Any) -> None:
    assert from_sql(text) == delta


def test_nested_types_survive_a_round_trip() -> None:
    text = "struct<a:array<struct<b:decimal(4,2),c:date>>,d:map<string,boolean>>"
    assert sql_type(from_sql(text)) == text
    assert from_delta(from_sql(text)) == from_sql(text)


def test_a_quoted_field_name_may_hold_anything() -> None:
    found = from_sql("struct<`a b``c`: int>")
    assert isinstance(found, dict)
    assert found["fields"][0]["name"] == "a b`c"


@pytest.mark.parametrize(
    "text",
    [
        "",
        "foo",
        "array<",
        "array<int",
        "array<int>>",
        "decimal(39,0)",
        "decimal(2,3)",
        "struct<>",
        "struct<1:int>",
        "int;",
    ],
)
def test_what_is_no_type_is_refused(text: str) -> None:
    with pytest.raises(InvalidArgument):
        from_sql(text)


def test_nesting_without_end_is_refused() -> None:
    with pytest.raises(InvalidArgument):
        from_sql("array<" * 5000 + "int" + ">" * 5000)
    deep: Any = "long"
    for _ in range(100):
        deep = {"type": "array", "elementType": deep}
    with pytest.raises(InvalidArgument, match="nested"):
        from_delta(deep)


@pytest.mark.parametrize("value", [7, None, [], {}, {"type": "array"}, {"type": "struct", "fields": []}, "decimal"])
def test_json_that_is_no_type_is_refused(value: Any) -> None:
    with pytest.raises(InvalidArgument):
        from_delta(value)


def test_a_word_alone_names_a_plain_type() -> None:
    assert from_type_name("LONG", None, None) == "long"
    assert type_name("long") == "LONG"
    with pytest.raises(InvalidArgument, match="type_text"):
        from_type_name("ARRAY", None, None)


def test_columns_are_read_in_every_spelling_of_the_clients() -> None:
    columns = read_columns(
        [
            {"name": "a", "type_json": '"long"'},
            {"name": "b", "type_json": '{"name": "b", "type": "string", "nullable": true, "metadata": {}}'},
            {"name": "c", "type_json": "double"},
            {"name": "d", "type_text": "array<int>", "nullable": False},
            {"name": "e", "type_name": "DECIMAL", "type_precision": 9, "type_scale": 1, "comment": "cents"},
        ]
    )
    assert [sql_type(column.delta_type) for column in columns] == [
        "bigint",
        "string",
        "double",
        "array<int>",
        "decimal(9,1)",
    ]
    assert [column.is_nullable for column in columns] == [True, True, True, False, True]
    assert columns[4].comment == "cents"


@pytest.mark.parametrize(
    ("columns", "complaint"),
    [
        (None, "list of"),
        ([], "list of"),
        ([{"type_text": "int"}], "needs a name"),
        ([{"name": "a"}], "'a': it has neither"),
        ([{"name": "a", "type_text": "foo"}], "'a': 'foo'"),
        ([{"name": "a", "type_text": "int"}, {"name": "A", "type_text": "int"}], "more than once"),
        ([{"name": "a", "type_text": "int", "nullable": "no"}], "nullable"),
        ([{"name": "a", "type_json": "[" * 100_000}], "'a'"),
    ],
)
def test_columns_that_cannot_be_made_are_named(columns: Any, complaint: str) -> None:
    with pytest.raises(InvalidArgument, match=complaint):
        read_columns(columns)
