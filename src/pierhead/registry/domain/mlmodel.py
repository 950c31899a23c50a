"""The `MLmodel` file of a logged model."""

from typing import Any

import yaml

_LOADER: Any = getattr(yaml, "CSafeLoader", yaml.SafeLoader)


def find_run_id(mlmodel: bytes) -> str | None:
    r"""The run that logged the model; None if the file does not say.

    >>> find_run_id(b"run_id: 0123abcd\nflavors: {}")
    '0123abcd'
    """
    try:
        content = yaml.load(mlmodel, Loader=_LOADER)
    except (yaml.YAMLError, ValueError):
        return None
    run_id = content.get("run_id") if isinstance(content, dict) else None
    return run_id if isinstance(run_id, str) and run_id else None
