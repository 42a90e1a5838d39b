"""Runs a SavedModel as a model server does: by TensorFlow's C++ loader, through ctypes.

As a program it never imports TensorFlow's Python, Keras or the zoo, so that whatever it
runs needs nothing but the exported folder. It reads pickled (folder, [(signature,
{input: array})]) and writes ({signature: (inputs, outputs)}, [{output: array} or the
error's message], seconds of loading, [seconds of each]).
"""

import ctypes
import importlib.util
import os
import pathlib
import pickle
import subprocess
import sys
import time
from ctypes import POINTER, c_char_p, c_int, c_int64, c_size_t, c_void_p

import numpy as np

# tensorflow/core/framework/types.proto
DTYPES = {1: "float32", 3: "int32", 4: "uint8", 7: "object", 9: "int64", 10: "bool"}
CODES = {np.dtype(name): code for code, name in DTYPES.items()}
TSTRING = 24  # size of a TF_TString in bytes


def served(folder, cases, timeout=300):
    """Returns (signatures, answers, seconds of loading) of `cases` in a new process."""
    return run(folder, cases, timeout)[:3]


def run(folder, cases, timeout=300):
    """Runs this file as a program in a new process and returns what it writes for
    `cases`."""
    process = subprocess.run(
        [sys.executable, __file__],
        input=pickle.dumps((str(folder), list(cases))),
        stdout=subprocess.PIPE,
        env={**os.environ, "TF_CPP_MIN_LOG_LEVEL": "3"},
        timeout=timeout,
        check=True,
    )
    return pickle.loads(process.stdout)


class Output(ctypes.Structure):
    _fields_ = [("operation", c_void_p), ("index", c_int)]


class Buffer(ctypes.Structure):
    _fields_ = [
        ("data", c_void_p),
        ("length", c_size_t),
        ("deallocator", c_void_p),
    ]


class Runtime:
    """The functions of TensorFlow's C API that a server needs."""

    def __init__(self):
        wheel = pathlib.Path(importlib.util.find_spec("tensorflow").origin).parent
        for name in ("framework", "cc"):
            library = wheel / f"libtensorflow_{name}.so.2"
            self.library = ctypes.CDLL(str(library), mode=ctypes.RTLD_GLOBAL)
        self.status = self.call("TF_NewStatus", c_void_p)

    def call(self, name, result, *pairs):
        """Calls `name` with (ctype, value) pairs."""
        function = getattr(self.library, name)
        function.restype = result
        function.argtypes = [kind for kind, _ in pairs]
        return function(*[value for _, value in pairs])

    def check(self):
        """Raises RuntimeError if the last call left an error status."""
        if self.call("TF_GetCode", c_int, (c_void_p, self.status)):
            message = self.call("TF_Message", c_char_p, (c_void_p, self.status))
            raise RuntimeError(message.decode())

    def load(self, folder):
        """Returns the session, the graph and {signature: (inputs, outputs)}."""
        graph = self.call("TF_NewGraph", c_void_p)
        meta = self.call("TF_NewBuffer", POINTER(Buffer))
        tags = (c_char_p * 1)(b"serve")
        session = self.call(
            "TF_LoadSessionFromSavedModel",
            c_void_p,
            (c_void_p, self.call("TF_NewSessionOptions", c_void_p)),
            (c_void_p, None),
            (c_char_p, folder.encode()),
            (POINTER(c_char_p), tags),
            (c_int, 1),
            (c_void_p, graph),
            (POINTER(Buffer), meta),
            (c_void_p, self.status),
        )
        self.check()
        content = ctypes.string_at(meta.contents.data, meta.contents.length)
        return session, graph, signatures(content)

    def run(self, session, graph, signature, arrays):
        """Returns {output: array} of {input: array}."""
        inputs, outputs = signature
        if set(arrays) != set(inputs):
            raise RuntimeError(f"Inputs are {sorted(inputs)}.")
        feeds = [self.end(graph, inputs[name]) for name in arrays]
        values = [self.tensor(array) for array in arrays.values()]
        fetches = [self.end(graph, name) for name in outputs.values()]
        results = (c_void_p * len(outputs))()
        self.call(
            "TF_SessionRun",
            None,
            (c_void_p, session),
            (c_void_p, None),
            (POINTER(Output), (Output * len(feeds))(*feeds)),
            (POINTER(c_void_p), (c_void_p * len(values))(*values)),
            (c_int, len(values)),
            (POINTER(Output), (Output * len(fetches))(*fetches)),
            (POINTER(c_void_p), results),
            (c_int, len(fetches)),
            (c_void_p, None),
            (c_int, 0),
            (c_void_p, None),
            (c_void_p, self.status),
        )
        self.check()
        return {name: self.array(tensor) for name, tensor in zip(outputs, results)}

    def end(self, graph, name):
        """Returns the output of the graph that is called `name`, such as "serve:0"."""
        operation, _, index = name.partition(":")
        pointer = self.call(
            "TF_GraphOperationByName",
            c_void_p,
            (c_void_p, graph),
            (c_char_p, operation.encode()),
        )
        return Output(pointer, int(index or 0))

    def tensor(self, array):
        array = np.ascontiguousarray(array) if array.ndim else array
        texts = array.ravel().tolist() if array.dtype.kind == "O" else None
        size = array.nbytes if texts is None else TSTRING * array.size
        tensor = self.call(
            "TF_AllocateTensor",
            c_void_p,
            (c_int, CODES[array.dtype]),
            (POINTER(c_int64), (c_int64 * max(1, array.ndim))(*array.shape)),
            (c_int, array.ndim),
            (c_size_t, size),
        )
        data = self.call("TF_TensorData", c_void_p, (c_void_p, tensor))
        if texts is None:
            ctypes.memmove(data, array.ctypes.data, size)
            return tensor
        for index, text in enumerate(texts):
            place = (c_void_p, data + TSTRING * index)
            self.call("TF_StringInit", None, place)
            content = (c_char_p, text), (c_size_t, len(text))
            self.call("TF_StringCopy", None, place, *content)
        return tensor

    def array(self, tensor):
        tensor = (c_void_p, tensor)
        dtype = np.dtype(DTYPES[self.call("TF_TensorType", c_int, tensor)])
        rank = self.call("TF_NumDims", c_int, tensor)
        shape = [self.call("TF_Dim", c_int64, tensor, (c_int, i)) for i in range(rank)]
        data = self.call("TF_TensorData", c_void_p, tensor)
        if dtype.kind != "O":
            size = self.call("TF_TensorByteSize", c_size_t, tensor)
            return np.frombuffer(ctypes.string_at(data, size), dtype).reshape(shape)
        texts = np.empty(int(np.prod(shape)), object)
        for index in range(len(texts)):
            place = (c_void_p, data + TSTRING * index)
            start = self.call("TF_StringGetDataPointer", c_void_p, place)
            size = self.call("TF_StringGetSize", c_size_t, place)
            texts[index] = ctypes.string_at(start, size)
        return texts.reshape(shape)


def fields(message):
    """Yields (field number, value) of a serialized protocol buffer."""
    position = 0

    def varint():
        nonlocal position
        value = shift = 0
        while True:
            byte = message[position]
            position += 1
            value |= (byte & 127) << shift
            shift += 7
            if byte < 128:
                return value

    while position < len(message):
        tag = varint()
        if tag & 7 == 0:
            yield tag >> 3, varint()
            continue
        size = {1: 8, 5: 4}.get(tag & 7) or varint()
        yield tag >> 3, message[position : position + size]
        position += size


def signatures(meta_graph):
    """Returns {signature: ({input: name in the graph}, {output: name in the graph})} of
    a MetaGraphDef."""
    ends_of = {}
    for number, entry in fields(meta_graph):
        if number != 5:  # MetaGraphDef.signature_def
            continue
        entry = dict(fields(entry))
        if not dict(fields(entry[2])).get(3):  # method_name: initialisation has none
            continue
        ends = {1: {}, 2: {}}  # SignatureDef.inputs, .outputs
        for side, pair in fields(entry[2]):
            if side in ends:
                pair = dict(fields(pair))
                name = dict(fields(pair[2])).get(1, b"")  # TensorInfo.name
                ends[side][pair[1].decode()] = name.decode()
        ends_of[entry[1].decode()] = ends[1], ends[2]
    return ends_of


def main():
    folder, cases = pickle.load(sys.stdin.buffer)
    runtime, start = Runtime(), time.perf_counter()
    session, graph, known = runtime.load(folder)
    seconds, answers, times = time.perf_counter() - start, [], []
    for signature, arrays in cases:
        start = time.perf_counter()
        try:
            answers.append(runtime.run(session, graph, known[signature], arrays))
        except RuntimeError as error:
            answers.append(str(error))
        times.append(time.perf_counter() - start)
    assert not {"tensorflow", "keras", "zoo"} & set(sys.modules)
    ends = {name: tuple(map(sorted, pair)) for name, pair in known.items()}
    pickle.dump((ends, answers, seconds, times), sys.stdout.buffer)


if __name__ == "__main__":
    main()
