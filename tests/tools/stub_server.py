"""A server on 127.0.0.1 that speaks TF Serving's protocols, as its documents have them,
for one exported version: REST by `http.server`, gRPC by tensorflow-serving-api.

https://www.tensorflow.org/tfx/serving/api_rest
"""

import base64
import concurrent.futures
import contextlib
import http.server
import json
import re
import threading

import grpc
import numpy as np
import tensorflow as tf
from google.protobuf import json_format
from tensorflow.core.protobuf import saved_model_pb2
from tensorflow_serving.apis import get_model_metadata_pb2 as metadata
from tensorflow_serving.apis import predict_pb2, prediction_service_pb2_grpc

PATH = r"/v1/models/(\w+)(?:/versions/(\d+)|/labels/(\w+))?(:predict|/metadata)?"


class Version:
    """An exported version, known by the name of its folder, which answers with its
    graphs."""

    def __init__(self, path, label="latest"):
        self.name, self.number, self.label = path.parent.name, path.name, label
        self.graphs = tf.saved_model.load(str(path)).signatures
        content = (path / "saved_model.pb").read_bytes()
        saved = saved_model_pb2.SavedModel.FromString(content)
        self.signatures = dict(saved.meta_graphs[0].signature_def)

    def is_called(self, name, number, label):
        return (
            name == self.name
            and number in (None, "", self.number)
            and label in (None, "", self.label)
        )

    def answer(self, signature, rows):
        """Returns {output: array} of {input: array}; ValueError with the words of a
        server."""
        try:
            tensors = {name: tf.constant(value) for name, value in rows.items()}
            outputs = self.graphs[signature](**tensors)
        except (tf.errors.InvalidArgumentError, TypeError) as error:
            raise ValueError(getattr(error, "message", str(error))) from None
        return {name: value.numpy() for name, value in outputs.items()}


class Handler(http.server.BaseHTTPRequestHandler):
    def log_message(self, *_):
        pass

    def do_GET(self):
        version, verb = self.asked()
        if version is None:
            self.reply(404, {"error": "Servable not found for request."})
        elif verb == "/metadata":
            signatures = {
                name: json_format.MessageToDict(each, preserving_proto_field_name=True)
                for name, each in version.signatures.items()
            }
            content = {"signature_def": {"signature_def": signatures}}
            self.reply(200, {"model_spec": {"name": version.name}, "metadata": content})
        else:
            state = {"version": version.number, "state": "AVAILABLE"}
            self.reply(200, {"model_version_status": [state]})

    def do_POST(self):
        version, verb = self.asked()
        content = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
        if version is None or verb != ":predict":
            return self.reply(404, {"error": "Servable not found for request."})
        name = content.get("signature_name", "serving_default")
        inputs = version.signatures[name].inputs
        rows = {}
        for key, values in content["inputs"].items():
            dtype = tf.as_dtype(inputs[key].dtype)
            if dtype == tf.string:
                values = [base64.b64decode(value["b64"]) for value in values]
            rows[key] = np.array(values, dtype.as_numpy_dtype)
        try:
            answer = version.answer(name, rows)
        except ValueError as error:
            return self.reply(400, {"error": str(error)})
        outputs = {key: self.json_of(key, value) for key, value in answer.items()}
        if len(outputs) == 1:
            outputs = next(iter(outputs.values()))
        return self.reply(200, {"outputs": outputs})

    def json_of(self, name, values):
        if values.dtype != object:
            return values.tolist()
        assert name.endswith("_bytes")  # a server would send other texts as text
        return [{"b64": base64.b64encode(value).decode()} for value in values]

    def asked(self):
        match = re.fullmatch(PATH, self.path)
        version = self.server.version
        if match is None or not version.is_called(*match.groups()[:3]):
            return None, None
        return version, match.group(4)

    def reply(self, status, content):
        data = json.dumps(content).encode()
        self.send_response(status)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(data)))
        self.end_headers()
        self.wfile.write(data)


class Servicer(prediction_service_pb2_grpc.PredictionServiceServicer):
    def __init__(self, version):
        self.version = version

    def require(self, request, context):
        spec = request.model_spec
        number = str(spec.version.value) if spec.HasField("version") else None
        if not self.version.is_called(spec.name, number, spec.version_label):
            context.abort(grpc.StatusCode.NOT_FOUND, "Servable not found for request.")

    def GetModelMetadata(self, request, context):
        self.require(request, context)
        signatures = metadata.SignatureDefMap(signature_def=self.version.signatures)
        reply = metadata.GetModelMetadataResponse()
        reply.metadata["signature_def"].Pack(signatures)
        return reply

    def Predict(self, request, context):
        self.require(request, context)
        rows = {key: tf.make_ndarray(value) for key, value in request.inputs.items()}
        try:
            answer = self.version.answer(request.model_spec.signature_name, rows)
        except ValueError as error:
            context.abort(grpc.StatusCode.INVALID_ARGUMENT, str(error))
        outputs = {key: tf.make_tensor_proto(value) for key, value in answer.items()}
        return predict_pb2.PredictResponse(outputs=outputs)


@contextlib.contextmanager
def serving(path):
    """Serves the version at `path`; yields (address of REST, address of gRPC)."""
    version = Version(path)
    rest = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    rest.version = version
    threading.Thread(target=rest.serve_forever, daemon=True).start()
    remote = grpc.server(concurrent.futures.ThreadPoolExecutor(2))
    prediction_service_pb2_grpc.add_PredictionServiceServicer_to_server(
        Servicer(version), remote
    )
    port = remote.add_insecure_port("127.0.0.1:0")
    remote.start()
    try:
        yield f"127.0.0.1:{rest.server_port}", f"127.0.0.1:{port}"
    finally:
        rest.shutdown()
        rest.server_close()
        remote.stop(None)
