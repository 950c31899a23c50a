"""What versions are called in a report, as briefly as they can be told apart."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

from pierhead.monitoring.domain.monitors import ALL_MODELS
from pierhead.monitoring.domain.report_facts import FirstAnswer


def version_names(models: Iterable[str]) -> dict[str, str]:
    """Brief names of model ids such as `main.wine.quality/3`.

    >>> version_names(["main.wine.quality/3", "main.wine.quality/4"])
    {'main.wine.quality/3': 'v3', 'main.wine.quality/4': 'v4'}
    >>> version_names(["main.wine.quality/3", "main.wine.colour/3"])
    {'main.wine.colour/3': 'colour v3', 'main.wine.quality/3': 'quality v3'}
    """
    known = sorted(set(models) - {ALL_MODELS})
    split = {model: model.rpartition("/") for model in known}
    full = {name for name, slash, _ in split.values() if slash}
    brief = {name: name.rpartition(".")[2] for name in full}
    is_clear = len(set(brief.values())) == len(full)
    found = {}
    for model, (name, slash, version) in split.items():
        if not slash:
            found[model] = model
        elif len(full) == 1:
            found[model] = f"v{version}"
        else:
            found[model] = f"{brief[name] if is_clear else name} v{version}"
    return found


@dataclass(frozen=True, slots=True)
class Mark:
    """Something that changed on the endpoint."""

    at: datetime
    label: str
    detail: str


def marks_of(first_answers: Sequence[FirstAnswer], names: Mapping[str, str]) -> list[Mark]:
    """One mark for each config, named after the versions that answered for the first time in it."""
    known: set[str] = set()
    marks: list[Mark] = []
    configs: dict[int, list[FirstAnswer]] = {}
    for each in sorted(first_answers, key=lambda answer: answer.at):
        configs.setdefault(each.config_version, []).append(each)
    for version, answers in configs.items():
        fresh = [each for each in answers if each.model not in known]
        known |= {each.model for each in answers}
        label = " + ".join(names.get(each.model, each.model) for each in fresh) or f"config {version}"
        detail = f"Config {version} began to answer, with {', '.join(sorted(each.model for each in answers))}"
        marks.append(Mark(answers[0].at, label, detail))
    return marks
