"""What a model can do: one table, one hook each.

A capability is the overriding of its hook. A room that shows, scores or serves has a
list of its own, (name, needs, function), and `model.can(needs)` alone decides.
"""

import inspect
from collections.abc import Callable, Iterable, Sequence
from typing import Any

import numpy as np
from numpy.typing import ArrayLike

from zoo.core import registry
from zoo.inputs.tensors import Tensor

HOOKS = {  # capability: the method that a model overrides
    "sample": "draw",
    "encode": "to_latent",
    "decode": "to_images",
    "reconstruct": "to_rebuilt",
    "classify": "to_classes",
    "attend": "attention",
    "translate": "to_target",
    "predict_frames": "to_future",
    "between": "to_between",
    "inpaint": "inpaint",
    "vary": "variations",
    "nll": "nll",
    "mix": "mix",
    "project": "project",
    "look": "words",
}
JOINED = {  # what follows from several
    "reconstruct": {"encode", "decode"},
    "interpolate": {"encode", "decode"},
}


class Capable:
    """The part of `ImageModel` that tells what the model can do.

    The hooks are functions of tensors. Rows `[B, ...]` come first, then `ema` (whether
    to use the averaged network), then the model's own options, one value each.
    """

    conditional = False  # whether `draw` takes labels
    makes_sources = False  # whether it makes what it translates from images, itself
    goes_back = False  # whether `to_target` goes back, too
    enlarges = False  # whether `upscale` makes pictures of any size larger

    # --- hooks ------------------------------------------------------------------------

    def draw(
        self, seeds: Tensor, labels: Tensor | None = None, ema: bool = True
    ) -> Tensor:
        """Returns the images `[B, H, W, C]`, or clips `[B, T, H, W, C]`, of int64
        `seeds` `[B]`, row by row.

        A model may take int32 `labels` `[B]`; `captions` and `negative`, int32 tokens
        `[B, L]`; and options. Without labels a conditional model draws them from the
        seeds.
        """
        raise self._undefined("draw")

    def to_latent(self, images: Tensor, seeds: Tensor | None = None) -> Tensor:
        """Returns latents `[B, D]` of float images; of `seeds`, a draw instead of the
        mean."""
        raise self._undefined("to_latent")

    def to_images(self, z: Tensor) -> Tensor:
        """Returns the images `[B, H, W, C]` of latents `[B, D]`."""
        raise self._undefined("to_images")

    def to_rebuilt(self, images: Tensor) -> Tensor:
        """Returns float images `[B, H, W, C]`, or clips, rebuilt, of a model that does
        not do so by one latent a row."""
        raise self._undefined("to_rebuilt")

    def to_classes(self, images: Tensor) -> tuple[Tensor, Tensor]:
        """Returns probabilities `[B, K]` and penultimate features `[B, D]` of float
        images."""
        raise self._undefined("to_classes")

    def to_target(
        self,
        sources: Tensor,
        seeds: Tensor,
        back: bool = False,
        labels: Tensor | None = None,
        ema: bool = True,
    ) -> Tensor:
        """Returns the images `[B, H, W, C]` that float `sources` `[B, h, w, c]` become;
        with `back`, the sources of images."""
        raise self._undefined("to_target")

    def to_source(self, images: Tensor, seeds: Tensor) -> Tensor:
        """Returns the sources `[B, h, w, c]` that a model which `makes_sources` makes
        of float images `[B, H, W, C]` in training."""
        raise self._undefined("to_source")

    def to_future(
        self,
        past: Tensor,
        seeds: Tensor,
        frames: int,
        labels: Tensor | None = None,
        ema: bool = True,
    ) -> Tensor:
        """Returns the `frames` frames `[B, frames, H, W, C]` that follow the float
        frames `past` `[B, t, H, W, C]`."""
        raise self._undefined("to_future")

    def to_between(
        self, first: Tensor, last: Tensor, times: Sequence[float], ema: bool = True
    ) -> Tensor:
        """Returns the images `[B, len(times), H, W, C]` at `times`, numbers in (0, 1)
        or tensors `[B]` of them, on the way between float images `[B, H, W, C]`."""
        raise self._undefined("to_between")

    def inpaint(self, images: ArrayLike, mask: ArrayLike, **options: Any) -> np.ndarray:
        """Returns `images` with the pixels of `mask` made anew."""
        raise self._unable("inpaint")

    def variations(
        self, images: ArrayLike, strength: float = 0.5, **options: Any
    ) -> np.ndarray:
        """Returns images like `images`."""
        raise self._unable("vary")

    def attention(self, images: ArrayLike, rollout: bool = False) -> np.ndarray:
        """Returns where each patch of `images` looked, `[N, layers, heads, T, T]`, or
        `[N, T, T]` through all layers."""
        raise self._unable("attend")

    def words(
        self, prompts: str | Sequence[str], seed: int | None = None, **options: Any
    ) -> np.ndarray:
        """Returns where the samples of `prompts` looked at each token, `[N, L, h,
        w]`."""
        raise self._unable("look")

    def nll(self, images: ArrayLike, **options: Any) -> np.ndarray:
        """Returns -log p(x) `[N]` in `nll_unit`, or a bound of it."""
        raise self._unable("nll")

    def mix(
        self, coarse_seeds: ArrayLike, fine_seeds: ArrayLike, level: int, **options: Any
    ) -> np.ndarray:
        """Returns images of two styles."""
        raise self._unable("mix")

    def project(
        self,
        images: ArrayLike,
        steps: int = 300,
        progress: Callable[[int, float], None] | None = None,
    ) -> np.ndarray:
        """Returns the styles `[N, levels, D]` whose images are most like `images`, by
        `steps` steps along the gradient; `progress` is called after each with its
        number and the mean squared error per pixel."""
        raise self._unable("project")

    def _undefined(self, hook):
        return TypeError(f"{type(self).__name__} does not define {hook}.")

    # --- answers ----------------------------------------------------------------------

    @property
    def is_stochastic(self) -> bool:
        """Whether an encoding is a distribution q(z|x) = N(z_mean, exp(z_logvar)), of
        which the tensor method `posterior` tells."""
        return hasattr(self, "posterior")

    @classmethod
    def capabilities(cls) -> set[str]:
        """Returns what the model can do, e.g. {"sample", "encode", "decode"}."""
        able = {
            capability
            for capability, hook in HOOKS.items()
            if getattr(cls, hook) is not getattr(Capable, hook)
        }
        return able | {name for name, needs in JOINED.items() if needs <= able}

    def traits(self) -> set[str]:
        """Returns what else a need may name: "labels" (samples of a class), "prompts",
        "negative", "posterior" (an encoding is a distribution), "sources" (it makes
        sources of images), "back" (it translates back), "upscale" (it enlarges pictures
        of any size), and the options of `sample`, such as "guidance", "steps" and
        "trajectory"."""
        traits = {"posterior"} if self.is_stochastic else set()
        traits |= {"sources"} if self.makes_sources else set()
        traits |= {"back"} if self.goes_back else set()
        traits |= {"upscale"} if self.enlarges else set()
        if "sample" not in self.capabilities():
            return traits
        traits |= set(self.options_of("draw"))
        traits |= {"negative"} & set(inspect.signature(self.draw).parameters)
        traits |= {"prompts"} if self.takes_captions else set()
        return traits | ({"labels"} if self.conditional else set())

    @property
    def takes_captions(self) -> bool:
        """Whether `draw` takes the tokens of captions."""
        return "captions" in inspect.signature(self.draw).parameters

    def options_of(self, hook: str) -> list[str]:
        """Returns the names of the options of a hook: what it takes after `ema`."""
        names = list(inspect.signature(getattr(self, hook)).parameters)
        return names[names.index("ema") + 1 :]

    def can(self, *needs: str | Iterable[str]) -> bool:
        """Whether the model has all of `needs`: capabilities and traits, as texts or
        collections of texts."""
        wanted = set()
        for need in needs:
            wanted |= {need} if isinstance(need, str) else set(need)
        missing = wanted - self.capabilities()
        return not missing or missing <= self.traits()

    def require(self, *capabilities: str) -> None:
        """Raises ValueError unless the model can do all of these, and has networks."""
        for capability in capabilities:
            if capability not in self.capabilities():
                raise self._unable(capability)
        self.require_networks()

    def _unable(self, capability):
        having = models_that_can(capability)
        return ValueError(
            f"{self.name!r} cannot {capability}. "
            f"Models that can: {', '.join(having) or 'none'}."
        )

    def require_networks(self) -> None:
        """Raises ValueError unless the model has networks."""
        if not self.built:
            raise ValueError(
                f"{self.name!r} has no networks yet: call fit, or give "
                "zoo.get(name, image_shape=(height, width, channels))."
            )


def models_that_can(capability: str) -> list[str]:
    """Returns the sorted names of the models that have a capability, or an option of
    `sample`."""
    able = []
    for name in registry.names():
        cls = registry.find(name)
        options = inspect.signature(cls.draw).parameters
        if capability in cls.capabilities() or capability in options:
            able.append(name)
    return able
