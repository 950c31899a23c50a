"""What the environment of the stock converters holds besides the model's own requirements."""

from pathlib import Path


def converter_requirements() -> tuple[str, ...]:
    """Requirement lines, from `requirements.txt` beside this file."""
    lines = Path(__file__).with_name("requirements.txt").read_text().splitlines()
    return tuple(line for line in lines if line and not line.startswith("#"))
