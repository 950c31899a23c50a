"""What a model folder asks of its environment."""

from pathlib import Path

import pytest

from pierhead.serving.adapters.model_requirements import NoRequirements, read_requirements


def folder(tmp_path: Path, **files: str) -> Path:
    for name, text in files.items():
        (tmp_path / name.replace("__", ".")).write_text(text)
    return tmp_path


def test_requirements_and_python_are_read(tmp_path: Path) -> None:
    model = folder(tmp_path, requirements__txt="mlflow==3.17.2\nnumpy\n", python_env__yaml="python: 3.12.1\n")
    found = read_requirements(model)
    assert found.lines == ("mlflow==3.17.2", "numpy")
    assert (found.python, found.added, found.notes) == ("3.12", (), ())


def test_the_version_that_saved_the_model_is_added_where_mlflow_is_missing(tmp_path: Path) -> None:
    found = read_requirements(folder(tmp_path, requirements__txt="pandas\n", MLmodel="mlflow_version: 2.22.0\n"))
    assert found.added == ("mlflow-skinny==2.22.0",)
    assert len(found.notes) == 1


@pytest.mark.parametrize("stated", ["3.18.0.dev0", ""])
def test_the_tested_range_is_added_where_no_release_saved_the_model(tmp_path: Path, stated: str) -> None:
    model = folder(tmp_path, requirements__txt="numpy\n", MLmodel=f"mlflow_version: '{stated}'\n")
    assert read_requirements(model).added == ("mlflow-skinny>=3.17,<3.19", "pandas")


def test_the_small_mlflow_gets_the_pandas_that_it_needs(tmp_path: Path) -> None:
    assert read_requirements(folder(tmp_path, requirements__txt="mlflow_skinny\n")).added == ("pandas",)


def test_python_is_taken_from_conda_where_nothing_else_says(tmp_path: Path) -> None:
    conda = "dependencies:\n- python=3.10.4\n- pip\n- pip:\n  - mlflow\n"
    found = read_requirements(folder(tmp_path, conda__yaml=conda))
    assert (found.python, found.lines) == ("3.10", ("mlflow",))


@pytest.mark.parametrize("conda", ["", "dependencies:\n- python=3.10\n", ": not yaml ["])
def test_no_requirements_are_said_to_be_none(tmp_path: Path, conda: str) -> None:
    with pytest.raises(NoRequirements):
        read_requirements(folder(tmp_path, conda__yaml=conda))


def test_an_empty_requirements_file_is_a_file(tmp_path: Path) -> None:
    assert read_requirements(folder(tmp_path, requirements__txt="")).lines == ()
