"""The `MLmodel` file of a logged model."""

from pierhead.kit.bounded_yaml import UnreadableYaml, parse_yaml


def find_run_id(mlmodel: bytes) -> str | None:
    r"""The run that logged the model; None if the file does not say, or cannot be read.

    >>> find_run_id(b"run_id: 0123abcd\nflavors: {}")
    '0123abcd'
    """
    try:
        content = parse_yaml(mlmodel)
    except UnreadableYaml:
        return None
    run_id = content.get("run_id") if isinstance(content, dict) else None
    return run_id if isinstance(run_id, str) and run_id else None
