import pytest

from pierhead.kit.errors import InvalidArgument
from pierhead.kit.names import FullName


def test_a_three_part_name_is_read_and_written_alike() -> None:
    assert str(FullName.parse("main.fraud-team.model_2")) == "main.fraud-team.model_2"


@pytest.mark.parametrize("text", ["", "model", "a.b", "a.b.c.d", "a..c", "../a.b.c", "a.b.c/d", "a.b.", "a.b.c\n"])
def test_anything_else_is_refused_with_the_form_it_should_have(text: str) -> None:
    with pytest.raises(InvalidArgument, match=r"catalog\.schema\.name"):
        FullName.parse(text)
