"""Whatever a caller sends becomes rows or codes, never an error; what is masked is in none of them."""

import json
from typing import Any

import msgspec
from hypothesis import given, settings
from hypothesis import strategies as st

from pierhead.gateway.records import InferenceRecord
from pierhead.monitoring.domain.masking import Masking
from pierhead.monitoring.domain.signatures import Kind, Signature
from pierhead.monitoring.services.payload_rows import rows_of
from pierhead.monitoring.services.request_columns import OWN, Columns
from pierhead.monitoring.services.request_rows import Unpacked, Unpacking
from pierhead.serving.domain.table_tags import Mask, TablePolicy

SECRET = "s3cr3t-value"

RECORD = InferenceRecord(
    request_id="r",
    client_request_id=None,
    timestamp_ms=0,
    status_code=200,
    execution_duration_ms=1.0,
    sampling_rate=1.0,
    request=b"",
    request_content_type="application/json",
    response=b"",
    logging_error_codes=[],
    endpoint_name="e",
    endpoint_id="e-1",
    config_version=1,
    served_entity_id="s",
    served_entity_name="s-1",
    model_name="m",
    model_version="1",
    requester="ada",
    queue_ms=0.0,
    predict_ms=0.0,
    error_code=None,
)

texts = st.text(max_size=6)
names = st.sampled_from(["a", "A", "b", "age", "timestamp", "prediction", ""])
scalars = st.none() | st.booleans() | st.integers() | st.floats() | texts
values = st.recursive(scalars, lambda child: st.lists(child, max_size=3) | st.dictionaries(names, child, max_size=3))
contents = st.fixed_dictionaries(
    {},
    optional={
        "dataframe_split": values
        | st.fixed_dictionaries({"columns": st.lists(names, max_size=3), "data": st.lists(st.lists(scalars))}),
        "dataframe_records": values | st.lists(st.dictionaries(names, values, max_size=3), max_size=3),
        "instances": values,
        "inputs": values,
    },
)
bodies = st.none() | st.binary(max_size=20) | (contents | values).map(lambda value: json.dumps(value).encode())
kinds = st.sampled_from(["application/json", "text/csv", "", "image/png"])
answers = bodies | st.builds(lambda rows: json.dumps({"predictions": rows}).encode(), values)
records = st.builds(
    lambda request, kind, response: msgspec.structs.replace(
        RECORD, request=request, request_content_type=kind, response=response
    ),
    bodies,
    kinds,
    answers,
)


class Known:
    def find(self, _model_name: str, _model_version: str) -> Signature | None:
        return Signature(tuple((kind.value if kind is Kind.LONG else "a", kind) for kind in (Kind.LONG, Kind.DOUBLE)))


def unpack(found: list[InferenceRecord], policy: TablePolicy) -> Unpacked:
    return Unpacking(Known(), lambda _id: policy, Columns(OWN)).unpack(found)


@given(st.lists(records, max_size=4))
@settings(max_examples=300, deadline=None)
def test_every_body_becomes_rows_or_a_code(found: list[InferenceRecord]) -> None:
    unpacked = unpack(found, TablePolicy())
    assert unpacked.rows.num_rows == sum(unpacked.counts)
    assert rows_of(found, unpacked.counts, unpacked.problems).num_rows == len(found)
    for count, problems in zip(unpacked.counts, unpacked.problems, strict=True):
        assert count > 0 or problems or b"[]" in b"".join(record.response or b"" for record in found)


def with_secret(value: Any) -> Any:
    """The same, with the secret wherever there is a field `ssn`."""
    if isinstance(value, dict):
        return {"ssn": SECRET, **{name: with_secret(child) for name, child in value.items()}}
    return [with_secret(child) for child in value] if isinstance(value, list) else value


@given(values, st.sampled_from(["dataframe_records", "instances", "inputs"]), st.sampled_from(list(Mask)))
@settings(max_examples=200, deadline=None)
def test_a_masked_value_is_in_no_table(value: Any, name: str, mask: Mask) -> None:
    policy = TablePolicy(masks={"ssn": mask}, entity_key="ssn")
    body = json.dumps({name: with_secret(value)}).encode()
    record = msgspec.structs.replace(RECORD, request=body, response=body.replace(name.encode(), b"predictions"))
    masked = Masking(b"k").masked(record, policy.masks)
    unpacked = unpack([masked], policy)
    assert SECRET not in str(unpacked.rows.to_pylist())
    assert SECRET not in str(rows_of([masked], unpacked.counts, unpacked.problems).to_pylist())


@given(st.lists(st.tuples(names, st.sampled_from(list(Kind))), max_size=12))
def test_a_feature_has_the_same_column_however_often_it_is_placed(asked: list[tuple[str, Kind]]) -> None:
    columns = Columns(OWN)
    first = [columns.place(name, kind) for name, kind in asked]
    assert [columns.place(name, kind) for name, kind in asked] == first
    found = {place[0] for place in first if place is not None}
    assert len({name.lower() for name in found}) == len(found)
