"""Checks an exported graph with onnx and runs it with onnxruntime.

python3 onnx_proof.py FOLDER: model.onnx and inputs.json, a list of steps, each {input: [values, flat]}. Outputs of a step go into
the next as the metadata say. Prints, as JSON, the mean squared errors of each step and the last state, flat, by the name of its input.
"""

import json
import sys

import numpy
import onnx
import onnxruntime

folder = sys.argv[1]
model = onnx.load(f"{folder}/model.onnx")
onnx.checker.check_model(model, full_check=True)
metadata = {entry.key: entry.value for entry in model.metadata_props}
state_of = json.loads(metadata["state"])

options = onnxruntime.SessionOptions()
options.log_severity_level = 3
options.intra_op_num_threads = 1
session = onnxruntime.InferenceSession(
    f"{folder}/model.onnx", options, providers=["CPUExecutionProvider"]
)
# Inputs with an initial value are not among get_inputs().
shapes = {
    value.name: [d.dim_value for d in value.type.tensor_type.shape.dim]
    for value in model.graph.input
}
outputs = [value.name for value in model.graph.output]
state = {}
errors = []
with open(f"{folder}/inputs.json") as file:
    steps = json.load(file)
for step in steps:
    given = {
        name: numpy.asarray(values, dtype=numpy.float32).reshape(shapes[name])
        for name, values in step.items()
    }
    got = dict(zip(outputs, session.run(outputs, {**state, **given})))
    errors.append(got["mse"].tolist())
    state = {name: got[after] for name, after in state_of.items()}
kept = {name: value.ravel().tolist() for name, value in state.items()}
shown = {name: got[name].ravel().tolist() for name in outputs if name.endswith(".next")}
print(
    json.dumps(
        {
            "operators": sorted({node.op_type for node in model.graph.node}),
            "opsets": {entry.domain: entry.version for entry in model.opset_import},
            "ir": model.ir_version,
            "metadata": metadata,
            "mse": errors,
            "state": {**shown, **kept},
        }
    )
)
