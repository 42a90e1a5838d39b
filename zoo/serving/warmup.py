"""Requests that a server runs on loading a version, before the first user's: TensorFlow
chooses its kernels and plans its memory on a graph's first run."""

import tensorflow as tf
from tensorflow_serving.apis import predict_pb2, prediction_log_pb2

FILE = "assets.extra/tf_serving_warmup_requests"


def write(folder, model_name, signatures):
    """Writes one request of one row for each `Signature` into the SavedModel
    `folder`."""
    path = folder / FILE
    path.parent.mkdir()
    with tf.io.TFRecordWriter(str(path)) as writer:
        for signature in signatures:
            log = prediction_log_pb2.PredictLog(request=request(model_name, signature))
            record = prediction_log_pb2.PredictionLog(predict_log=log)
            writer.write(record.SerializeToString())


def request(model_name, signature):
    """Returns the PredictRequest of a `Signature`'s example."""
    example = predict_pb2.PredictRequest()
    example.model_spec.name = model_name
    example.model_spec.signature_name = signature.name
    for name, takes in signature.takes.items():
        example.inputs[name].CopyFrom(tf.make_tensor_proto(takes.example()))
    return example
