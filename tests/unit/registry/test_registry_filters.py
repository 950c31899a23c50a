import pytest

from pierhead.kit.errors import InvalidArgument
from pierhead.registry.domain.filters import parse_order, parse_query
from pierhead.registry.domain.queries import MODELS, VERSIONS, Attribute, Field, Operator, Order, Subject, Tag


@pytest.mark.parametrize(
    ("text", "conditions"),
    [
        ("", ()),
        ("  ", ()),
        ("name = 'a'", (Attribute(Field.NAME, Operator.EQUAL, "a"),)),
        ("name='a'", (Attribute(Field.NAME, Operator.EQUAL, "a"),)),
        ('attribute.name != "a"', (Attribute(Field.NAME, Operator.NOT_EQUAL, "a"),)),
        ("name like 'a%'", (Attribute(Field.NAME, Operator.LIKE, "a%"),)),
        ("name ILIKE 'a AND b'", (Attribute(Field.NAME, Operator.ILIKE, "a AND b"),)),
        ("name = 'it''s'", (Attribute(Field.NAME, Operator.EQUAL, "it's"),)),
        ("name IN ('a', 'b')", (Attribute(Field.NAME, Operator.IN, ("a", "b")),)),
        ("name NOT IN ('a',)", (Attribute(Field.NAME, Operator.NOT_IN, ("a",)),)),
        ("run_id IN ('r')", (Attribute(Field.RUN_ID, Operator.IN, ("r",)),)),
        ("source_path LIKE 'x%'", (Attribute(Field.SOURCE, Operator.LIKE, "x%"),)),
        ("version_number >= 3", (Attribute(Field.NUMBER, Operator.GREATER_EQUAL, 3),)),
        ("version_number='3'", (Attribute(Field.NUMBER, Operator.EQUAL, 3),)),
        ("version_number < 99999999999", (Attribute(Field.NUMBER, Operator.LESS, 2**31 - 1),)),
        ("tags.team = 'risk'", (Tag("team", Operator.EQUAL, "risk"),)),
        ("tag.`my team` != 'risk'", (Tag("my team", Operator.NOT_EQUAL, "risk"),)),
        ("tags.\"my team\" LIKE '%'", (Tag("my team", Operator.LIKE, "%"),)),
        ("tags.mlflow.source.name = 'x'", (Tag("mlflow.source.name", Operator.EQUAL, "x"),)),
        (
            "name = 'a' and tags.b = 'c' AND run_id = 'd'",
            (
                Attribute(Field.NAME, Operator.EQUAL, "a"),
                Tag("b", Operator.EQUAL, "c"),
                Attribute(Field.RUN_ID, Operator.EQUAL, "d"),
            ),
        ),
    ],
)
def test_the_language_is_mlflows(text: str, conditions: object) -> None:
    assert parse_query(VERSIONS, text, []).conditions == conditions


@pytest.mark.parametrize(
    "text",
    [
        "name",
        "name =",
        "name = a",
        "name = 'a' OR name = 'b'",
        "name = 'a' name = 'b'",
        "name = 'a' AND",
        "name > 'a'",
        "name = 'a'; DROP TABLE users",
        "name IN ()",
        "name IN ('a'",
        "name = ('a')",
        "source_path IN ('a')",
        "tags.a IN ('b')",
        "tags.a > 'b'",
        "tags. = 'b'",
        "metrics.a = '1'",
        "owner = 'a'",
        "version_number = 'a'",
        "version_number = 1.5",
        "version_number LIKE '1'",
        "'name' = 'a'",
        "name = 'a",
        "name ~ 'a'",
        "name = 'a\0'",
        "name = '" + "a" * 10_000 + "'",
        "name IN (" + ",".join(["'a'"] * 501) + ")",
    ],
)
def test_what_cannot_be_read_is_refused(text: str) -> None:
    with pytest.raises(InvalidArgument):
        parse_query(VERSIONS, text, [])


@pytest.mark.parametrize("text", ["run_id = 'a'", "version_number = 1", "source_path = 'a'"])
def test_models_have_fewer_fields_than_versions(text: str) -> None:
    with pytest.raises(InvalidArgument, match="Invalid attribute key"):
        parse_query(MODELS, text, [])


@pytest.mark.parametrize(
    "text", ["", "tags.`mlflow.prompt.is_prompt` != 'true'", "tags.mlflow.prompt.is_prompt = 'false'"]
)
def test_prompts_are_left_out_unless_somebody_asks(text: str) -> None:
    query = parse_query(MODELS, text, [])

    assert (query.conditions, query.wants_prompts) == ((), False)


@pytest.mark.parametrize("text", ["tags.mlflow.prompt.is_prompt = 'true'", "tags.mlflow.prompt.is_prompt != 'false'"])
def test_prompts_are_found_by_who_asks(text: str) -> None:
    query = parse_query(MODELS, text, [])

    assert query.wants_prompts
    assert len(query.conditions) == 1


@pytest.mark.parametrize(
    ("subject", "clauses", "order"),
    [
        (MODELS, [], (Order(Field.NAME, True),)),
        (MODELS, ["name DESC"], (Order(Field.NAME, False),)),
        (MODELS, ["timestamp desc"], (Order(Field.UPDATED_AT, False), Order(Field.NAME, True))),
        (MODELS, ["attribute.creation_timestamp"], (Order(Field.CREATED_AT, True), Order(Field.NAME, True))),
        (VERSIONS, [], (Order(Field.UPDATED_AT, False), Order(Field.NAME, True), Order(Field.NUMBER, False))),
        (VERSIONS, ["version_number ASC"], (Order(Field.NUMBER, True), Order(Field.NAME, True))),
        (VERSIONS, ["`name` DESC", "version_number"], (Order(Field.NAME, False), Order(Field.NUMBER, True))),
    ],
)
def test_an_order_leaves_nothing_undecided(subject: Subject, clauses: list[str], order: object) -> None:
    assert parse_order(subject, clauses) == order


@pytest.mark.parametrize("clauses", [["run_id"], ["name UP"], ["name, version_number"], ["name", "name DESC"], [""]])
def test_an_order_that_cannot_be_read_is_refused(clauses: list[str]) -> None:
    with pytest.raises(InvalidArgument):
        parse_order(VERSIONS, clauses)
