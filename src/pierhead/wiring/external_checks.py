"""The systems outside that an operator has named."""

from pathlib import Path

from pierhead.registry.adapters.external_webhooks import FILE_NAME, configured_names


def external_checks_of(root: Path) -> frozenset[str]:
    """Names under which the home in this folder knows a system that can be asked."""
    return configured_names(root / FILE_NAME)
