"""Places that a version can be moved to, as people write them: `Production`, `@champion`."""

from pierhead.registry.domain.gate import AliasTarget, StageTarget
from pierhead.registry.domain.names import check_alias
from pierhead.registry.domain.policies import PRODUCTION_ALIAS
from pierhead.registry.domain.stages import Stage, parse_stage

Place = StageTarget | AliasTarget


def canonical_alias(alias: str) -> str:
    """An alias as it is kept: the one that stands for a stage is the same in any capitalisation.

    >>> canonical_alias("PRODUCTION"), canonical_alias("Champion")
    ('production', 'Champion')
    """
    return PRODUCTION_ALIAS if alias.lower() == PRODUCTION_ALIAS else alias


def place_of_alias(alias: str) -> Place:
    """What setting an alias means. Raises InvalidArgument if no alias may have this name."""
    check_alias(alias)
    if canonical_alias(alias) == PRODUCTION_ALIAS:
        return StageTarget(Stage.PRODUCTION)
    return AliasTarget(alias)


def parse_place(text: str) -> Place:
    """A stage by its name in any capitalisation, or an alias after an `@`. Raises InvalidArgument.

    >>> parse_place("production") == parse_place("@Production")
    True
    >>> parse_place("@champion")
    AliasTarget(alias='champion')
    """
    if text.startswith("@"):
        return place_of_alias(text[1:])
    return StageTarget(parse_stage(text))


def place_text(place: Place) -> str:
    """What `parse_place` reads.

    >>> place_text(AliasTarget("champion"))
    '@champion'
    """
    match place:
        case StageTarget(stage):
            return stage.value
        case AliasTarget(alias):
            return f"@{alias}"
