"""What is compiled: every kind of model on real and synthetic tables, and what is known to be converted wrongly."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from benchmarks.parity.boosters import BOOSTERS
from benchmarks.parity.estimators import ESTIMATORS
from benchmarks.parity.known_wrong import KNOWN_WRONG
from benchmarks.parity.networks import NETWORKS
from benchmarks.parity.pipelines import PIPELINES
from benchmarks.parity.recipes import Recipe
from benchmarks.parity.tables import TABLES, Sample, Table


@dataclass(frozen=True, slots=True)
class Subject:
    """One model class on one table."""

    recipe: Recipe
    table: Table

    @property
    def name(self) -> str:
        return f"{self.recipe.name} on {self.table.name}".replace(" ", "_").replace("/", "_")

    def fit(self) -> tuple[Any, Sample]:
        sample = self.table.sample()
        return self.recipe.fit(sample, self.table), sample


def subjects() -> list[Subject]:
    """Every recipe on its first table, then the others."""
    recipes: Sequence[Recipe] = (*KNOWN_WRONG, *BOOSTERS, *PIPELINES, *ESTIMATORS, *NETWORKS)
    found = [(at, Subject(recipe, TABLES[name])) for recipe in recipes for at, name in enumerate(recipe.tables)]
    return [subject for _, subject in sorted(found, key=lambda pair: pair[0])]
