"""What differs between Keras backends; nothing else in the zoo asks which one runs.

| function | what it does |
|---|---|
| `gradients(model, objective)` | runs `objective` once; returns the gradient of each network's loss by that network's variables only, {network: tensors}, and the terms |
| `no_gradients()` | the context in which weights are moved |
| `after(model, done, tensors)` | `tensors`, which are not to be had before the gradients `done` are computed |
| `fused(optimizer)` | a Keras optimizer, its rule as one operation a variable where the backend has one; it clips the sum of all replicas' gradients |
| `input_gradient(function, x)` | gradient of sum(function(x)) by `x`, itself differentiable; `function` keeps no statistics of `x` |
| `sum_of_squares(tensors)` | of all values of float tensors, at least one, in one pass and without a copy |
| `normal(seed, rows, shape)` | this replica's `[rows, *shape]` of the global batch's standard normal draw; `uniform` on [0, 1) and `integers(seed, rows, shape, low, high)` alike |
| `all_rows(x)` | the rows `[B, ...]` of the global batch, of which `x` are this replica's |
| `normal_of_seeds(seeds, shape, step=0)` | `[len(seeds), *shape]`, standard normal; row i depends on `seeds[i]` and `step` (an int below 2^31, or a tensor) alone |
| `batch_norm(x, gamma, beta, epsilon)` | `x` `[B, H, W, C]` normalised over all but C, its mean and its variance (divided by n) |
| `group_norm(x, gamma, beta, groups, epsilon, activation)` | `x` `[B, H, W, C]` normalised over pixels and the channels of each of `groups`; with "silu" times its sigmoid; TensorFlow's has no second derivative |
| `kernel(weights)` | the weights `[h, w, c, units]` of a convolution, laid out so that it can be differentiated: PyTorch cannot for one image and a small kernel from or to one channel |
| `is_symbolic(x)` | whether `x` stands for values that a graph is yet to bring |
| `tensor(array)` | a NumPy array as a tensor; int64 seeds keep their bits, in a form that only `normal_of_seeds` need know |
| `compiled(function, variables)` | `function` of tensors `[rows, ...]`, which reads `variables`, as one compiled graph without gradients; TensorFlow's serves any number of rows, JAX makes one for each |
| `stateless(step)` | `step(self, data)` in the form that the backend's trainer calls |
| `sync(model)` | amid `fit`, has the variables hold what the last step made of them: JAX's trainer keeps it aside |
| `scope(model)` | the context in which the model's variables have to be created |
| `num_accelerators()`, `mirrored()` | GPUs that a model can train on at once; a strategy over all devices, made active, with a `scope()` |
| `num_replicas()` | devices among which a batch is shared out in the strategy's scope that holds here |
| `num_devices(strategy)` | devices among which it shares out a batch, each an equal part |
| `multi_worker()` | a strategy over the workers that `TF_CONFIG` names; waits for them |
| `distributed(model, x, y, batch_size, shuffle)` | (x, y) of global batches, the same on all workers, of as many rows as replicas can share, as Keras' trainer takes them on this one |
| `gathered(strategy, numbers)` | the lists of `numbers`, equally long, of all workers, the chief's first |
| `from_chief(strategy, content)` | the bytes that the chief gives, on all workers |
| `WORKER_ERRORS` | what a step raises if another worker has gone |
| `limit_threads(count)` | computes with so many threads; to be called before anything is computed |
| `LOOPS_OVER_STEPS` | whether Keras' `steps_per_execution` makes one compiled call of several steps |
| `HAS_TF_DATA` | whether batches come as `tf.data`, not as a `keras.utils.PyDataset` |

`seed` is a `keras.random.SeedGenerator`; a call takes one seed from it. Of a batch that
is taken in parts (`parts.py`) `normal`, `uniform` and `integers` draw the part's rows,
whatever `rows` says. Random numbers
differ between backends, and so do roundings; files and the order of the data do not.
"""  # noqa: E501

import importlib

import keras

from zoo.backend.parts import by_part, computing, is_whole, split

_NAMES = (
    "gradients",
    "no_gradients",
    "after",
    "fused",
    "input_gradient",
    "sum_of_squares",
    "normal",
    "uniform",
    "integers",
    "all_rows",
    "normal_of_seeds",
    "batch_norm",
    "group_norm",
    "kernel",
    "is_symbolic",
    "tensor",
    "compiled",
    "stateless",
    "sync",
    "scope",
    "num_accelerators",
    "num_replicas",
    "num_devices",
    "mirrored",
    "multi_worker",
    "distributed",
    "gathered",
    "from_chief",
    "WORKER_ERRORS",
    "limit_threads",
    "LOOPS_OVER_STEPS",
    "HAS_TF_DATA",
)
NAME = keras.backend.backend()
if NAME not in ("tensorflow", "jax", "torch"):
    raise ImportError(
        "zoo runs on Keras' backends tensorflow, jax and torch. "
        f"Received: KERAS_BACKEND={NAME}."
    )
_module = importlib.import_module(f"{__name__}.{NAME}")
globals().update({name: getattr(_module, name) for name in _NAMES})
normal, uniform, integers = map(by_part, (normal, uniform, integers))  # noqa: F821

__all__ = ["NAME", "computing", "is_whole", "split", *_NAMES]
