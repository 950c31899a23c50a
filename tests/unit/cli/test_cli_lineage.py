from typing import Any

import pytest

from pierhead.cli.lineage import recipe

_CODE = {
    "git_commit": "0123abcdef",
    "git_repository": "https://git.example.com/churn.git",
    "is_dirty": False,
    "source_name": "train.py",
    "entry_point": None,
}


def found(**changes: Any) -> dict[str, Any]:
    table = {"dataset": "train", "table": "main.churn.training", "location": "/tables/t", "version": 0, "rows": 3}
    lineage = {
        "name": "main.churn.classifier",
        "version": "3",
        "run": {"run_id": "r1", "user": "sam"},
        "provenance": {"record_sha256": "d" * 64},
        "code": _CODE,
        "environment": {"files": {"requirements.txt": "pandas==2.0\n"}},
        "inputs": [{**table, "manifest_sha256": "m" * 64}],
    }
    return lineage | changes


def test_a_recipe_names_code_environment_and_data_at_its_version() -> None:
    lines = recipe(found())

    assert "git checkout 0123abcdef" in lines
    assert "git clone -- https://git.example.com/churn.git training && cd training" in lines
    assert "pandas==2.0" in lines
    assert "training_1 = DeltaTable('/tables/t', version=0).to_pandas()" in lines


@pytest.mark.parametrize("commit", [None, "", "--upload-pack=x", "main; rm -rf /", "0123abc\nrm"])
def test_a_commit_that_is_none_is_not_checked_out(commit: str | None) -> None:
    assert not any("checkout" in line for line in recipe(found(code=_CODE | {"git_commit": commit})))


def test_what_a_run_wrote_cannot_become_a_command() -> None:
    hostile = {
        "code": _CODE | {"source_name": "x\nrm -rf /", "git_repository": "a; rm -rf /", "entry_point": "y\nrm"},
        "environment": {"files": {"requirements.txt": "pandas\nREQUIREMENTS\nrm -rf /\n\x1b[2J"}},
        "inputs": [
            {
                "dataset": "t\nPYTHON\nrm",
                "table": "t\nPYTHON\nrm",
                "location": "/t'\nPYTHON\nrm",
                "version": 0,
                "rows": None,
                "manifest_sha256": "m",
            }
        ],
    }
    lines = recipe(found(**hostile))

    assert all("\n" not in line and "\x1b" not in line for line in lines)
    assert [line for line in lines if line == "PYTHON"] == ["PYTHON"]
    start, end = lines.index("cat > requirements.txt <<'REQUIREMENTS_'"), lines.index("REQUIREMENTS_")
    assert [line for line in lines if line.startswith("rm")] == lines[start + 3 : end - 1]
    assert "git clone -- 'a; rm -rf /' training && cd training" in lines


def test_a_working_copy_with_changes_is_called_what_it_is() -> None:
    assert any("close, not equal" in line for line in recipe(found(code=_CODE | {"is_dirty": True})))
