"""What became of a wish to move a version."""

from dataclasses import dataclass

from pierhead.registry.domain.activities import Activity
from pierhead.registry.domain.models import ModelVersion
from pierhead.registry.domain.policies import words_of
from pierhead.registry.domain.requests import TransitionRequest
from pierhead.registry.domain.targets import place_text


@dataclass(frozen=True, slots=True)
class Moved:
    """The version is where it should be. `activity` is None if it was there before."""

    version: ModelVersion
    activity: Activity | None


@dataclass(frozen=True, slots=True)
class Awaiting:
    """The caller's approval counts, and `missing` more are needed: the version stays where it is."""

    version: ModelVersion
    activity: Activity
    request: TransitionRequest
    missing: int

    @property
    def message(self) -> str:
        name, number, place = self.version.model_name, self.version.number, self.request.place
        return (
            f"your approval of {self.request.creator}'s request is counted; version {number} of model '{name}' goes to "
            f"{words_of(place)} when {self.missing} more approved it: "
            f"pierhead models approve {name} {number} --to {place_text(place)}"
        )
