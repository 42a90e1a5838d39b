"""The JSON of the documented protocol: requests become arrays, arrays become replies.

https://www.tensorflow.org/tfx/serving/api_rest
"""

import base64
import json
import reprlib
from typing import NamedTuple

import numpy as np

from zoo.serving.server.refusals import Refusal

REPLIES = {"instances": "predictions", "inputs": "outputs"}  # {a request's: a reply's}
KINDS = {"f": {int, float}, "i": {int}, "u": {int}, "b": {bool}}  # {of NumPy: of JSON}


class Question(NamedTuple):
    """What a request holds.

    Attributes:
        signature: The name; "" for the default one.
        form: "instances", which are rows, or "inputs", which are columns.
        values: As JSON has them.
    """

    signature: str
    form: str
    values: object


def read(content):
    """Returns the `Question` that the bytes `content` hold.

    Raises: Refusal: 400, if they hold none.
    """
    try:
        plain = json.loads(content)
    except (ValueError, RecursionError) as error:
        raise Refusal(
            400, f"A request is JSON ({error}). Received: {len(content)} bytes."
        ) from None
    forms = [form for form in REPLIES if isinstance(plain, dict) and form in plain]
    if len(forms) != 1:
        raise _wrong(
            "A request is an object with either 'inputs' or 'instances'", plain
        )
    signature = plain.get("signature_name", "")
    if not isinstance(signature, str):
        raise _wrong("signature_name is a string", signature)
    return Question(signature, forms[0], plain[forms[0]])


def arrays(question, takes, most):
    """Returns {input: array} of a `Question`.

    Args:
        takes: {input: (dtype name, shape)} of its signature, whose graph checks shapes.
        most: Rows of a request.
    Raises: Refusal: 400, for other inputs, more rows, and for values that are no such
        numbers or strings.
    """
    values = question.values
    if question.form == "instances":
        values = _columns(values, takes)
    elif not _has_names(values):
        values = _only(values, takes)
    if set(values) != set(takes):
        raise _wrong(f"The inputs are {_names(takes)}", ", ".join(values))
    for column in values.values():
        if isinstance(column, list) and len(column) > most:
            raise Refusal(
                400, f"A request has at most {most} rows. Received: {len(column)}."
            )
    return {name: _array(name, values[name], takes[name][0]) for name in takes}


def reply(form, outputs):
    """Returns the bytes that answer a request of the `form` by {output: array}, all
    with the same rows."""
    values = {name: _plain(name, value) for name, value in outputs.items()}
    if len(values) == 1:  # its name is left out
        (values,) = values.values()
    elif form == "instances":
        values = [dict(zip(values, row)) for row in zip(*values.values())]
    return json.dumps({REPLIES[form]: values}).encode()


def _columns(rows, takes):
    """Returns {input: its values of all `rows`}."""
    if not isinstance(rows, list) or not rows:
        raise _wrong("instances is a list of at least one row", rows)
    named = [_has_names(row) for row in rows]
    if not any(named):
        return _only(rows, takes)
    for row, has_names in zip(rows, named):
        if not has_names or set(row) != set(takes):
            raise _wrong(f"Each of instances is an object of {_names(takes)}", row)
    return {name: [row[name] for row in rows] for name in takes}


def _only(values, takes):
    """Returns {input: values} of the only input, whose name a request may leave out."""
    if len(takes) > 1:
        raise _wrong(f"The inputs are named: {_names(takes)}", values)
    return dict.fromkeys(takes, values)


def _has_names(value):
    return isinstance(value, dict) and not _is_file(value)


def _is_file(value):
    """Whether a value of JSON stands for bytes."""
    return (
        isinstance(value, dict)
        and list(value) == ["b64"]
        and isinstance(value["b64"], str)
    )


def _array(name, values, dtype):
    """Returns JSON's numbers or strings, nested in lists, as an array of `dtype`."""
    must = f"{name} is {dtype}, in lists of equal lengths"
    try:
        leaves = np.array(values, object)  # lists of other lengths stay lists
        if dtype == "string":
            return np.vectorize(_bytes, otypes=[object])(leaves)
        if not set(map(type, leaves.ravel())) <= KINDS[np.dtype(dtype).kind]:
            raise TypeError
        with np.errstate(over="ignore"):  # infinity, which the graph refuses
            return leaves.astype(dtype)
    except (TypeError, ValueError, OverflowError):
        raise _wrong(must, values) from None


def _bytes(leaf):
    """Returns the bytes of a string, or of base64; raises TypeError or ValueError."""
    if isinstance(leaf, str):
        return leaf.encode()
    if not _is_file(leaf):
        raise TypeError
    text = leaf["b64"]
    return base64.b64decode(text + "=" * (-len(text) % 4), validate=True)


def _plain(name, values):
    if values.dtype == object:
        return [_text(name, value) for value in values]
    if values.dtype.kind == "f":
        # The shortest digits that are the same float32: half as many bytes.
        values = values.astype(str).astype(float)
    return values.tolist()


def _text(name, value):
    """Strings are base64 where the output's name says that they are bytes."""
    if name.endswith("_bytes"):
        return {"b64": base64.b64encode(value).decode()}
    return value.decode(errors="replace")


def _names(takes):
    return ", ".join(takes)


def _wrong(must, value):
    return Refusal(400, f"{must}. Received: {reprlib.repr(value)}.")
