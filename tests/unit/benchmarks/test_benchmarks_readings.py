"""The benchmark's arithmetic and its load generator."""

import asyncio
import math

import pytest
import uvloop
from benchmarks.http_answers import Answer, AnswerCutter
from benchmarks.load import Plan, measure, request_bytes
from benchmarks.processes import Memory
from benchmarks.readings import Reading, Row, middle, quantile, typical_ratio
from benchmarks.report import Report, as_markdown, as_text, cells
from benchmarks.serving import refuse_different_answers


def reading(rate: float, failures: int = 0, load: float = 0.1) -> Reading:
    return Reading(8, seconds=2.0, requests=int(rate * 2), failures=failures, p50_ms=1, p99_ms=2, generator_load=load)


def test_quantiles_are_values_that_occurred() -> None:
    values = [float(number) for number in range(1, 101)]
    assert (quantile(values, 0.5), quantile(values, 0.99), quantile(values, 1)) == (50, 99, 100)
    assert quantile([7.0], 0.5) == 7
    assert math.isnan(quantile([], 0.5))


def test_ratios_compare_the_runs_of_one_round() -> None:
    row = Row(8, (reading(100), reading(50), reading(300)), (reading(10), reading(10), reading(10)))
    assert (row.ratios, typical_ratio(row), middle(row.ours).rate) == ([10, 5, 30], 10, 100)


def test_a_server_that_answers_nothing_has_no_ratio() -> None:
    row = Row(8, (reading(100),), (reading(0),))
    assert cells(row)[3] == "nanx"


def test_a_report_names_machine_memory_and_failures() -> None:
    row = Row(8, (reading(1000, failures=2, load=0.95),), (reading(10),))
    report = Report(("machine: a small one",), (row,), Memory(100, 120), Memory(500, 600))
    for text in (as_text(report), as_markdown(report)):
        assert "a small one" in text
        assert "100.0x" in text
        assert "5.0 times ours" in text
        assert "95% of a core" in text
    assert cells(row)[-1] == "2"
    assert as_markdown(report).count("---:") == 10


@pytest.mark.parametrize(
    "sent",
    [
        b"HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nhello",
        b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nhe\r\n3;x=y\r\nllo\r\n0\r\n\r\n",
    ],
)
def test_answers_are_cut_whatever_pieces_they_come_in(sent: bytes) -> None:
    for size in range(1, len(sent) + 1):
        cutter = AnswerCutter()
        answers = [cutter.feed((sent + sent)[at : at + size]) for at in range(0, 2 * len(sent), size)]
        while (more := cutter.feed(b"")) is not None:
            answers.append(more)
        assert [answer for answer in answers if answer is not None] == [Answer(200, b"hello")] * 2


def test_an_answer_of_unknown_length_is_refused() -> None:
    with pytest.raises(ValueError, match="without a length"):
        AnswerCutter().feed(b"HTTP/1.1 200 OK\r\n\r\n")


def test_different_predictions_are_refused() -> None:
    refuse_different_answers({"predictions": [1]}, {"predictions": [1], "more": True})
    with pytest.raises(RuntimeError, match="differ"):
        refuse_different_answers({"predictions": [1]}, {"predictions": [2]})


def test_the_load_generator_counts_answers_and_failures() -> None:
    served = 0

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        nonlocal served
        while await reader.readline():
            await reader.readuntil(b"\r\n\r\n")
            await reader.readexactly(2)
            served += 1
            status = b"503 No" if served % 4 == 0 else b"200 OK"
            writer.write(b"HTTP/1.1 " + status + b"\r\nContent-Length: 2\r\n\r\nok")
        writer.close()

    async def run() -> Reading:
        server = await asyncio.start_server(serve, "127.0.0.1", 0)
        port = server.sockets[0].getsockname()[1]
        async with server:
            found = await measure(Plan("127.0.0.1", port, request_bytes("x", "/y", b"{}", "t"), 3, 0.2))
            await asyncio.sleep(0.05)
        return found

    found = uvloop.run(run())
    assert found.requests > 10
    assert found.failures == pytest.approx(found.requests / 3, rel=0.2)
    assert 0 < found.p50_ms <= found.p99_ms
