"""Which models the stock converters deserve a try for: to try takes an environment of their own and a second job."""

from pathlib import Path

import yaml


def may_be_converted(model: Path) -> bool:
    """Whether the converters look at such a model at all: one of scikit-learn, with a signature. See `script`."""
    try:
        written = yaml.safe_load((model / "MLmodel").read_text())
        return "sklearn" in written["flavors"] and bool((written.get("signature") or {}).get("inputs"))
    except (OSError, KeyError, TypeError, AttributeError, ValueError, yaml.YAMLError):
        return False
