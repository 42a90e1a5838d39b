"""The backend functions on TensorFlow; their contract stands in `zoo/backend`."""

import contextlib
import functools

import keras
import tensorflow as tf
from tensorflow.compiler.tf2xla.python import xla  # tf has no such operation

from zoo.backend.shares import by_loss
from zoo.backend.tensorflow_workers import (  # noqa: F401
    WORKER_ERRORS,
    distributed,
    from_chief,
    gathered,
    has_workers,
    multi_worker,
)

LOOPS_OVER_STEPS = True
HAS_TF_DATA = True


def gradients(model, objective):
    replicas = tf.distribute.get_strategy().num_replicas_in_sync
    with tf.GradientTape(persistent=True) as tape:
        losses, terms = objective()
        # Keras' optimizers sum gradients over replicas: hand each a share of the mean.
        shares = [(loss / replicas, names) for loss, names in by_loss(losses)]
    of_networks = {}
    for share, names in shares:
        variables = {name: _values(model.network(name)) for name in names}
        of_networks.update(tape.gradient(share, variables))
    return {name: of_networks[name] for name in losses}, terms


def _values(network):
    return [variable.value for variable in network.trainable_variables]


def no_gradients():
    return contextlib.nullcontext()  # nothing records outside of a tape


def after(model, done, tensors):
    done = [x for x in tf.nest.flatten(done) if x is not None]
    flat = tf.nest.flatten(tensors)
    if done and model.jit_compile and not tf.executing_eagerly():
        # XLA goes by what data depend on, and by nothing else.
        flat = xla.optimization_barrier(*flat, *done)[: len(flat)]
    else:
        with tf.control_dependencies(done):
            flat = [tf.identity(x) for x in flat]
    return tf.nest.pack_sequence_as(tensors, flat)


# AdamW decays the weights before its step, which is Adam's.
_ADAMS = (keras.optimizers.Adam, keras.optimizers.AdamW)


def fused(optimizer):
    if type(optimizer) in _ADAMS and not optimizer.amsgrad:
        optimizer.update_step = functools.partial(_adam_step, optimizer)
        optimizer._backend_update_step = functools.partial(
            _adam_steps, optimizer, optimizer._backend_update_step
        )
    if _clips(optimizer):
        optimizer._clip_gradients = functools.partial(
            _clip_after_reduction, optimizer._clip_gradients
        )
    optimizer._all_reduce_sum_gradients = functools.partial(
        _sums_over_replicas, optimizer._all_reduce_sum_gradients
    )
    return optimizer


def _sums_over_replicas(reduce, gradients_and_variables):
    """What `reduce` returns where there are several replicas: TensorFlow registers a
    gradient of each such sum for good, and by it keeps the graph of the model."""
    if num_replicas() == 1:
        return gradients_and_variables
    return reduce(gradients_and_variables)


def _clips(optimizer):
    bounds = (optimizer.clipnorm, optimizer.global_clipnorm, optimizer.clipvalue)
    return any(bound is not None for bound in bounds)


def _clip_after_reduction(clip, gradients):
    """Clips the gradient of the global batch: Keras clips each replica's share of it,
    and sums then."""
    # As tensors: the gradient of an embedding comes as a list of rows, of which some
    # are of one place, and Keras would take another norm than that of their sums.
    gradients = [tf.convert_to_tensor(gradient) for gradient in gradients]
    replicas = num_replicas()
    if replicas > 1:
        context = tf.distribute.get_replica_context()
        gradients = context.all_reduce(tf.distribute.ReduceOp.SUM, gradients)
    return [gradient / replicas for gradient in clip(gradients)]


def _adam_steps(optimizer, update, gradients, variables, learning_rate):
    """Steps of all variables, which share their numbers: Keras makes five operations
    anew for each variable."""

    def number(x):  # a rate may be given as an int
        return tf.cast(x, tf.float32)

    step = number(optimizer.iterations + 1)
    beta_1, beta_2 = number(optimizer.beta_1), number(optimizer.beta_2)
    numbers = {
        "lr": learning_rate,
        "beta1": beta_1,
        "beta2": beta_2,
        "beta1_power": beta_1**step,
        "beta2_power": beta_2**step,
        "epsilon": number(optimizer.epsilon),
    }
    update(gradients, variables, numbers)


def _adam_step(optimizer, gradient, variable, numbers):
    """`Adam.update_step` in one kernel: Keras' operations walk through memory ten
    times, which takes longer than some networks' gradients."""
    index = optimizer._get_variable_index(variable)
    m, v = optimizer._momentums[index].value, optimizer._velocities[index].value
    tf.raw_ops.ResourceApplyAdam(
        var=variable.handle,
        m=m.handle,
        v=v.handle,
        grad=tf.cast(tf.convert_to_tensor(gradient), variable.dtype),
        **{name: tf.cast(x, variable.dtype) for name, x in numbers.items()},
    )


def input_gradient(function, x):
    with tf.GradientTape() as tape:
        tape.watch(x)
        total = tf.reduce_sum(function(x))
    return tape.gradient(total, x)


def sum_of_squares(tensors):
    return 2 * tf.add_n([tf.nn.l2_loss(x) for x in tensors])


def _rows(draw, seed, rows, shape):
    """Draws for the global batch, so that a row's noise is the same on any number of
    replicas (`keras.random` would repeat one draw on each), and returns our rows."""
    key = tf.cast(seed.next(), tf.int32)
    context = tf.distribute.get_replica_context()
    replicas = context.num_replicas_in_sync if context else 1
    if replicas == 1:
        return draw([rows, *shape], key)
    first = context.replica_id_in_sync_group * rows
    return draw([rows * replicas, *shape], key)[first : first + rows]


def normal(seed, rows, shape):
    return _rows(tf.random.stateless_normal, seed, rows, shape)


def uniform(seed, rows, shape):
    return _rows(tf.random.stateless_uniform, seed, rows, shape)


def integers(seed, rows, shape, low, high):
    def draw(full_shape, key):
        return tf.random.stateless_uniform(full_shape, key, low, high, tf.int32)

    return _rows(draw, seed, rows, shape)


def all_rows(x):
    context = tf.distribute.get_replica_context()
    if context is None or context.num_replicas_in_sync == 1:
        return x
    return context.all_gather(x, axis=0)


def tensor(array):
    return tf.convert_to_tensor(array)


def normal_of_seeds(seeds, shape, step=0):
    def row(key):
        return tf.random.stateless_normal(shape, key)

    seeds = tf.cast(seeds, tf.int64)
    # The key has two words of 64 bits: the seed's halves, and above the lower the step.
    low = seeds % 2**32 + tf.cast(step, tf.int64) * 2**32
    keys = tf.stack([seeds // 2**32, low], axis=-1)
    return tf.map_fn(row, keys, fn_output_signature=tf.float32)


def batch_norm(x, gamma, beta, epsilon):
    y, mean, variance, *_ = tf.raw_ops.FusedBatchNormV3(
        x=x, scale=gamma, offset=beta, mean=[], variance=[], epsilon=epsilon
    )
    # The kernel divides the squares by n - 1, as an unbiased estimate does; we by n.
    n = tf.cast(tf.reduce_prod(tf.shape(x)[:3]), "float32")
    return y, mean, variance * ((n - 1.0) / n)


def group_norm(x, gamma, beta, groups, epsilon, activation=None):
    _, height, width, channels = keras.ops.shape(x)  # numbers, where they are known
    means, sums = (
        functools.partial(reduce, axis=(1, 2), keepdims=True)
        for reduce in (tf.reduce_mean, tf.reduce_sum)
    )

    def by_group(of_channels):  # [B, 1, 1, C]: the mean of a channel's group
        mean = tf.reshape(of_channels, (-1, groups, channels // groups))
        mean = tf.reduce_mean(mean, axis=-1, keepdims=True)
        mean = tf.tile(mean, (1, 1, channels // groups))
        return tf.reshape(mean, (-1, 1, 1, channels))

    @tf.custom_gradient  # with two thirds of the passes over memory
    def normalized(x, gamma, beta):
        mean = by_group(means(x))
        square = tf.math.squared_difference(x, mean)
        variance = by_group(means(square))
        rate = tf.math.rsqrt(variance + epsilon)
        factor = rate * gamma
        y = x * factor + (beta - mean * factor)

        def gradient(dy):
            if activation:
                share = tf.sigmoid(y)
                dy = dy * (share + tf.raw_ops.SigmoidGrad(y=share, dy=y))
            by_shift = sums(dy)
            by_factor = (sums(dy * x) - mean * by_shift) * rate
            count = tf.cast(height * width, x.dtype)
            slope = rate**2 * by_group(gamma * by_factor) / count
            level = rate * by_group(gamma * by_shift) / count
            dx = dy * factor - x * slope
            dx = dx + (mean * slope - level)
            of_all = [dx, *(tf.reduce_sum(d, (0, 1, 2)) for d in (by_factor, by_shift))]
            # What is reused from the forward pass hides its own dependence on x.
            return [
                _final(each, "group_norm has no second derivative.") for each in of_all
            ]

        return tf.nn.silu(y) if activation else y, gradient

    return normalized(x, tf.convert_to_tensor(gamma), tf.convert_to_tensor(beta))


def _final(tensor, message):
    """`tensor`; who asks for its gradient gets the `message` as a LookupError."""
    return tf.raw_ops.PreventGradient(input=tensor, message=message)


def kernel(weights):
    return weights


def is_symbolic(x):
    return isinstance(x, keras.KerasTensor) or tf.is_symbolic_tensor(x)


def compiled(function, variables=()):
    graphs = {}

    def call(*rows):
        # One graph for any number of rows: under a graph of its own, another number
        # would be rounded in another way.
        spec = tuple(tf.TensorSpec([None, *x.shape[1:]], x.dtype) for x in rows)
        if spec not in graphs:
            graphs[spec] = tf.function(function, spec, autograph=False)
        return graphs[spec](*rows)

    return call


def stateless(step):
    """TensorFlow's trainer calls `step(self, data)` as it is written. Under several
    workers it takes the mean of what the step returns over an axis that a scalar has
    not, and stops ("Invalid reduction dimension 0", tensorflow/tensorflow#72388)."""

    @functools.wraps(step)
    def wrapped(self, data):
        result = step(self, data)
        if not has_workers(tf.distribute.get_strategy()):
            return result
        return tf.nest.map_structure(
            lambda x: tf.reshape(x, [1]) if x.shape.rank == 0 else x, result
        )

    return wrapped


def sync(model):
    pass  # steps assign to the variables themselves


def scope(model):
    return model.distribute_strategy.scope()


def num_accelerators():
    return len(tf.config.list_logical_devices("GPU"))


def num_replicas():
    return tf.distribute.get_strategy().num_replicas_in_sync


def num_devices(strategy):
    return strategy.num_replicas_in_sync


def mirrored():
    return tf.distribute.MirroredStrategy()


def limit_threads(count):
    tf.config.threading.set_intra_op_parallelism_threads(count)
    tf.config.threading.set_inter_op_parallelism_threads(count)
