import pytest

from pierhead.kit.errors import InvalidArgument
from pierhead.serving.domain.capture import CaptureConfig
from pierhead.serving.domain.drafts import ConfigDraft, SettledConfig, default_entity_name, settle
from pierhead.serving.domain.endpoints import EntitySpec, Route

one = EntitySpec("main.fraud.model", "1", workload_size="Small")
two = EntitySpec("main.fraud.model", "2", workload_size="Small")


def base(*routes: Route, capture: CaptureConfig | None = None) -> SettledConfig:
    return SettledConfig({"model-1": one, "model-2": two}, routes, capture)


def test_the_only_entity_gets_all_traffic() -> None:
    settled = settle("fraud", ConfigDraft((one,)))

    assert list(settled.entities) == ["model-1"]
    assert settled.routes == (Route("model-1", 10_000),)


def test_several_entities_need_a_split_because_a_guess_would_move_live_traffic() -> None:
    with pytest.raises(InvalidArgument, match="2 served entities and no traffic_config"):
        settle("fraud", ConfigDraft((one, two)))


def test_an_update_without_a_split_keeps_the_one_it_has_while_the_names_fit() -> None:
    split = (Route("model-1", 9000), Route("model-2", 1000))

    assert settle("fraud", ConfigDraft((two, one)), base(*split)).routes == split
    with pytest.raises(InvalidArgument, match="no traffic_config"):
        settle("fraud", ConfigDraft((one, EntitySpec("main.fraud.model", "3"))), base(*split))


def test_an_update_keeps_what_it_does_not_name() -> None:
    capture = CaptureConfig("main", "fraud")
    settled = settle(
        "fraud", ConfigDraft(routes=(Route("model-2", 10_000),)), base(Route("model-1", 10_000), capture=capture)
    )

    assert list(settled.entities) == ["model-1", "model-2"]
    assert settled.capture == capture


def test_everything_that_is_wrong_is_said_at_once() -> None:
    bad = EntitySpec("m", "1", name="a b", workload_size="Tiny", environment_vars={"1X": "", "PIERHEAD_HOME": ""})
    draft = ConfigDraft(
        (bad, bad), (Route("nobody", 12_000), Route("nobody", -100)), CaptureConfig(catalog="main", enabled=True)
    )
    with pytest.raises(InvalidArgument) as caught:
        settle("no.dots", draft)

    for fact in (
        "'no.dots'",
        "'a b'",
        "'Tiny'",
        "'1X'",
        "PIERHEAD_ are reserved",
        "used by 2 served entities",
        "names 'nobody', which is not served",
        "2 routes lead to",
        "120% for 'nobody'",
        "-1% for",
        "119%, must be 100%",
        "needs a schema_name",
    ):
        assert fact in caught.value.message


@pytest.mark.parametrize(
    ("spec", "fact"),
    [
        (EntitySpec("m", "1", workload_size="Small", max_provisioned_concurrency=4), "only one can be given"),
        (EntitySpec("m", "1", min_provisioned_concurrency=4), "without a max_provisioned_concurrency"),
        (EntitySpec("m", "1", max_provisioned_concurrency=4000), "not from 1 to 64"),
        (EntitySpec("m", "1", min_provisioned_concurrency=8, max_provisioned_concurrency=4), "not from 0 to the"),
    ],
)
def test_impossible_concurrency_is_refused(spec: EntitySpec, fact: str) -> None:
    with pytest.raises(InvalidArgument, match=fact):
        settle("fraud", ConfigDraft((spec,)))


def test_a_config_needs_an_entity() -> None:
    with pytest.raises(InvalidArgument, match="at least one served entity"):
        settle("fraud", ConfigDraft())


def test_a_default_name_fits_the_letters_and_the_length_of_names() -> None:
    assert default_entity_name("My Model", "2") == "My-Model-2"
    assert len(default_entity_name("m" * 200, "17")) == 63
    assert default_entity_name("m" * 200, "17").endswith("m-17")


def test_a_table_that_is_switched_off_needs_no_name() -> None:
    settle("fraud", ConfigDraft((one,), capture=CaptureConfig(enabled=False)))


def test_an_inference_table_must_have_a_name_of_three_parts() -> None:
    with pytest.raises(InvalidArgument, match=r"inference table: .*three levels"):
        settle("fraud", ConfigDraft((one,), capture=CaptureConfig("ma/in", "fraud")))
