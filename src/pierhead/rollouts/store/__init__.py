"""What is kept of rollouts and A/B tests. Importing this package declares the area's tables."""

from pierhead.rollouts.store import tables as tables
