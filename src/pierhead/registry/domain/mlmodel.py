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


def has_signature(mlmodel: bytes) -> bool:
    r"""Whether the file says what the model takes and what it gives.

    >>> has_signature(b"signature:\n  inputs: '[{}]'\n  outputs: '[{}]'")
    True
    >>> has_signature(b"signature:\n  inputs: '[{}]'\n  outputs: null")
    False
    """
    try:
        content = parse_yaml(mlmodel)
    except UnreadableYaml:
        return False
    signature = content.get("signature") if isinstance(content, dict) else None
    if not isinstance(signature, dict):
        return False
    return all(isinstance(signature.get(part), str) and signature[part].strip() for part in ("inputs", "outputs"))
