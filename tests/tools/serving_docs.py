"""Writes the part of docs/serving.md on signatures, from those of real models.

PYTHONPATH=.:tests python tests/tools/serving_docs.py
"""

import json
import pathlib

import tiny

from zoo.serving import signatures

PAGE = pathlib.Path(__file__).parents[2] / "docs" / "serving.md"
START, END = "<!-- signatures -->\n", "<!-- end of signatures -->\n"
SHAPE = (28, 28, 1)
SIZES = {"latent_dim": 32, "num_classes": 10}  # sizes of real models
KINDS = {"string": "<base64 of a file>", "float32": 0.5, "uint8": 128}


def models():
    """Returns {name: model}, small except in the sizes that signatures show."""
    models_of_tests = {}
    for name in tiny.names_of_images():
        taken = tiny.CONFIGS[name]
        sizes = {key: value for key, value in SIZES.items() if key in taken}
        models_of_tests[name] = tiny.model(name, SHAPE, **sizes)
    return models_of_tests


def collected():
    """Returns {signature: ({input: `Input`}, {output: TensorSpec}, names of models)}.
    Inputs and outputs are those of the first model that takes the most inputs."""
    rows = {}
    for name, model in models().items():
        for key, each in signatures.of(model).items():
            takes, answer, having = rows.get(key, ({}, None, []))
            if len(each.takes) > len(takes):
                takes, answer = each.takes, each.concrete().structured_outputs
            rows[key] = takes, answer, [*having, name]
    return rows


def page_part():
    """Returns the text between the marks."""
    rows = dict(sorted(collected().items()))
    lines = ["| signature | takes | returns | of |", "|---|---|---|---|"]
    for name, (takes, answer, having) in rows.items():
        inputs = "; ".join(f"`{key}` {each}" for key, each in takes.items())
        outputs = "; ".join(f"`{key}` {_told(each)}" for key, each in answer.items())
        lines.append(f"| `{name}` | {inputs} | {outputs} | {', '.join(having)} |")
    for name, (takes, answer, _) in rows.items():
        asked = {
            "signature_name": name,
            "inputs": {key: _example(each.spec()) for key, each in takes.items()},
        }
        values = {key: _example(each) for key, each in answer.items()}
        # TF Serving does not name a single output.
        reply = {"outputs": values if len(values) > 1 else next(iter(values.values()))}
        lines += ["", f"`{name}`:", "", "```json"]
        lines += [json.dumps(asked), json.dumps(reply), "```"]
    return "\n".join(lines) + "\n"


def _told(spec):
    sizes = ["N", *map(str, spec.shape.as_list()[1:])]
    return f"{spec.dtype.name} [{', '.join(sizes)}]"


def _example(spec):
    """Returns one row of a tensor as JSON; "..." stands for more of the same."""
    dtype = spec.dtype.name
    value = {"b64": KINDS[dtype]} if dtype == "string" else KINDS.get(dtype, 3)
    for size in reversed(spec.shape.as_list()[1:]):
        value = [value] if size == 1 else [value, "..."]
    return [value]


def main():
    before, _, rest = PAGE.read_text().partition(START)
    _, _, after = rest.partition(END)
    PAGE.write_text(f"{before}{START}\n{page_part()}\n{END}{after}")


if __name__ == "__main__":
    main()
