"""Files beside a model that were made to crash whoever reads them."""

from pathlib import Path

import pytest

from pierhead.serving.adapters.model_requirements import NoRequirements, read_requirements

DEEP = "[" * 100_000


def test_an_unreadable_conda_file_is_the_reason_why_there_are_no_requirements(tmp_path: Path) -> None:
    (tmp_path / "conda.yaml").write_text(DEEP)
    with pytest.raises(NoRequirements, match=r"no requirements\.txt, and conda\.yaml is unreadable: it is nested"):
        read_requirements(tmp_path)


def test_what_else_is_unreadable_is_noted_and_left_out(tmp_path: Path) -> None:
    (tmp_path / "requirements.txt").write_text("mlflow==3.17.2\n")
    for name in ("conda.yaml", "MLmodel", "python_env.yaml"):
        (tmp_path / name).write_text(DEEP)

    found = read_requirements(tmp_path)

    assert (found.lines, found.python) == (("mlflow==3.17.2",), None)
    assert [note.split()[0] for note in found.notes] == ["conda.yaml", "MLmodel", "python_env.yaml"]


@pytest.mark.parametrize(
    "conda", ["dependencies:", "dependencies: 5", "dependencies: [{pip: }]", "dependencies: {a: b}"]
)
def test_a_conda_file_of_the_wrong_shape_names_no_requirements(tmp_path: Path, conda: str) -> None:
    (tmp_path / "conda.yaml").write_text(conda)
    with pytest.raises(NoRequirements, match=r"no conda\.yaml with a pip section"):
        read_requirements(tmp_path)


def test_python_3_10_is_not_read_as_3_1(tmp_path: Path) -> None:
    (tmp_path / "requirements.txt").write_text("mlflow==3.17.2\n")
    (tmp_path / "python_env.yaml").write_text("python: 3.10\n")
    assert read_requirements(tmp_path).python == "3.10"
