"""Whatever a spool holds becomes a row or a sentence, never an error."""

from hypothesis import given, settings
from hypothesis import strategies as st

from pierhead.gateway.records import InferenceRecord, decode, encode
from pierhead.monitoring.domain.payload import problem_of
from pierhead.monitoring.services.payload_rows import rows_of

texts = st.text(st.characters(exclude_categories=["Cs"]), max_size=10)
bodies = st.none() | st.binary(max_size=20) | texts.map(str.encode)
whole_numbers = st.integers(min_value=-(2**63), max_value=2**64 - 1)
records = st.builds(
    InferenceRecord,
    request_id=texts,
    client_request_id=st.none() | texts,
    timestamp_ms=whole_numbers | st.integers(min_value=0, max_value=253_402_300_799_999),
    status_code=whole_numbers | st.integers(min_value=100, max_value=599),
    execution_duration_ms=st.floats(),
    sampling_rate=st.floats(),
    request=bodies,
    request_content_type=texts,
    response=bodies,
    logging_error_codes=st.lists(texts, max_size=2),
    endpoint_name=texts,
    endpoint_id=texts,
    config_version=whole_numbers,
    served_entity_id=texts,
    served_entity_name=texts,
    model_name=texts,
    model_version=texts,
    requester=texts,
    queue_ms=st.floats(),
    predict_ms=st.floats(),
    error_code=st.none() | texts,
)


@given(st.lists(records, max_size=4))
@settings(max_examples=150, deadline=None)
def test_every_record_without_a_problem_becomes_one_row(written: list[InferenceRecord]) -> None:
    read = [decode(encode(record)) for record in written]
    fit = [record for record in read if problem_of(record) is None]
    rows = rows_of(fit)
    assert rows.num_rows == len(fit)
    assert rows["databricks_request_id"].to_pylist() == [record.request_id for record in fit]
