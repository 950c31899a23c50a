from dataclasses import replace

import pytest

from pierhead.serving.domain.endpoints import EntitySpec, ServedEntity
from pierhead.serving.domain.workloads import workload

spec = EntitySpec(
    "main.fraud.model", "1", name="champion", workload_size="Small", environment_vars={"A": "1", "B": "2"}
)
served = ServedEntity("id-1", "champion", spec, "d" * 64)


def test_name_and_size_do_not_make_another_workload() -> None:
    other = replace(served, id="id-2", name="other", spec=replace(spec, name="other", workload_size="Large"))
    assert workload("e1", served) == workload("e1", other)
    assert workload("e1", served) == workload(
        "e1", replace(served, spec=replace(spec, environment_vars={"B": "2", "A": "1"}))
    )


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
    assert workload("e1", served) != workload("e1", replace(served, spec=other))


def test_other_files_under_the_same_version_are_another_workload() -> None:
    assert workload("e1", served) != workload("e1", replace(served, digest="e" * 64))


def test_endpoints_do_not_share_workers() -> None:
    assert workload("e1", served) != workload("e2", served)


def test_the_key_is_the_same_in_every_process() -> None:
    assert workload("e1", ServedEntity("id", "m", EntitySpec("m", "1"), "0" * 64)) == "594d519689855e7dae04"
