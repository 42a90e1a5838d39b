"""The backend functions on JAX; their contract stands in `zoo/backend`.

JAX knows only pure functions. Keras bridges the gap by `keras.StatelessScope`: within
it variables have the values that they are given, and what is assigned to them is noted
rather than done.
"""

import contextlib
import functools
import os

import jax
import jax.numpy as jnp
import keras
import numpy as np

from zoo.backend.alone import (  # noqa: F401
    WORKER_ERRORS,
    all_rows,
    distributed,
    from_chief,
    gathered,
    multi_worker,
    num_replicas,
)
from zoo.backend.shares import by_loss

LOOPS_OVER_STEPS = False
HAS_TF_DATA = False


def gradients(model, objective):
    networks = {name: model.network(name) for name in model.networks}
    owners = [(n, v) for n in networks for v in networks[n].trainable_variables]
    trained = [v for _, v in owners]
    others = model.non_trainable_variables + model.metrics_variables
    others += model.optimizer.variables  # an objective may read the count of steps
    fixed = [v.value for v in others]
    movers = []  # for each loss, the networks that descend it

    def forward(values):
        mapping = [*zip(trained, values), *zip(others, fixed)]
        with keras.StatelessScope(mapping) as scope:
            losses, terms = objective()
        shares = by_loss(losses)
        movers.extend(names for _, names in shares)
        now = [scope.get_current_value(v) for v in others]
        changed = {i: x for i, x in enumerate(now) if x is not fixed[i]}
        return [loss for loss, _ in shares], (terms, changed)

    losses, pull_back, (terms, changed) = jax.vjp(
        forward, [v.value for v in trained], has_aux=True
    )
    for index, value in changed.items():  # batch statistics, the state of noise
        others[index].assign(value)
    of_networks = {}
    for i, names in enumerate(movers):
        one_hot = [jnp.full_like(loss, i == j) for j, loss in enumerate(losses)]
        (pulled,) = pull_back(one_hot)
        for (name, _), gradient in zip(owners, pulled):
            if name in names:
                of_networks.setdefault(name, []).append(gradient)
    return of_networks, terms


def no_gradients():
    return contextlib.nullcontext()  # they are asked for, not recorded


def after(model, done, tensors):
    return jax.lax.optimization_barrier((tensors, done))[0]


def fused(optimizer):
    return optimizer  # XLA fuses it


def input_gradient(function, x):
    return jax.grad(lambda x: jnp.sum(function(x)))(x)


def sum_of_squares(tensors):
    return sum(jnp.sum(jnp.square(x)) for x in tensors)  # XLA fuses them


# A compiled step sees the global batch, whatever the number of devices: Keras' own
# functions draw for all of its rows.


def normal(seed, rows, shape):
    return keras.random.normal((rows, *shape), seed=seed)


def uniform(seed, rows, shape):
    return keras.random.uniform((rows, *shape), seed=seed)


def integers(seed, rows, shape, low, high):
    return keras.random.randint((rows, *shape), low, high, seed=seed)


def tensor(array):
    # Without a flag set at its start, JAX has no 64 bits: an int64 becomes two words.
    if array.dtype == np.int64:
        array = np.stack([array & 0xFFFFFFFF, array >> 32], axis=-1).astype("uint32")
    return jnp.asarray(array)


def normal_of_seeds(seeds, shape, step=0):
    def row(words):
        key = jax.random.fold_in(jax.random.wrap_key_data(words), step)
        return jax.random.normal(key, shape, "float32")

    words = tensor(seeds) if isinstance(seeds, np.ndarray) else seeds
    return jax.vmap(row)(words)


def batch_norm(x, gamma, beta, epsilon):
    gamma, beta = (keras.ops.convert_to_tensor(v) for v in (gamma, beta))
    mean, variance = jnp.mean(x, (0, 1, 2)), jnp.var(x, (0, 1, 2))
    y = (x - mean) * (gamma * jax.lax.rsqrt(variance + epsilon)) + beta
    return y, mean, variance


def group_norm(x, gamma, beta, groups, epsilon, activation=None):
    gamma, beta = (keras.ops.convert_to_tensor(v) for v in (gamma, beta))
    parts = x.reshape(*x.shape[:3], groups, -1)
    mean = jnp.mean(parts, (1, 2, 4), keepdims=True)
    variance = jnp.var(parts, (1, 2, 4), keepdims=True)
    parts = (parts - mean) * jax.lax.rsqrt(variance + epsilon)
    y = parts.reshape(x.shape) * gamma + beta
    return keras.ops.silu(y) if activation else y


def kernel(weights):
    return weights


def is_symbolic(x):
    return isinstance(x, (keras.KerasTensor, jax.core.Tracer))


def compiled(function, variables=()):
    @jax.jit
    def graph(values, *rows):
        # As arguments: what a graph finds in a variable would be a constant to it.
        with keras.StatelessScope(list(zip(variables, values))):
            return function(*rows)

    return lambda *rows: graph([v.value for v in variables], *rows)


def stateless(step):
    """Keras' JAX trainer calls `step(self, state, data)`, the values of all variables
    in groups, and wants the new ones back; `super()` calls within come without."""

    @functools.wraps(step)
    def wrapped(self, *args):
        if len(args) == 1:
            return step(self, *args)
        state, data = args
        groups = [self.trainable_variables, self.non_trainable_variables]
        if len(state) == 4:  # of a training step
            groups.append(self.optimizer.variables)
        if len(state) > 2:  # not of a prediction
            groups.append(self.metrics_variables)
        mapping = [pair for group in zip(groups, state) for pair in zip(*group)]
        with keras.StatelessScope(mapping) as scope:
            # Without a graph the trainer hands on NumPy, which layers do not mix.
            result = step(self, jax.tree.map(jnp.asarray, data))
        now = [[scope.get_current_value(v) for v in group] for group in groups]
        return result, tuple(now) if len(state) > 2 else now[1]

    return wrapped


def sync(model):
    model.jax_state_sync()


def scope(model):
    return contextlib.nullcontext()


def num_accelerators():
    return jax.local_device_count("gpu") if jax.default_backend() == "gpu" else 0


def mirrored():
    everywhere = keras.distribution.DataParallel(auto_shard_dataset=False)
    keras.distribution.set_distribution(everywhere)  # `fit` looks for it here
    return everywhere


def num_devices(strategy):
    return strategy.device_mesh.devices.size


def limit_threads(count):
    # XLA has as many threads as the process has cores.
    if hasattr(os, "sched_setaffinity"):  # Linux
        os.sched_setaffinity(0, sorted(os.sched_getaffinity(0))[:count])
