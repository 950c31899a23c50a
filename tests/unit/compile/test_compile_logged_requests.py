"""Requests of real life on their way into the gate, and what jobs leave behind."""

import json
import stat
from pathlib import Path

import pytest

from pierhead.compile.adapters.job_leftovers import sweep
from pierhead.compile.adapters.job_process import JobLimits, compile_order
from pierhead.compile.adapters.logged_files import LoggedFiles
from pierhead.compile.domain.logged import MOST_BYTES, MOST_REQUESTS, recent
from pierhead.compile.job.order import read_order
from pierhead.compile.ports import Material, Sample

A, B = "a" * 64, "b" * 64


def samples(*requests: bytes, content_type: str = "application/json") -> list[Sample]:
    return [Sample(content_type, request, b"{}", "f0") for request in requests]


def test_the_last_requests_are_kept_each_once(tmp_path: Path) -> None:
    logged = LoggedFiles(tmp_path)
    logged.keep(A, samples(b"1", b"2", b"1"))
    logged.keep(A, samples(b"3", b"2"))
    assert logged.of(A) == [b"1", b"3", b"2"]
    assert logged.of(B) == []


@pytest.mark.parametrize(
    ("bodies", "kept"),
    [
        ([b"%d" % number for number in range(MOST_REQUESTS + 9)], MOST_REQUESTS),
        ([bytes([number]) * (MOST_BYTES // 3) for number in range(9)], 3),
        ([b"x" * (MOST_BYTES + 1)], 0),
    ],
    ids=["many", "large", "too large"],
)
def test_no_more_is_kept_than_a_gate_has_time_for(bodies: list[bytes], kept: int) -> None:
    assert recent(bodies[:4], bodies[4:]) == bodies[len(bodies) - kept :]


def test_nobody_else_may_read_what_callers_sent(tmp_path: Path) -> None:
    LoggedFiles(tmp_path).keep(A, samples(b"{}"))
    [path] = tmp_path.iterdir()
    assert stat.S_IMODE(path.stat().st_mode) == 0o600


@pytest.mark.parametrize(
    ("request_body", "content_type"),
    [(b"a,b\n1,2\n", "text/csv"), (b"\xff\xfe", "application/json")],
    ids=["csv", "bytes"],
)
def test_what_the_gate_cannot_ask_is_not_kept(tmp_path: Path, request_body: bytes, content_type: str) -> None:
    logged = LoggedFiles(tmp_path)
    logged.keep(A, samples(request_body, content_type=content_type))
    assert logged.of(A) == []


def test_a_file_that_is_damaged_costs_the_requests_and_nothing_else(tmp_path: Path) -> None:
    (tmp_path / f"{A}.logged").write_bytes(b"\x93\x01")
    logged = LoggedFiles(tmp_path)
    assert logged.of(A) == []
    logged.keep(A, samples(b"{}"))
    assert logged.of(A) == [b"{}"]


def test_requests_of_versions_that_are_gone_are_forgotten(tmp_path: Path) -> None:
    logged = LoggedFiles(tmp_path)
    for source in (A, B):
        logged.keep(source, samples(b"{}"))
    logged.keep_only(lambda sources: [source for source in sources if source == B])
    assert (logged.of(A), logged.of(B)) == ([], [b"{}"])


def test_the_job_is_told_the_requests_as_they_came(tmp_path: Path) -> None:
    body = '{"inputs": ["Ærø", NaN]}'.encode()
    order = compile_order(Material(A, tmp_path, tmp_path, [body]), None, tmp_path, JobLimits(1, 1.0), 0)
    (tmp_path / "order.json").write_text(json.dumps(order))
    [sample] = read_order(tmp_path / "order.json").samples
    assert sample.encode() == body


def test_artifacts_and_requests_that_a_dead_job_left_are_swept_and_its_log_stays(tmp_path: Path) -> None:
    left = [
        f"{A}/output/artifact/model.onnx",
        f"{A}/output/scratch1/x",
        f"{B}.verify/samples.msgpack",
        f"{A}/order.json",
    ]
    stays = [f"{A}/output/job.log", f"{A}/process.log", f"{B}.log", f"{A}.logged"]
    for name in (*left, *stays):
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).touch()
    sweep(tmp_path)
    assert sorted(str(path.relative_to(tmp_path)) for path in tmp_path.rglob("*") if path.is_file()) == sorted(stays)
