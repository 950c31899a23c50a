"""When a process that says nothing is given up."""

import os
import socket
import threading
from pathlib import Path

from pierhead.processes.liveness import Listening, Patience, api_sign, gateway_sign

PATIENCE = Patience(period_s=5, misses=3, silence_s=30, first_sign_s=180)
NOBODY = "http://127.0.0.1:9"


def listening() -> Listening:
    """To a process 1 that answered at 0 s."""
    listening = Listening(PATIENCE)
    listening.note(1, 0.0, 0.0, has_answered=True)
    return listening


def test_three_questions_without_an_answer_over_half_a_minute_are_the_end() -> None:
    heard = listening()
    asked = [(5.0, 15.0), (20.0, 30.0), (35.0, 45.0)]
    assert [heard.note(1, *times, has_answered=False) for times in asked] == [False, False, True]
    assert heard.silent_s(45.0) == 45.0


def test_quick_refusals_are_given_the_same_time() -> None:
    heard = listening()
    assert [heard.note(1, at, at, has_answered=False) for at in (5.0, 10.0, 15.0, 25.0, 30.0)] == [False] * 4 + [True]


def test_one_answer_makes_up_for_all_that_were_missed() -> None:
    heard = listening()
    for times in ((5.0, 15.0), (20.0, 30.0)):
        heard.note(1, *times, has_answered=False)
    heard.note(1, 35.0, 44.0, has_answered=True)
    assert not heard.note(1, 49.0, 59.0, has_answered=False)


def test_a_new_process_has_more_time_for_its_first_sign() -> None:
    heard = listening()
    asked = range(40, 220, 15)
    given_up = [heard.note(2, at, at + 10.0, has_answered=False) for at in asked]
    assert given_up == [False] * 12
    assert heard.note(2, 220.0, 230.0, has_answered=False)


def test_a_gateway_that_writes_its_counters_lives_though_it_answers_nobody_new(tmp_path: Path) -> None:
    counters = tmp_path / "0.json"
    sign = gateway_sign(NOBODY, counters, answer_s=0.2)
    assert not sign()
    counters.touch()
    assert sign()
    os.utime(counters, (1.0, 1.0))
    assert not sign()


def test_an_api_lives_if_it_answers_anything_and_hangs_if_it_only_accepts(tmp_path: Path) -> None:
    with socket.socket(socket.AF_UNIX) as listener:
        listener.bind(str(tmp_path / "api.sock"))
        listener.listen()
        sign = api_sign(tmp_path / "api.sock", answer_s=0.2)
        assert not sign()
        listener.accept()[0].close()

        def answer() -> None:
            connection, _address = listener.accept()
            with connection:
                connection.recv(1000)
                connection.sendall(b"HTTP/1.1 503 Busy\r\nContent-Length: 0\r\n\r\n")

        thread = threading.Thread(target=answer)
        thread.start()
        assert api_sign(tmp_path / "api.sock", answer_s=5)()
        thread.join()
