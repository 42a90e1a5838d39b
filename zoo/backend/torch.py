"""The backend functions on PyTorch; their contract stands in `zoo/backend`."""

import contextlib
import math

import keras
import torch

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
    losses, terms = objective()
    of_networks = {}
    for loss, names in by_loss(losses):
        owners = [(n, v) for n in names for v in model.network(n).trainable_variables]
        values = [v.value for _, v in owners]
        slopes = torch.autograd.grad(
            loss, values, retain_graph=True, materialize_grads=True
        )
        for (name, _), gradient in zip(owners, slopes):
            of_networks.setdefault(name, []).append(gradient)
    return of_networks, {name: term.detach() for name, term in terms.items()}


def no_gradients():
    return torch.no_grad()


def after(model, done, tensors):
    return tensors  # PyTorch computes as it goes


def fused(optimizer):
    return optimizer  # Keras has PyTorch do it


def input_gradient(function, x):
    with torch.enable_grad():  # a test step runs without
        x = x if x.requires_grad else x.detach().requires_grad_()
        return torch.autograd.grad(function(x).sum(), x, create_graph=True)[0]


def sum_of_squares(tensors):
    return sum(torch.dot(x.flatten(), x.flatten()) for x in tensors)


# --- random numbers -------------------------------------------------------------------
# PyTorch's generators take one seed, read on the host, for a whole tensor; on a CPU 32
# bits of it. So the numbers are made from keys here, row by row, on any device alike.

WORD = 0xFFFFFFFF


def _philox(counter, key):
    """Returns four random words of 32 bits of a counter of four and a key of two; words
    are int64 tensors or numbers.

    Source: Salmon et al. 2011, doi:10.1145/2063384.2063405, Philox 4x32 of 10 rounds.
    """
    (a, b, c, d), (low, high) = counter, key
    for _ in range(10):
        p, q = a * 0xD2511F53, c * 0xCD9E8D57
        a, b = (q >> 32 & WORD) ^ b ^ low, q & WORD
        c, d = (p >> 32 & WORD) ^ d ^ high, p & WORD
        low, high = low + 0x9E3779B9 & WORD, high + 0xBB67AE85 & WORD
    return a, b, c, d


def _words(key, rows, shape, step=0):
    """Returns random words `[B, *shape]`, int64.

    Args:
        key: Two words, int64 `[B]` or `[]`.
        rows: int64 `[B]`, numbers that tell rows of one key apart.
    """
    size = math.prod(shape)
    block = torch.arange(-(-size // 4), device=rows.device)
    key = [k[..., None] & WORD for k in key]
    words = _philox((block, rows[:, None], step, 0 * block), key)
    return torch.stack(words, dim=-1).flatten(1)[:, :size].reshape(-1, *shape)


def _drawn(seed, rows, shape):
    first, second = seed.next().long()
    return _words((first, second), torch.arange(rows, device=first.device), shape)


def _normal_of(words):
    """Returns standard normal float32 numbers by the inverse of their distribution."""
    u = ((words >> 9) + 0.5) * 2.0**-23  # in (0, 1), and exact
    return math.sqrt(2) * torch.erfinv(2.0 * u - 1.0)


def normal(seed, rows, shape):
    return _normal_of(_drawn(seed, rows, shape))


def uniform(seed, rows, shape):
    return (_drawn(seed, rows, shape) >> 8) * 2.0**-24


def integers(seed, rows, shape, low, high):
    return (low + (_drawn(seed, rows, shape) * (high - low) >> 32)).int()


def tensor(array):
    return keras.ops.convert_to_tensor(array)


def normal_of_seeds(seeds, shape, step=0):
    seeds = tensor(seeds).long()
    words = _words((seeds, seeds >> 32), torch.zeros_like(seeds), shape, step)
    return _normal_of(words)


# --- layers and graphs ----------------------------------------------------------------


def batch_norm(x, gamma, beta, epsilon):
    gamma, beta = (tensor(v) for v in (gamma, beta))
    y, mean, factor = torch.native_batch_norm(
        x.permute(0, 3, 1, 2), gamma, beta, None, None, True, 0.0, epsilon
    )
    return y.permute(0, 2, 3, 1), mean, factor**-2 - epsilon


def group_norm(x, gamma, beta, groups, epsilon, activation=None):
    gamma, beta = (tensor(v) for v in (gamma, beta))
    y = torch.nn.functional.group_norm(
        x.permute(0, 3, 1, 2), groups, gamma, beta, epsilon
    )
    y = y.permute(0, 2, 3, 1)
    return keras.ops.silu(y) if activation else y


def kernel(weights):
    if min(weights.shape[2:]) > 1:
        return weights
    # Of one small image, PyTorch takes a way that wants its weights side by side.
    return tensor(weights).permute(3, 2, 0, 1).contiguous().permute(2, 3, 1, 0)


def is_symbolic(x):
    return isinstance(x, keras.KerasTensor) or (torch.is_tensor(x) and x.is_meta)


def compiled(function, variables=()):
    return torch.no_grad()(function)  # it computes as it goes


def stateless(step):
    return step  # PyTorch's trainer calls `train_step(data)` as it is written


def sync(model):
    pass  # steps assign to the variables themselves


def scope(model):
    return contextlib.nullcontext()


def num_accelerators():
    return min(torch.cuda.device_count(), 1)  # Keras trains on one


def num_devices(strategy):
    return 1


def mirrored():
    raise ValueError(
        "Several devices need Keras' tensorflow or jax backend. "
        "Received: KERAS_BACKEND=torch."
    )


def limit_threads(count):
    torch.set_num_threads(count)
