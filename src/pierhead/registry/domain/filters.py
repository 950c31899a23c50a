"""MLflow's search language: `name LIKE 'fraud%' AND tags.`team` = 'risk'`, and `last_updated_timestamp DESC`."""

import re
from collections.abc import Iterator, Sequence

from pierhead.kit.errors import InvalidArgument
from pierhead.registry.domain.names import LARGEST_VERSION, PROMPT_TAG, check_text
from pierhead.registry.domain.queries import Attribute, Condition, Field, Operator, Order, Query, Subject, Tag

# Databases refuse patterns beyond 50,000 bytes; a character becomes at most four.
FILTER_LIMIT = 10_000
LIST_LIMIT = 500


_TOKEN = re.compile(
    r"""\s*(?:
        (?P<text>'(?:[^']|'')*'|"(?:[^"]|"")*")
      | (?P<quoted>`[^`]*`)
      | (?P<operator><=|>=|!=|=|<|>)
      | (?P<word>[\w\-.:/]+)
      | (?P<mark>[(),])
    )""",
    re.VERBOSE,
)
_ORDER = re.compile(r"\s*(?:attributes?\.)?(`?)(\w+)\1(?:\s+(asc|desc))?\s*", re.IGNORECASE)
_ON_TEXT = frozenset({Operator.EQUAL, Operator.NOT_EQUAL, Operator.LIKE, Operator.ILIKE})
_ON_LISTS = frozenset({Operator.IN, Operator.NOT_IN})
_ON_NUMBERS = frozenset(Operator) - _ON_LISTS - {Operator.LIKE, Operator.ILIKE}


def parse_query(subject: Subject, filter_text: str, order_by: Sequence[str]) -> Query:
    """Raises InvalidArgument saying what of the filter or the order cannot be read."""
    conditions = tuple(_Parser(subject, filter_text).conditions())
    wants_prompts = any(_asks_for_prompts(condition) for condition in conditions)
    if not wants_prompts:
        # All that such a condition can say is "no prompts", which is so anyway; a plain model has no such tag.
        conditions = tuple(each for each in conditions if not (isinstance(each, Tag) and each.key == PROMPT_TAG))
    return Query(conditions, parse_order(subject, order_by), wants_prompts)


def parse_order(subject: Subject, order_by: Sequence[str]) -> tuple[Order, ...]:
    """Clauses like `name DESC` as an order that leaves nothing undecided. Raises InvalidArgument."""
    orders = [_order(subject, clause) for clause in order_by] or list(subject.default_order)
    fields = [order.field for order in orders]
    if len(set(fields)) < len(fields):
        raise InvalidArgument(f"`order_by` contains duplicate fields: {list(order_by)}")
    return tuple(orders) + tuple(tie for tie in subject.ties if tie.field not in fields)


def _order(subject: Subject, clause: str) -> Order:
    match = _ORDER.fullmatch(clause)
    field = subject.order_words.get(match[2]) if match else None
    if match is None or field is None:
        words = ", ".join(subject.order_words)
        raise InvalidArgument(f"Invalid order_by clause '{clause}'. Write one of {words}, then ASC or DESC.")
    return Order(field, (match[3] or "asc").lower() == "asc")


def _asks_for_prompts(condition: Condition) -> bool:
    if not isinstance(condition, Tag) or condition.key != PROMPT_TAG:
        return False
    wanted = {Operator.EQUAL: "true", Operator.NOT_EQUAL: "false"}.get(condition.operator)
    return condition.value.lower() == wanted


class _Parser:
    """Reads `CONDITION AND CONDITION ...`."""

    def __init__(self, subject: Subject, text: str) -> None:
        check_text("filter", text, FILTER_LIMIT)
        self._subject = subject
        self._text = text
        self._tokens = list(self._split(text))
        self._at = 0

    def _split(self, text: str) -> Iterator[tuple[str, str]]:
        end = len(text.rstrip())
        at = 0
        while at < end:
            match = _TOKEN.match(text, at)
            if match is None:
                raise self._invalid(text[at:].strip())
            at = match.end()
            yield str(match.lastgroup), match[str(match.lastgroup)]

    def conditions(self) -> Iterator[Condition]:
        if not self._tokens:
            return
        yield self._condition()
        while self._at < len(self._tokens):
            kind, value = self._next()
            if kind != "word" or value.upper() != "AND":
                raise self._invalid(value)
            yield self._condition()

    def _condition(self) -> Condition:
        identifier = self._identifier()
        operator = self._operator()
        if isinstance(identifier, str):
            if operator not in _ON_TEXT:
                raise InvalidArgument(f"Invalid comparator for tag: {operator.value}")
            return Tag(identifier, operator, self._text_value())
        return Attribute(identifier, operator, self._attribute_value(identifier, operator))

    def _identifier(self) -> Field | str:
        """A field, or the key of a tag."""
        kind, value = self._next()
        if kind == "quoted":
            return self._field(value.strip("`"))
        if kind != "word":
            raise self._invalid(value)
        entity, dot, key = value.partition(".")
        if not dot:
            return self._field(value)
        if entity in ("attribute", "attributes"):
            return self._field(key or self._quoted_key())
        if entity not in ("tag", "tags"):
            raise InvalidArgument(f"Invalid entity type '{entity}'. Valid entity types are attribute, tag, tags")
        return key or self._quoted_key()

    def _quoted_key(self) -> str:
        kind, value = self._next()
        if kind not in ("quoted", "text"):
            raise self._invalid(value)
        return value[1:-1]

    def _field(self, word: str) -> Field:
        for field in self._subject.fields:
            if field.value == word:
                return field
        words = ", ".join(sorted(field.value for field in self._subject.fields))
        raise InvalidArgument(f"Invalid attribute key '{word}' specified. Valid keys are {words}, and tags.KEY")

    def _operator(self) -> Operator:
        _, value = self._next()
        word = value.upper()
        if word == "NOT":
            word = f"NOT {self._next()[1].upper()}"
        try:
            return Operator(word)
        except ValueError:
            raise self._invalid(value) from None

    def _attribute_value(self, field: Field, operator: Operator) -> str | int | tuple[str, ...]:
        if field is Field.NUMBER:
            return self._number(operator)
        if operator in _ON_LISTS and field in self._subject.list_fields:
            return self._list()
        if operator not in _ON_TEXT:
            raise InvalidArgument(f"Invalid comparator for attribute {field.value}: {operator.value}")
        return self._text_value()

    def _number(self, operator: Operator) -> int:
        if operator not in _ON_NUMBERS:
            raise InvalidArgument(f"Invalid comparator for attribute version_number: {operator.value}")
        kind, value = self._next()
        digits = value[1:-1] if kind == "text" else value
        if not re.fullmatch(r"-?[0-9]{1,18}", digits):
            raise InvalidArgument(f"Invalid value for numeric attribute 'version_number': {value}")
        # Beyond the largest number all comparisons come out alike, and the database's integers end there.
        return max(-1, min(int(digits), LARGEST_VERSION))

    def _text_value(self) -> str:
        kind, value = self._next()
        if kind != "text":
            raise InvalidArgument(
                f"Expected a quoted string value (e.g. 'my-value') in filter '{self._text}'. Got value {value}"
            )
        return value[1:-1].replace(value[0] * 2, value[0])

    def _list(self) -> tuple[str, ...]:
        self._expect("(")
        values = [self._text_value()]
        while True:
            _, mark = self._next()
            if mark == ")":
                break
            if mark != ",":
                raise self._invalid(mark)
            # A Python tuple of one is written ('a',).
            if self._tokens[self._at : self._at + 1] != [("mark", ")")]:
                values.append(self._text_value())
        if len(values) > LIST_LIMIT:
            raise InvalidArgument(f"a list in the filter holds {len(values)} values; at most {LIST_LIMIT} are allowed")
        return tuple(values)

    def _expect(self, mark: str) -> None:
        _, value = self._next()
        if value != mark:
            raise self._invalid(value)

    def _next(self) -> tuple[str, str]:
        if self._at == len(self._tokens):
            raise InvalidArgument(f"Invalid filter '{self._text}'. It ends where more is expected.")
        self._at += 1
        return self._tokens[self._at - 1]

    def _invalid(self, what: str) -> InvalidArgument:
        return InvalidArgument(
            f"Invalid clause(s) in filter string: {what}. Write comparisons like name = 'x' joined by AND."
        )
