"""Converts a scikit-learn model with skl2onnx. Runs in the environment that has the converters beside the model's own.

What comes out is a proposal: the parity gate decides. Standard library only until the model is loaded.
"""

from collections.abc import Sequence
from pathlib import Path
from typing import Any


class NotConverted(Exception):
    """The converters do not know it, or it is no model for them; the message says why."""


def convert_model(
    model: Path, inputs: Sequence[dict[str, Any]] | None, folder: Path, dtypes: Sequence[str]
) -> dict[str, Any]:
    """Write `folder/model.onnx`; what `artifact.json` has to say: `made_by`, `columns`, `feeds`, `answers`, `declines`.

    In the first of the precisions `dtypes` (`float64`, `float32`) for which the runtime has all operators; its name is
    `dtype` of the answer. Raises NotConverted.
    """
    import mlflow.pyfunc
    import onnxruntime
    import skl2onnx  # type: ignore[import-not-found]

    loaded: Any = mlflow.pyfunc.load_model(str(model))
    flavors = loaded.metadata.flavors
    if "sklearn" not in flavors:
        raise NotConverted("the stock converters are used for scikit-learn models only")
    wanted = flavors["python_function"].get("predict_fn", "predict")
    columns = _columns(inputs)
    fitted = loaded.get_raw_model()
    _know_boosters()
    reasons = []
    for dtype in dtypes:
        try:
            network, feeds = _converted(fitted, columns, dtype)
            declines = _decline_missing(network, feeds)
            raw = network.SerializeToString()
            session = onnxruntime.InferenceSession(raw, providers=["CPUExecutionProvider"])
        except Exception as error:
            # Converters raise anything, and the runtime at what they made.
            reasons.append(f"{dtype}: {type(error).__name__}: {str(error).strip().splitlines()[0][:200]}")
            continue
        answer = _answer(session, wanted, fitted)
        folder.mkdir(parents=True, exist_ok=True)
        (folder / "model.onnx").write_bytes(raw)
        return {
            "dtype": dtype,
            "made_by": f"skl2onnx {skl2onnx.__version__} ({dtype})",
            "columns": columns,
            "feeds": feeds,
            "answers": [answer],
            "declines": declines,
        }
    raise NotConverted("; ".join(reasons))


def _columns(inputs: Sequence[dict[str, Any]] | None) -> list[dict[str, Any]]:
    kinds = {"double", "float", "long", "integer", "boolean", "string"}
    if not inputs:
        raise NotConverted("it was logged without a signature")
    odd = next((item["type"] for item in inputs if item["type"] not in kinds or "name" not in item), None)
    if odd is not None:
        raise NotConverted(f"its signature is not made of plain named columns ({odd})")
    if not all(item.get("required", True) for item in inputs):
        raise NotConverted("its signature has optional columns")
    return [{"name": item["name"], "kind": item["type"]} for item in inputs]


def _know_boosters() -> None:
    """Teach the converter the boosting libraries that the environment has."""
    import contextlib

    from skl2onnx import update_registered_converter
    from skl2onnx.common.shape_calculator import (  # type: ignore[import-not-found]
        calculate_linear_classifier_output_shapes,
        calculate_linear_regressor_output_shapes,
    )

    options = {"nocl": [True, False], "zipmap": [True, False, "columns"]}
    with contextlib.suppress(ImportError):
        from onnxmltools.convert.xgboost.operator_converters.XGBoost import convert_xgboost  # type: ignore[import-not-found]
        from xgboost import XGBClassifier, XGBRegressor

        update_registered_converter(
            XGBClassifier, "XGBClassifier", calculate_linear_classifier_output_shapes, convert_xgboost, options=options
        )
        update_registered_converter(
            XGBRegressor, "XGBRegressor", calculate_linear_regressor_output_shapes, convert_xgboost
        )
    with contextlib.suppress(ImportError):
        from lightgbm import LGBMClassifier, LGBMRegressor
        from onnxmltools.convert.lightgbm.operator_converters.LightGbm import convert_lightgbm  # type: ignore[import-not-found]

        update_registered_converter(
            LGBMClassifier,
            "LGBMClassifier",
            calculate_linear_classifier_output_shapes,
            convert_lightgbm,
            options=options,
        )
        update_registered_converter(
            LGBMRegressor, "LGBMRegressor", calculate_linear_regressor_output_shapes, convert_lightgbm
        )


def _converted(fitted: Any, columns: Sequence[dict[str, Any]], dtype: str) -> tuple[Any, list[dict[str, Any]]]:
    from skl2onnx import convert_sklearn
    from skl2onnx.common.data_types import (  # type: ignore[import-not-found]
        BooleanTensorType,
        DoubleTensorType,
        FloatTensorType,
        Int64TensorType,
        StringTensorType,
    )

    real = DoubleTensorType if dtype == "float64" else FloatTensorType
    whole = {"long": ("int64", Int64TensorType), "integer": ("int64", Int64TensorType)}
    types = {**whole, "boolean": ("bool", BooleanTensorType), "string": ("string", StringTensorType)}
    options = {id(fitted): {"zipmap": False}} if hasattr(fitted, "classes_") else None
    if _takes_names(fitted):
        named = [(column["name"], *types.get(column["kind"], (dtype, real))) for column in columns]
        initial = [(name, kind([None, 1])) for name, _, kind in named]
        feeds = [{"input": name, "dtype": of, "columns": [place]} for place, (name, of, _) in enumerate(named)]
    else:
        if any(column["kind"] in ("string", "boolean") for column in columns):
            raise NotConverted("it takes text without telling columns apart")
        initial = [("X", real([None, len(columns)]))]
        feeds = [{"input": "X", "dtype": dtype, "columns": list(range(len(columns)))}]
    network = convert_sklearn(fitted, initial_types=initial, options=options, target_opset={"": 18, "ai.onnx.ml": 3})
    return network, feeds


def _decline_missing(network: Any, feeds: Sequence[dict[str, Any]]) -> str | None:
    """Add an output that is not 0 where a number is missing or infinite, and give its name.

    scikit-learn raises there unless a step takes care of it, which the converters do not tell: the original decides.
    """
    from onnx import TensorProto, helper

    graph, flags = network.graph, []
    for number, feed in enumerate(feeds):
        if not feed["dtype"].startswith("float"):
            continue
        names = [f"declines_{number}_{step}" for step in range(3)]
        # 0 * NaN and 0 * infinity are NaN.
        graph.node.append(helper.make_node("Cast", [feed["input"]], [names[0]], to=TensorProto.DOUBLE))
        graph.node.append(helper.make_node("Mul", [names[0], "declines_zero"], [names[1]]))
        graph.node.append(helper.make_node("ReduceSum", [names[1], "declines_axis"], [names[2]], keepdims=1))
        flags.append(names[2])
    if not flags:
        return None
    graph.initializer.append(helper.make_tensor("declines_zero", TensorProto.DOUBLE, [1], [0.0]))
    graph.initializer.append(helper.make_tensor("declines_axis", TensorProto.INT64, [1], [1]))
    graph.node.append(helper.make_node("Sum", flags, ["declines"]))
    graph.output.append(helper.make_tensor_value_info("declines", TensorProto.DOUBLE, [None, 1]))
    return "declines"


def _takes_names(fitted: Any) -> bool:
    """Whether columns are told apart by name: a pipeline that begins with a ColumnTransformer, or one itself."""
    first = fitted.steps[0][1] if hasattr(fitted, "steps") else fitted
    return type(first).__name__ == "ColumnTransformer"


def _answer(session: Any, wanted: str, fitted: Any) -> dict[str, Any]:
    outputs = session.get_outputs()
    is_classifier = hasattr(fitted, "classes_")
    if wanted == "predict_proba" and is_classifier and len(outputs) > 1:
        return {"output": outputs[1].name, "shape": "vector", "dtype": "float64"}
    if wanted != "predict":
        raise NotConverted(f"the converters do not give {wanted}")
    dtypes = {"tensor(int64)": "int64", "tensor(string)": "string", "tensor(bool)": "bool"}
    return {"output": outputs[0].name, "shape": _shape(fitted), "dtype": dtypes.get(outputs[0].type, "float64")}


def _shape(fitted: Any) -> str:
    """Regressors of several targets answer with a list a row."""
    last = fitted.steps[-1][1] if hasattr(fitted, "steps") else fitted
    return "vector" if getattr(last, "n_outputs_", 1) > 1 else "scalar"
