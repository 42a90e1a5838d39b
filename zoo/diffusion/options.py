"""The options that all calls share which sample from noise: said once, here."""

import dataclasses
import inspect


@dataclasses.dataclass(frozen=True)
class Options:
    """How a call samples. What is None is as the model's settings say.

    Attributes:
        sampler: Name of the sampler.
        steps: How many it takes down the whole ladder of noise.
        guidance: At least 0; in a graph, a tensor `[B]`.
        eta, variance: Of the samplers `ddim` and `ddpm`, as `zoo.diffusion` has them.
    """

    sampler: str | None = None
    steps: int | None = None
    guidance: float | None = None
    eta: float | None = None
    variance: str | None = None

    @property
    def own(self):
        """{name: value} of those that belong to one sampler, as far as a call has
        chosen them."""
        chosen = {"eta": self.eta, "variance": self.variance}
        return {name: value for name, value in chosen.items() if value is not None}


def with_options(method):
    """Returns `method`, whose signature has the names of `Options` in the place of
    `**options`: the checks of what users pass, the export and the pages read it."""
    signature = inspect.signature(method)
    *parameters, _ = signature.parameters.values()
    options = inspect.signature(Options).parameters.values()
    options = [each.replace(kind=each.KEYWORD_ONLY) for each in options]
    # A stable sort: keyword-only ones, such as these, come last.
    ordered = sorted([*options, *parameters], key=lambda each: each.kind)
    method.__signature__ = signature.replace(parameters=ordered)
    return method
