"""A child of the job in the environment of the stock converters. Its one command is `convert`."""

import json
import os
from collections.abc import Sequence
from pathlib import Path
from typing import Any, NoReturn

from pierhead.compile.convert.script import NotConverted, convert_model
from pierhead.compile.extract.conversation import Channel, Refused, serve
from pierhead.compile.extract.guard import Orders, confine


def main(arguments: Sequence[str]) -> NoReturn:
    """Serve the job that holds the other end of the socket; returns never."""
    channel = Channel(confine(Orders(**json.loads(arguments[-1]))))
    serve(channel, {"convert": convert}, {})
    os._exit(0)


def convert(fields: dict[str, Any]) -> dict[str, Any]:
    """`model`, `inputs` (its signature), `folder`, `dtypes`: see `convert_model`. Refused with the reason."""
    try:
        return convert_model(Path(fields["model"]), fields["inputs"], Path(fields["folder"]), fields["dtypes"])
    except NotConverted as reason:
        raise Refused(f"the stock converters fail: {reason}") from reason
