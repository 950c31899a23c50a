"""However a stream is cut, the same comes out."""

import json

from hypothesis import given
from hypothesis import strategies as st

from pierhead.tracking.domain.rewriting import LocationRewriter

_LOCATIONS = st.sampled_from(
    ["mlflow-artifacts:/1", "mlflow-artifacts:/12/models/m-1/artifacts", "mlflow-artifacts:/1/ab/artifacts", "s3://x"]
)
_TEXT = st.text(alphabet='abc",{}:\\mlflow-artifacts/ \n', max_size=40)
_ENTRY = st.fixed_dictionaries(
    {}, optional={"artifact_uri": _LOCATIONS, "artifact_location": _LOCATIONS, "note": _TEXT}
)


def _expected(entry: dict[str, str]) -> dict[str, str]:
    def changed(location: str) -> str:
        return location.replace("mlflow-artifacts:/", "dbfs:/databricks/mlflow-tracking/").replace(
            "/models/", "/logged_models/"
        )

    return {key: value if key == "note" else changed(value) for key, value in entry.items()}


@given(st.lists(_ENTRY, max_size=5), st.lists(st.integers(1, 60), min_size=1), st.sampled_from([None, 2]))
def test_any_cut_of_a_stream_gives_the_same(entries: list[dict[str, str]], cuts: list[int], indent: int | None) -> None:
    text = json.dumps(entries, indent=indent).encode()
    rewriter = LocationRewriter()
    out, at, turn = b"", 0, 0
    while at < len(text):
        size = cuts[turn % len(cuts)]
        out += rewriter.feed(text[at : at + size])
        at, turn = at + size, turn + 1

    assert json.loads(out + rewriter.end()) == [_expected(entry) for entry in entries]
