"""Log a trace and read it back."""

import mlflow

mlflow.set_experiment("traced")
with mlflow.start_span("ask") as span:
    span.set_inputs({"question": 1})
    span.set_outputs({"answer": 2})
mlflow.flush_trace_async_logging()
trace = mlflow.get_trace(span.trace_id)
print(trace.info.state.value, [(found.name, found.outputs) for found in trace.data.spans])
