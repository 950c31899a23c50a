"""Sources that name a version of this registry: `models:/NAME/VERSION`, `models:/NAME@ALIAS` and the like."""

from dataclasses import dataclass, replace
from urllib.parse import urlsplit

from pierhead.kit.errors import InvalidArgument
from pierhead.registry.domain.models import ModelVersion, VersionDraft
from pierhead.registry.domain.names import is_prompt, version_number
from pierhead.registry.domain.stages import Stage, parse_stage


@dataclass(frozen=True, slots=True)
class ByNumber:
    name: str
    number: int


@dataclass(frozen=True, slots=True)
class ByAlias:
    name: str
    alias: str


@dataclass(frozen=True, slots=True)
class Newest:
    """The newest version, of all or of one stage."""

    name: str
    stage: Stage | None


VersionSource = ByNumber | ByAlias | Newest


def find_version_source(source: str) -> VersionSource | None:
    """The version that `source` names; None if it lies outside the registry. Raises InvalidArgument if it is malformed.

    >>> find_version_source("models:/main.fraud.classifier@champion")
    ByAlias(name='main.fraud.classifier', alias='champion')
    >>> find_version_source("models:/m-0123456789abcdef") is None
    True
    """
    parts = urlsplit(source, allow_fragments=False)
    if parts.scheme != "models":
        return None
    if parts.netloc:
        raise InvalidArgument(
            f"Invalid model version source: '{source}'. Registered model sources must use this registry: "
            "write models:/NAME/VERSION."
        )
    name, slash, suffix = parts.path.removeprefix("/").partition("/")
    if not slash:
        return _by_alias_or_outside(source, name)
    if not name or not suffix or "/" in suffix:
        raise _malformed(source)
    if suffix.isdigit():
        return ByNumber(name, version_number(suffix))
    return Newest(name, None if suffix.lower() == "latest" else parse_stage(suffix))


def authors_of(origin: ModelVersion) -> tuple[str, ...]:
    """Who made a version, and what it is a copy of in turn."""
    return tuple(sorted({origin.user_name, origin.person or origin.user_name, *origin.authors}))


def logged_model_of(source: str) -> str | None:
    """The id of the logged model that `source` names, if it does.

    >>> logged_model_of("models:/m-0123456789abcdef")
    'm-0123456789abcdef'
    """
    below = source.removeprefix("models:/")
    return below.partition("/")[0] if below != source and below.startswith("m-") else None


def _by_alias_or_outside(source: str, text: str) -> ByAlias | None:
    name, at, alias = text.rpartition("@")
    if not at:
        return None
    if not name or not alias:
        raise _malformed(source)
    return ByAlias(name, alias)


def copy_of(draft: VersionDraft, origin: ModelVersion) -> VersionDraft:
    """The draft of a copy of `origin`, with its number and its lineage written out.

    Raises InvalidArgument if the draft claims another run or logged model, or makes a model of a prompt.
    """
    if is_prompt(origin.tags) and not is_prompt(draft.tags):
        raise InvalidArgument(
            f"Invalid model version source: '{draft.source}'. Prompt versions cannot be used as model version sources."
        )
    for what, claimed, real in (
        ("run_id", draft.run_id, origin.run_id),
        ("model_id", draft.logged_model_id, origin.logged_model_id),
    ):
        if claimed is not None and claimed != (real or ""):
            raise InvalidArgument(
                f"Invalid model version source: '{draft.source}'. The {what} request parameter must match the "
                f"referenced model version, which has {real or 'none'}."
            )
    return replace(
        draft,
        authors=authors_of(origin),
        source=f"models:/{origin.model_name}/{origin.number}",
        run_id=draft.run_id or origin.run_id,
        logged_model_id=draft.logged_model_id or origin.logged_model_id,
    )


def _malformed(source: str) -> InvalidArgument:
    return InvalidArgument(
        f"Invalid model version source: '{source}'. Write models:/NAME/VERSION, models:/NAME@ALIAS or models:/MODEL_ID."
    )
