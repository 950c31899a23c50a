"""Sentences for people: what MLflow and models say, without their noise and without the caller's data."""

import re

LONGEST_MESSAGE = 1000
LONGEST_REASON = 400

_PROTOCOL_NOISE = "IMPORTANT: The MLflow Model scoring protocol has changed"
_INPUT_ECHO = "\nInput: \n"
_BAD_UTF8 = re.compile(r"UnicodeDecodeError\('utf-8', b['\"].*['\"], (\d+), \d+, '([^']*)'\)", re.DOTALL)
_CONVERTED_DATA = re.compile(r"data `.*` (with spec|to type)", re.DOTALL)


def plain_message(message: str) -> str:
    """MLflow's message without the echo of the input; what names the column or key at fault stays.

    >>> plain_message("Failed to predict data '   a\\n0  1'. \\nError: Failed to enforce schema of data '   a\\n0  1' "
    ...               "with schema '['a': double (required), 'b': double (required)]'. "
    ...               "Error: Model is missing inputs ['b'].")
    "Model is missing inputs ['b']."
    >>> plain_message("Ensure that input is a valid JSON formatted string. Error: 'x'\\nInput: \\nb'secret'\\n")
    "Ensure that input is a valid JSON formatted string. Error: 'x'"
    """
    if message.startswith("Failed to predict data '"):
        message = message.rpartition("'. \nError: ")[2]
    if message.startswith("Failed to enforce schema of data '"):
        message = _after_schema(message)
    message = message.partition(_INPUT_ECHO)[0].partition(_PROTOCOL_NOISE)[0]
    message = _BAD_UTF8.sub(r"byte \1 is not UTF-8: \2", message)
    message = _CONVERTED_DATA.sub(r"data \1", message)
    return _shortened(message.strip(), LONGEST_MESSAGE)


def _after_schema(message: str) -> str:
    schema = message.rfind("' with schema '")
    error = message.find("'. Error: ", schema)
    return message[error + len("'. Error: ") :] if 0 <= schema < error else message.rpartition("Error: ")[2]


def reason_of(error: BaseException) -> str:
    """Type and message of an exception in at most two lines.

    >>> reason_of(ValueError("no good"))
    'ValueError: no good'
    >>> reason_of(SystemExit(1))
    'the code called sys.exit(1)'
    """
    if isinstance(error, SystemExit):
        return f"the code called sys.exit({error.code})"
    lines = [line.strip() for line in str(error).splitlines() if line.strip()]
    text = _shortened("\n".join(lines[:2]), LONGEST_REASON)
    name = type(error).__name__
    if isinstance(error, ModuleNotFoundError):
        text += "; it is not among the version's requirements"
    return f"{name}: {text}" if text else name


def _shortened(text: str, longest: int) -> str:
    return text if len(text) <= longest else text[: longest - 2] + " …"
