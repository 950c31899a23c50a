"""What a logged model asks of its Python environment, read from the files that MLflow wrote beside it."""

import hashlib
import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from pierhead.kit.bounded_yaml import UnreadableYaml, read_yaml

TESTED_MLFLOW = ">=3.17,<3.19"

_NAME = re.compile(r"^[A-Za-z0-9][A-Za-z0-9._-]*")
_INCLUDE = re.compile(r"^(?:-r|-c|--requirement|--constraint)[ =]?\s*(?P<file>\S+)$")
_MINOR = re.compile(r"^\D*(\d+\.\d+)")


class NoRequirements(Exception):
    """The model folder names no requirements."""


@dataclass(frozen=True, slots=True)
class ModelRequirements:
    """`lines` are requirement lines; relative paths in them are relative to the model folder.

    `python` is the minor version ("3.11"), None if the model does not say. `added` are the lines that we put in and
    `notes` say why; `content` tells apart two requirement files of equal lines that include different files.
    """

    lines: tuple[str, ...]
    python: str | None
    added: tuple[str, ...]
    notes: tuple[str, ...]
    content: str


def read_requirements(model: Path) -> ModelRequirements:
    """Raises NoRequirements if there is neither a requirements.txt nor a conda.yaml with a pip section."""
    notes: list[str] = []
    conda = _yaml(model / "conda.yaml", notes)
    if (model / "requirements.txt").is_file():
        lines = requirement_lines((model / "requirements.txt").read_text())
    else:
        lines = _pip_section(conda)
        if not lines:
            why = notes[0] if notes else "no conda.yaml with a pip section"
            raise NoRequirements(f"the version names no requirements: its folder has no requirements.txt, and {why}")
        notes.append("no requirements.txt; taking the pip section of conda.yaml")
    added = tuple(_what_pyfunc_needs(lines, _yaml(model / "MLmodel", notes).get("mlflow_version")))
    if added:
        notes.append(f"adding {', '.join(added)}, without which MLflow cannot load the model")
    return ModelRequirements(
        lines=tuple(lines),
        python=_python_of(_yaml(model / "python_env.yaml", notes), conda),
        added=added,
        notes=tuple(notes),
        content=_content_digest(model, lines),
    )


def requirement_lines(text: str) -> list[str]:
    """Lines without comments, blank lines and line continuations.

    >>> requirement_lines("numpy==2 # why\\n\\n# no\\n  pandas   >=2\\n")
    ['numpy==2', 'pandas >=2']
    """
    joined = text.replace("\\\n", " ")
    plain = (re.sub(r"(^|\s)#.*$", "", line) for line in joined.splitlines())
    return [" ".join(line.split()) for line in plain if line.strip()]


def requirement_names(lines: list[str]) -> set[str]:
    """Normalised names of the packages named.

    >>> sorted(requirement_names(["Scikit_Learn==1.5", "-c constraints.txt", "mlflow[extras]>=3"]))
    ['mlflow', 'scikit-learn']
    """
    found = (_NAME.match(line) for line in lines)
    return {re.sub(r"[-_.]+", "-", match.group()).lower() for match in found if match}


def _what_pyfunc_needs(lines: list[str], logged_with: Any) -> Iterator[str]:
    names = requirement_names(lines)
    if "mlflow" in names:
        return
    if "mlflow-skinny" not in names:
        exact = isinstance(logged_with, str) and re.fullmatch(r"\d+(\.\d+)+", logged_with)
        yield f"mlflow-skinny=={logged_with}" if exact else f"mlflow-skinny{TESTED_MLFLOW}"
    if "pandas" not in names:
        yield "pandas"


def _python_of(python_env: dict[str, Any], conda: dict[str, Any]) -> str | None:
    """
    >>> _python_of({"python": "3.11.7"}, {})
    '3.11'
    >>> _python_of({}, {"dependencies": ["python=3.10.4", {"pip": []}]})
    '3.10'
    """
    stated = [python_env.get("python"), *(each for each in _dependencies(conda) if _is_python(each))]
    found = (_MINOR.match(str(each)) for each in stated if each)
    return next((match.group(1) for match in found if match), None)


def _is_python(dependency: Any) -> bool:
    return isinstance(dependency, str) and re.match(r"^python\s*[=<>]", dependency) is not None


def _pip_section(conda: dict[str, Any]) -> list[str]:
    sections = [each.get("pip") for each in _dependencies(conda) if isinstance(each, dict)]
    lines = (line for section in sections if isinstance(section, list) for line in section)
    return requirement_lines("\n".join(str(line) for line in lines))


def _dependencies(conda: dict[str, Any]) -> list[Any]:
    dependencies = conda.get("dependencies")
    return dependencies if isinstance(dependencies, list) else []


def _yaml(path: Path, notes: list[str]) -> dict[str, Any]:
    """What the file holds; nothing if there is none, nor if it cannot be read, which is noted."""
    try:
        loaded = read_yaml(path)
    except UnreadableYaml as error:
        notes.append(f"{path.name} is unreadable: {error}")
        return {}
    except OSError:
        return {}
    return loaded if isinstance(loaded, dict) else {}


def _content_digest(model: Path, lines: list[str]) -> str:
    digest = hashlib.sha256()
    for line in lines:
        include = _INCLUDE.match(line)
        file = model / (include["file"] if include else line)
        if include and file.is_file():
            digest.update("\n".join(requirement_lines(file.read_text())).encode())
        elif line.endswith((".whl", ".gz", ".zip")) and file.is_file():
            digest.update(hashlib.sha256(file.read_bytes()).digest())
    return digest.hexdigest()
