from dataclasses import replace

import pytest

from pierhead.serving.domain.endpoints import EntitySpec
from pierhead.serving.domain.workloads import replicas, workload

spec = EntitySpec(
    "main.fraud.model", "1", name="champion", workload_size="Small", environment_vars={"A": "1", "B": "2"}
)


def test_name_and_size_do_not_make_another_workload() -> None:
    assert workload("e1", spec) == workload("e1", replace(spec, name="other", workload_size="Large"))
    assert workload("e1", spec) == workload("e1", replace(spec, environment_vars={"B": "2", "A": "1"}))


@pytest.mark.parametrize(
    "other",
    [
        replace(spec, model_version="2"),
        replace(spec, model_name="main.fraud.other"),
        replace(spec, environment_vars={"A": "2", "B": "2"}),
        replace(spec, environment_vars=None),
    ],
)
def test_version_and_environment_make_another_workload(other: EntitySpec) -> None:
    assert workload("e1", spec) != workload("e1", other)


def test_endpoints_do_not_share_workers() -> None:
    assert workload("e1", spec) != workload("e2", spec)


def test_the_key_is_the_same_in_every_process() -> None:
    assert workload("e1", EntitySpec("m", "1")) == "68ebb50cad20ac606a57"


@pytest.mark.parametrize(("size", "count"), [("Small", 1), ("Medium", 2), ("Large", 4), (None, 1)])
def test_the_size_says_how_many_workers(size: str | None, count: int) -> None:
    assert replicas(EntitySpec("m", "1", workload_size=size)) == count


@pytest.mark.parametrize(("least", "count"), [(0, 1), (4, 1), (5, 2), (16, 4), (64, 16)])
def test_the_least_concurrency_says_how_many_workers(least: int, count: int) -> None:
    spec = EntitySpec("m", "1", min_provisioned_concurrency=least, max_provisioned_concurrency=64)
    assert replicas(spec) == count
