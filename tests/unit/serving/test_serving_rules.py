"""Small rules: rate limits, tags that mean something, what fits on a machine."""

import pytest

from pierhead.serving.domain.capacity import Machine, estimated_bytes, room_for, room_problems
from pierhead.serving.domain.endpoints import EntitySpec, Tag
from pierhead.serving.domain.rate_limits import CallLimit, LimitKey, limit_problems
from pierhead.serving.domain.tags import is_prewarmed, tag_problems, timeout_of

GIB = 1024**3
USER, GROUP, SERVICE = LimitKey.USER, LimitKey.GROUP, LimitKey.SERVICE_PRINCIPAL


@pytest.mark.parametrize(
    ("limits", "fact"),
    [
        ([CallLimit(0)], "0 calls a minute of endpoint are not from 1"),
        ([CallLimit(5, GROUP)], "a user_group needs its principal"),
        ([CallLimit(5, SERVICE)], "a service_principal needs its principal"),
        ([CallLimit(5, LimitKey.ENDPOINT, "ada")], "not for 'ada'"),
        ([CallLimit(5, USER, "ada"), CallLimit(6, USER, "ada")], "2 rate limits for user ada"),
        ([CallLimit(5, USER, "ci"), CallLimit(6, SERVICE, "ci")], "2 rate limits for user ci"),
        ([CallLimit(5)] * 101, "101 rate limits"),
    ],
)
def test_limits_that_make_no_sense_are_named(limits: list[CallLimit], fact: str) -> None:
    assert fact in "; ".join(limit_problems(limits))


def test_limits_of_all_kinds_go_together() -> None:
    limits = [CallLimit(100), CallLimit(10, USER), CallLimit(50, USER, "ada"), CallLimit(60, GROUP, "risk")]
    assert limit_problems(limits) == []
    assert [limit.key.routed for limit in limits] == ["endpoint", "user", "user", "group"]


@pytest.mark.parametrize(
    ("tag", "fact"),
    [
        (Tag("pierhead.timeout_s", "298"), "from 1 to 297 seconds, not '298'"),
        (Tag("pierhead.timeout_s", "0.5"), "not '0.5'"),
        (Tag("pierhead.timeout_s", "nan"), "not 'nan'"),
        (Tag("pierhead.timeout_s"), "not None"),
        (Tag("pierhead.prewarm", "yes"), "must be 'true' or 'false', not 'yes'"),
        (Tag("pierhead.timeout", "5"), "'pierhead.timeout' is not known"),
    ],
)
def test_a_tag_of_ours_with_a_wrong_value_is_refused(tag: Tag, fact: str) -> None:
    assert fact in "; ".join(tag_problems([tag]))


def test_tags_set_the_time_out_and_keep_an_endpoint_warm() -> None:
    tags = (Tag("team", "risk"), Tag("pierhead.timeout_s", "12.5"), Tag("pierhead.prewarm", "true"))
    assert tag_problems(tags) == []
    assert timeout_of(tags) == 12.5
    assert is_prewarmed(tags)
    assert timeout_of(tags[:1]) is None
    assert not is_prewarmed(tags[:1])


def test_memory_and_cores_bound_the_workers() -> None:
    machine = Machine(16 * GIB, 4)
    assert room_for(machine, GIB, (), is_compiled=False).workers == 13
    assert room_for(machine, GIB, [10 * GIB], is_compiled=False).workers == 3
    assert room_for(machine, 100, (), is_compiled=False).workers == 32
    assert room_for(machine, 100, (), is_compiled=True).workers == 4
    assert room_for(machine, GIB, [20 * GIB], is_compiled=True).workers == 0


def test_a_compiled_worker_is_guessed_to_be_smaller_and_a_larger_model_larger() -> None:
    assert estimated_bytes(0, is_compiled=True) < estimated_bytes(0, is_compiled=False)
    assert estimated_bytes(GIB, is_compiled=False) - estimated_bytes(0, is_compiled=False) == 3 * GIB


def test_what_may_sleep_must_fit_once() -> None:
    spec = EntitySpec("m", "1", workload_size="Large", scale_to_zero_enabled=True)
    assert room_problems("m-1", spec, 0, Machine(2 * GIB, 2)) == []
    (problem,) = room_problems("m-1", spec, 2 * GIB, Machine(2 * GIB, 2))
    assert problem.startswith("'m-1' needs at least 1 workers, and this machine takes 0 workers of about 6.3 GiB")
