"""What differs between Keras backends; nothing else in the zoo asks which one runs.

| function | what it does |
|---|---|
| `update(model, objective)` | runs `objective` once, takes the gradient of each network's loss by that network's variables only, hands them to `model.apply_gradients`; returns the terms |
| `input_gradient(function, x)` | gradient of sum(function(x)) by `x`, itself differentiable |
| `normal(seed, rows, shape)` | this replica's `[rows, *shape]` of the global batch's standard normal draw; `uniform` on [0, 1) and `integers(seed, rows, shape, low, high)` alike |
| `normal_of_seeds(seeds, shape, step=0)` | `[len(seeds), *shape]`, standard normal; row i depends on `seeds[i]` and `step` (an int below 2^31, or a tensor) alone |
| `batch_norm(x, gamma, beta, epsilon)` | `x` `[B, H, W, C]` normalised over all but C, its mean and its variance (divided by n) |
| `is_symbolic(x)` | whether `x` stands for values that a graph is yet to bring |
| `compiled(function)` | `function` of tensors `[rows, ...]` as one compiled graph, whatever the number of rows |
| `stateless(step)` | `step(self, data)` in the form that the backend's trainer calls |

`seed` is a `keras.random.SeedGenerator`; a call takes one seed from it. A seventh,
`scope(model)`, is the context in which the model's variables have to be created.
"""  # noqa: E501

import importlib

import keras

_NAMES = (
    "update",
    "input_gradient",
    "normal",
    "uniform",
    "integers",
    "normal_of_seeds",
    "batch_norm",
    "is_symbolic",
    "compiled",
    "stateless",
    "scope",
)
_backend = keras.backend.backend()
if _backend != "tensorflow":
    raise ImportError(
        "zoo runs on Keras' tensorflow backend so far; set KERAS_BACKEND=tensorflow. "
        f"Received: KERAS_BACKEND={_backend}."
    )
_module = importlib.import_module(f"{__name__}.{_backend}")
globals().update({name: getattr(_module, name) for name in _NAMES})

__all__ = list(_NAMES)
