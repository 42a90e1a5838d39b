"""Clients of a model server (TF Serving), over REST and over gRPC: the same methods.

    server = Rest("localhost:8501", "vaegan")
    server.predict("sample", {"seed": np.arange(4)})["images"]

A version is a number, or a label such as "latest"; the newest if None.
"""

import base64
import http.client
import json
import re
import urllib.error
import urllib.request
from typing import NamedTuple

import numpy as np

# What TensorFlow says if a check of the graph fails: its sentence, and more.
CHECKED = re.compile(r"assertion failed: \[(.*?\.)\]\s*\[\[")


class Ends(NamedTuple):
    """Inputs and outputs of a signature as its server lists them, each {name: (dtype
    name, shape with -1 for any size)}."""

    inputs: dict
    outputs: dict


class Rest:
    """Speaks TF Serving's REST protocol, version 1."""

    def __init__(self, address, model, version=None, timeout=60.0):
        kind = "versions" if _is_number(version) else "labels"
        part = "" if version is None else f"/{kind}/{version}"
        self.address, self.timeout = address, timeout
        self.url = f"http://{address}/v1/models/{model}{part}"

    def states(self):
        """Returns {version: its state, such as "AVAILABLE"}."""
        versions = self._ask("")["model_version_status"]
        return {int(each["version"]): each["state"] for each in versions}

    def signatures(self):
        """Returns {signature: `Ends`}."""
        reply = self._ask("/metadata")["metadata"]["signature_def"]
        return ends_of(reply["signature_def"])

    def predict(self, signature, rows):
        """Returns {output: array} of {input: array `[N, ...]`}, bytes as objects."""
        outputs = self.signatures()[signature].outputs
        inputs = {name: _to_json(values) for name, values in rows.items()}
        question = {"signature_name": signature, "inputs": inputs}
        values = self._ask(":predict", question)["outputs"]
        if len(outputs) == 1:  # the reply does not name an output that is the only one
            values = dict.fromkeys(outputs, values)
        return {name: _from_json(values[name], outputs[name][0]) for name in outputs}

    def _ask(self, path, content=None):
        """Returns the JSON that the server replies."""
        data = None if content is None else json.dumps(content).encode()
        request = urllib.request.Request(
            self.url + path, data, {"Content-Type": "application/json"}
        )
        try:
            with urllib.request.urlopen(request, timeout=self.timeout) as reply:
                return json.loads(reply.read())
        except urllib.error.HTTPError as error:
            raise ValueError(_refused(error.code, _message(error.read()))) from None
        except ValueError:
            raise ValueError(
                f"What answers at {self.url} is no model server: its reply is not JSON."
            ) from None
        except (OSError, http.client.HTTPException) as error:
            raise _no_server(self.address, getattr(error, "reason", error)) from None


class Grpc:
    """Speaks TF Serving's gRPC protocol; needs tensorflow-serving-api."""

    def __init__(self, address, model, version=None, timeout=60.0):
        try:
            import grpc
            from tensorflow_serving.apis import prediction_service_pb2_grpc
        except ImportError:
            raise ImportError(
                "gRPC needs a package more: pip install tensorflow-serving-api. REST "
                "works without."
            ) from None
        self.address, self.timeout = address, timeout
        self.model, self.version = model, version
        channel = grpc.insecure_channel(address)
        self.stub = prediction_service_pb2_grpc.PredictionServiceStub(channel)

    def signatures(self):
        """Returns {signature: `Ends`}."""
        from google.protobuf import json_format
        from tensorflow_serving.apis import get_model_metadata_pb2 as metadata

        request = metadata.GetModelMetadataRequest(metadata_field=["signature_def"])
        reply = self._call(self.stub.GetModelMetadata, request)
        signatures = metadata.SignatureDefMap()
        reply.metadata["signature_def"].Unpack(signatures)
        plain = json_format.MessageToDict(signatures, preserving_proto_field_name=True)
        return ends_of(plain["signature_def"])

    def predict(self, signature, rows):
        """Returns {output: array} of {input: array `[N, ...]`}, bytes as objects."""
        import tensorflow as tf
        from tensorflow_serving.apis import predict_pb2

        request = predict_pb2.PredictRequest()
        request.model_spec.signature_name = signature
        for name, values in rows.items():
            request.inputs[name].CopyFrom(tf.make_tensor_proto(values))
        reply = self._call(self.stub.Predict, request)
        return {name: tf.make_ndarray(value) for name, value in reply.outputs.items()}

    def _call(self, method, request):
        import grpc

        request.model_spec.name = self.model
        if _is_number(self.version):
            request.model_spec.version.value = int(self.version)
        elif self.version is not None:
            request.model_spec.version_label = self.version
        try:
            return method(request, timeout=self.timeout)
        except grpc.RpcError as error:
            code = error.code()
            if code in (
                grpc.StatusCode.UNAVAILABLE,
                grpc.StatusCode.DEADLINE_EXCEEDED,
            ):
                raise _no_server(self.address, error.details()) from None
            raise ValueError(_refused(code.name, error.details())) from None


def _is_number(version):
    return version is not None and str(version).isdecimal()


def _no_server(address, reason):
    return ConnectionError(
        f"No model server answers at {address} ({reason}). docs/serving.md tells how "
        "to start one."
    )


def _refused(status, message):
    sentence = CHECKED.search(message)
    reason = sentence.group(1) if sentence else message
    return f"The server refuses the request, status {status}: {reason}"


def _message(content):
    try:
        return json.loads(content)["error"]
    except (ValueError, KeyError, TypeError):
        return content.decode(errors="replace")[:200]


def ends_of(plain):
    """Returns {signature: `Ends`} of {name: SignatureDef as JSON}. TensorFlow's own
    entry, the initialisation, has no method and is left out."""
    return {
        name: Ends(*(_ends(each.get(side, {})) for side in Ends._fields))
        for name, each in plain.items()
        if each.get("method_name")
    }


def _ends(plain):
    """Reads the inputs or outputs of a SignatureDef as JSON."""
    ends = {}
    for name, tensor in plain.items():
        sizes = [int(dim["size"]) for dim in tensor["tensor_shape"].get("dim", [])]
        dtype = tensor["dtype"].removeprefix("DT_").lower()
        ends[name] = {"float": "float32"}.get(dtype, dtype), tuple(sizes)
    return ends


def _to_json(values):
    if values.dtype != object:
        return values.tolist()
    return [{"b64": base64.b64encode(value).decode()} for value in values]


def _from_json(values, dtype):
    if dtype != "string":
        return np.array(values, dtype)
    return np.array([base64.b64decode(value["b64"]) for value in values], object)
