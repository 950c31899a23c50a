from pathlib import Path

import pytest

from pierhead.kit.errors import InvalidArgument
from pierhead.serving.api.databricks_requests_wire import read_create, read_tags, read_update
from pierhead.serving.api.signature_wire import column_schemas, outputs_schema, params_schema, tensor_schema
from pierhead.serving.domain.endpoints import Route
from pierhead.serving.services.descriptions import ModelDescription, read_description
from pierhead.serving.services.logs import tail


def test_null_counts_as_left_out() -> None:
    fields = {"entity_name": "m", "entity_version": "1", "name": None, "workload_size": None, "environment_vars": None}
    request = read_create(
        {"name": "fraud", "config": {"served_entities": [fields], "traffic_config": None}, "tags": None}
    )

    assert request.draft.entities is not None
    assert request.draft.entities[0].name is None
    assert request.draft.routes is None


def test_numbers_come_as_numbers_or_as_strings() -> None:
    routes = [{"served_model_name": "m-1", "traffic_percentage": "100"}]
    draft = read_update({"name": "fraud", "traffic_config": {"routes": routes}})
    assert draft.routes == (Route("m-1", 10_000),)


@pytest.mark.parametrize(
    ("params", "fact"),
    [
        ({}, "at least one of served_entities"),
        ({"served_entities": {}}, "served_entities must be a list, not an object"),
        ({"served_entities": ["m"]}, r"served_entities\[0\] must be an object, not a string"),
        ({"served_entities": [{"entity_version": "1"}]}, "needs a entity_name"),
        ({"served_entities": [{"entity_name": "m", "entity_version": True}]}, "must be a string, not a boolean"),
        ({"served_entities": [{}], "served_models": [{}]}, "give one of them"),
        ({"traffic_config": {"routes": [{"traffic_percentage": 100}]}}, "needs a served_entity_name"),
        ({"traffic_config": {"routes": [{"served_model_name": "a"}]}}, "needs a traffic_percentage"),
        ({"traffic_config": {"routes": [{"served_model_name": "a", "traffic_percentage": 99.5}]}}, "a whole number"),
        (
            {
                "traffic_config": {
                    "routes": [{"served_model_name": "a", "served_entity_name": "b", "traffic_percentage": 100}]
                }
            },
            "'a' as served_model_name and 'b'",
        ),
    ],
)
def test_what_cannot_be_read_is_named(params: dict[str, object], fact: str) -> None:
    with pytest.raises(InvalidArgument, match=fact):
        read_update(params)


@pytest.mark.parametrize("number", ["--5", "-", "", "5-", "٣", "1" * 19, "1" * 5000, 10**18, -(10**18), True, 1e30])
def test_what_is_no_whole_number_is_refused(number: object) -> None:
    routes = [{"served_model_name": "a", "traffic_percentage": number}]
    with pytest.raises(InvalidArgument, match="traffic_percentage"):
        read_update({"traffic_config": {"routes": routes}})


def test_a_config_for_another_endpoint_is_refused() -> None:
    entities = [{"entity_name": "m", "entity_version": "1"}]
    with pytest.raises(InvalidArgument, match="'other' is not the endpoint's name 'fraud'"):
        read_create({"name": "fraud", "config": {"name": "other", "served_entities": entities}})


def test_tags_need_keys() -> None:
    with pytest.raises(InvalidArgument, match=r"add_tags\[0\] needs a key"):
        read_tags({"name": "fraud", "add_tags": [{"value": "x"}]})


def test_nested_types_and_optional_columns_become_json_schema() -> None:
    inputs = [
        {"name": "amount", "type": "float", "required": True},
        {"name": "words", "type": "array", "items": {"type": "string"}, "required": False},
        {
            "name": "person",
            "type": "object",
            "properties": {"age": {"type": "integer"}, "name": {"type": "string", "required": False}},
        },
        {"name": "counts", "type": "map", "values": {"type": "long"}},
    ]
    columns = column_schemas(inputs)

    assert columns["amount"] == ({"type": "number", "format": "float"}, True)
    assert columns["words"] == ({"type": "array", "items": {"type": "string"}}, False)
    assert columns["person"][0]["required"] == ["age"]
    assert columns["counts"][0]["additionalProperties"] == {"type": "integer", "format": "int64"}


def test_tensors_become_nested_arrays() -> None:
    image = {"type": "tensor", "tensor-spec": {"dtype": "uint8", "shape": [-1, 2]}}
    pair = {"type": "array", "items": {"type": "integer"}, "minItems": 2, "maxItems": 2}

    assert tensor_schema([image]) == {"type": "array", "items": pair}
    named = tensor_schema([image | {"name": "image"}])
    assert named is not None
    assert named["required"] == ["image"]
    assert tensor_schema([{"name": "amount", "type": "double"}]) is None
    assert outputs_schema([image]) == {"type": "array", "items": pair}


def test_outputs_of_several_columns_are_objects() -> None:
    schema = outputs_schema([{"name": "label", "type": "string"}, {"name": "score", "type": "double"}])
    assert list(schema["items"]["properties"]) == ["label", "score"]
    assert outputs_schema(None) == {}


def test_params_show_their_defaults() -> None:
    schema = params_schema([{"name": "factor", "type": "double", "default": 1.0, "shape": None}])
    assert schema["properties"]["factor"] == {"type": "number", "format": "double", "default": 1.0}


def test_a_description_that_makes_no_sense_is_left_out(tmp_path: Path) -> None:
    for text in ("- a list", "signature: {inputs: 'no json'}", ": not: yaml: [", "signature: 7"):
        (tmp_path / "MLmodel").write_text(text)
        assert read_description(tmp_path) == ModelDescription()
    assert read_description(tmp_path / "nowhere") == ModelDescription()


def test_files_made_to_crash_us_describe_nothing(tmp_path: Path) -> None:
    deep = "[" * 100_000
    for text in (deep, f"signature: {{inputs: '{deep}'}}", "a: &a [1]\nsignature: {inputs: *a}"):
        (tmp_path / "MLmodel").write_text(text)
        assert read_description(tmp_path) == ModelDescription()


@pytest.mark.parametrize("example", ["[" * 100_000, "[" * 200 + "]" * 200, '{"a": 1' + "0" * 40 + "}", "{"])
def test_an_example_that_could_not_be_sent_on_is_left_out(tmp_path: Path, example: str) -> None:
    (tmp_path / "MLmodel").write_text("saved_input_example_info: {serving_input_path: example.json}")
    (tmp_path / "example.json").write_text(example)
    assert read_description(tmp_path).example is None


def test_a_tensor_of_absurdly_many_dimensions_can_be_written_down() -> None:
    schema = tensor_schema([{"type": "tensor", "tensor-spec": {"dtype": "float32", "shape": [1] * 10_000}}])
    assert len(str(schema)) < 5000


def test_an_example_outside_the_models_folder_is_not_read(tmp_path: Path) -> None:
    (tmp_path / "secret.json").write_text('{"token": "x"}')
    model = tmp_path / "model"
    model.mkdir()
    (model / "MLmodel").write_text("saved_input_example_info: {serving_input_path: ../secret.json}")
    assert read_description(model).example is None


def test_the_end_of_a_log_begins_with_a_whole_line(tmp_path: Path) -> None:
    log = tmp_path / "w.log"
    log.write_text("first line\nsecond line\nthird\n")
    assert tail(log, most_bytes=10) == "third\n"
    assert tail(log) == "first line\nsecond line\nthird\n"
    assert tail(tmp_path / "none.log") == ""
