import pytest

from pierhead.kit.errors import InvalidArgument
from pierhead.registry.domain.names import check_alias, check_model_name, check_tag, find_namespace, version_number
from pierhead.registry.domain.stages import Stage, check_archiving, parse_stage


@pytest.mark.parametrize("name", ["main.fraud.model", "my-model", "a model", "Modell für Käufer", "v1"])
def test_a_model_may_have_this_name(name: str) -> None:
    check_model_name(name)


@pytest.mark.parametrize("name", ["", "  ", "a/b", "a:b", "..", ".", "../a", "x" * 257, "a\0b"])
def test_a_model_may_not_have_this_name(name: str) -> None:
    with pytest.raises(InvalidArgument):
        check_model_name(name)


@pytest.mark.parametrize("alias", ["champion", "v", "version2", "a-b_c"])
def test_an_alias_may_have_this_name(alias: str) -> None:
    check_alias(alias)


@pytest.mark.parametrize("alias", ["", "latest", "LATEST", "v12", "V1", "a b", "a/b", "x" * 256])
def test_an_alias_may_not_have_this_name(alias: str) -> None:
    with pytest.raises(InvalidArgument):
        check_alias(alias)


@pytest.mark.parametrize("key", ["team", "mlflow.prompt.is_prompt", "a/b c:d"])
def test_a_tag_may_have_this_key(key: str) -> None:
    check_tag(key, "")


@pytest.mark.parametrize("key", ["", "a//b", "/a", "../a", "a?b", "x" * 251])
def test_a_tag_may_not_have_this_key(key: str) -> None:
    with pytest.raises(InvalidArgument):
        check_tag(key, "value")


def test_a_tag_value_has_a_limit() -> None:
    check_tag("key", "x" * 100_000)
    with pytest.raises(InvalidArgument):
        check_tag("key", "x" * 100_001)


@pytest.mark.parametrize("text", ["", "a", "1.0", "-1", "²", "99999999999", "2147483648"])
def test_this_is_no_version_number(text: str) -> None:
    with pytest.raises(InvalidArgument, match="must be an integer"):
        version_number(text)


def test_only_a_name_of_three_parts_has_a_catalog() -> None:
    namespace = find_namespace("main.fraud.model")

    assert namespace is not None
    assert (namespace.catalog, namespace.schema) == ("main", "fraud")
    assert find_namespace("fraud.model") is None
    assert find_namespace("main.fraud.a model") is None


@pytest.mark.parametrize("text", ["production", "Production", "PRODUCTION", "pRoDuCtIoN"])
def test_a_stage_is_the_same_in_any_spelling(text: str) -> None:
    assert parse_stage(text) is Stage.PRODUCTION


@pytest.mark.parametrize("text", ["", "Prod", "production ", "live"])
def test_an_unknown_stage_is_refused_with_the_list_of_stages(text: str) -> None:
    with pytest.raises(InvalidArgument, match="None, Staging, Production, Archived"):
        parse_stage(text)


@pytest.mark.parametrize("stage", [Stage.NONE, Stage.ARCHIVED])
def test_only_active_stages_push_versions_out(stage: Stage) -> None:
    check_archiving(Stage.STAGING)
    with pytest.raises(InvalidArgument, match="not an Active stage"):
        check_archiving(stage)
