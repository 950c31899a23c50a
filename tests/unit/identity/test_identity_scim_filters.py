import pytest

from pierhead.identity.api.scim_filters import parse_filter
from pierhead.identity.domain.queries import And, Compare, Comparison, Condition, Field, Not, Or
from pierhead.kit.errors import InvalidArgument

FIELDS = {
    "userName": Field.NAME,
    "displayName": Field.DISPLAY_NAME,
    "active": Field.IS_ACTIVE,
    "groups.value": Field.GROUP_ID,
}
ADA = Compare(Field.NAME, Comparison.EQUALS, "ada")
BO = Compare(Field.DISPLAY_NAME, Comparison.CONTAINS, "bo")
ACTIVE = Compare(Field.IS_ACTIVE, Comparison.EQUALS, True)


@pytest.mark.parametrize(
    ("text", "condition"),
    [
        ('userName eq "ada"', ADA),
        ("username EQ 'ada'", ADA),
        ("userName eq ada", ADA),
        ('urn:ietf:params:scim:schemas:core:2.0:User:userName eq "ada"', ADA),
        (r'userName eq "a\"d"', Compare(Field.NAME, Comparison.EQUALS, 'a"d')),
        ('userName ne "ada"', Not(ADA)),
        ("displayName pr", Compare(Field.DISPLAY_NAME, Comparison.IS_PRESENT)),
        ('userName eq "ada" or displayName co "bo" and active eq true', Or((ADA, And((BO, ACTIVE))))),
        ('(userName eq "ada" or displayName co "bo") and not (active eq true)', And((Or((ADA, BO)), Not(ACTIVE)))),
        ('groups[value eq "7"]', Compare(Field.GROUP_ID, Comparison.EQUALS, "7")),
    ],
)
def test_a_filter_means_what_scim_says(text: str, condition: Condition) -> None:
    assert parse_filter(text, FIELDS) == condition


@pytest.mark.parametrize(
    ("text", "fact"),
    [
        ('password eq "x"', "'password' is not one of userName"),
        ('userName gt "x"', "'gt' is not one of eq"),
        ("userName eq", "a value is missing"),
        ("userName", "an operator is missing"),
        ('userName eq "a" and', "an attribute is missing"),
        ('(userName eq "a"', "')' is missing"),
        ('userName eq "a")', "is one too many"),
        ('userName eq "a', "cannot be read"),
        ("(" * 50 + 'userName eq "a"' + ")" * 50, "nested deeper"),
        ("x" * 5000, "at most"),
    ],
)
def test_what_cannot_be_read_is_refused_with_the_reason(text: str, fact: str) -> None:
    with pytest.raises(InvalidArgument, match="filter") as refused:
        parse_filter(text, FIELDS)
    assert fact in str(refused.value)
