"""What callers read when something is wrong."""

import doctest

import pytest

from pierhead.worker import made_up_row, proof, scoring, wording
from pierhead.worker.wording import LONGEST_MESSAGE, plain_message, reason_of

NOISE = (
    "IMPORTANT: The MLflow Model scoring protocol has changed in MLflow version 2.0. If you are seeing this error, "
    "you are likely using an outdated scoring request format."
)


@pytest.mark.parametrize("module", [made_up_row, proof, scoring, wording], ids=lambda module: module.__name__)
def test_the_examples_in_the_docstrings_hold(module: object) -> None:
    assert doctest.testmod(module).failed == 0  # type: ignore[arg-type]


def test_a_missing_column_is_named_and_the_frame_is_not_shown() -> None:
    frame = "   card      amount\n0  4111'1111  12.5"
    message = (
        f"Failed to predict data '{frame}'. \nError: Failed to enforce schema of data '{frame}' with schema "
        "'['card': string (required), 'amount': double (required), 'hour': long (required)]'. "
        "Error: Model is missing inputs ['hour']."
    )
    assert plain_message(message) == "Model is missing inputs ['hour']."


def test_what_the_model_says_itself_stays_whole() -> None:
    message = "Failed to predict data '[1]'. \nError: no weights for 'north'. Error: 'x'"
    assert plain_message(message) == "no weights for 'north'. Error: 'x'"


def test_a_schema_that_cannot_be_found_in_the_message_does_no_harm() -> None:
    assert plain_message("Failed to enforce schema of data 'x' somehow. Error: no") == "no"


def test_broken_json_is_not_sent_back() -> None:
    message = "Invalid input. Ensure that input is a valid JSON formatted string. Error: 'x'\nInput: \nb'secret'\n"
    assert "secret" not in plain_message(message)


def test_bytes_that_are_no_text_are_not_sent_back() -> None:
    try:
        b'{"secret": "\xff"}'.decode()
    except UnicodeDecodeError as error:
        message = plain_message(f"Ensure that input is a valid JSON formatted string. Error: '{error!r}'\nInput: \nx")
    assert "secret" not in message
    assert "byte 12 is not UTF-8: invalid start byte" in message


def test_values_that_cannot_be_converted_are_not_sent_back() -> None:
    message = plain_message("Invalid input. Failed to convert data type for data `4111` with spec `'card': double`.")
    assert message == "Invalid input. Failed to convert data type for data with spec `'card': double`."


def test_advice_on_a_protocol_of_years_ago_is_left_out() -> None:
    assert plain_message(f"Received dictionary with input fields: ['rows']. {NOISE}") == (
        "Received dictionary with input fields: ['rows']."
    )


def test_messages_are_bounded() -> None:
    assert len(plain_message("x" * 100_000)) == LONGEST_MESSAGE


def test_a_reason_is_at_most_two_lines() -> None:
    assert reason_of(ValueError("one\n\n  two\nthree")) == "ValueError: one\ntwo"
    assert reason_of(ValueError()) == "ValueError"


def test_a_missing_module_comes_with_its_remedy() -> None:
    error = ModuleNotFoundError("No module named 'lightgbm'")
    assert reason_of(error).endswith("No module named 'lightgbm'; it is not among the version's requirements")
