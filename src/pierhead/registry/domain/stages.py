"""The stages that a version can be in."""

from enum import Enum

from pierhead.kit.errors import InvalidArgument


class Stage(Enum):
    """Values are the words of the wire."""

    NONE = "None"
    STAGING = "Staging"
    PRODUCTION = "Production"
    ARCHIVED = "Archived"

    @property
    def is_active(self) -> bool:
        return self in (Stage.STAGING, Stage.PRODUCTION)


_BY_LOWER_NAME = {stage.value.lower(): stage for stage in Stage}


def parse_stage(text: str) -> Stage:
    """The stage that a client means: `production` is `Production`. Raises InvalidArgument.

    >>> parse_stage("PRODUCTION")
    <Stage.PRODUCTION: 'Production'>
    """
    stage = _BY_LOWER_NAME.get(text.lower())
    if stage is None:
        names = ", ".join(stage.value for stage in Stage)
        raise InvalidArgument(f"Invalid Model Version stage: {text}. Value must be one of {names}.")
    return stage


def check_archiving(stage: Stage) -> None:
    """Raises InvalidArgument if moving a version to `stage` cannot archive the ones that are there."""
    if not stage.is_active:
        raise InvalidArgument(
            "Model version transition cannot archive existing model versions because "
            f"'{stage.value}' is not an Active stage. Valid stages are ['Staging', 'Production']"
        )
