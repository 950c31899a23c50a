"""Names of catalogs and schemas."""

import pytest

from pierhead.catalog.domain.names import SchemaName, check_part
from pierhead.catalog.domain.places import Contents
from pierhead.kit.errors import InvalidArgument


@pytest.mark.parametrize("name", ["main", "ml-team_2", "2024", "Über"])
def test_letters_digits_and_lines_make_a_name(name: str) -> None:
    assert check_part(name, "catalog") == name


@pytest.mark.parametrize(
    "name", ["", ".", "..", ".dropped", "-a", "a b", "a.b", "a/b", "a\0", "a%2e", "a" * 256, "a\n"]
)
def test_anything_else_does_not(name: str) -> None:
    with pytest.raises(InvalidArgument, match="schema name"):
        check_part(name, "schema")


def test_a_schema_s_name_has_two_parts() -> None:
    assert str(SchemaName.parse("main.fraud")) == "main.fraud"
    for text in ("main", "main.", ".fraud", "a.b.c"):
        with pytest.raises(InvalidArgument):
            SchemaName.parse(text)


def test_long_contents_are_counted_and_not_all_told() -> None:
    words = Contents(models=2, tables=tuple(f"main.a.t{number}" for number in range(9))).words()
    assert words[0] == "2 registered models"
    assert words[1].startswith("9 tables (main.a.t0, ")
    assert words[1].endswith(", ...)")
