"""Where the registry's gate takes its knowledge from."""

from pierhead.kit.clock import Clock
from pierhead.registry.services.evidence import Evidences
from pierhead.registry.services.gatekeeping import GateSources
from pierhead.registry.services.policies import Policies


def gate_sources(clock: Clock, evidences: Evidences) -> GateSources:
    """What the gate of this platform knows from."""
    return GateSources(
        clock=clock,
        policies=lambda connection: Policies(connection, clock).active(),
        evidence=evidences.of,
        authors=evidences.authors,
        refresh=evidences.refresh,
    )
