"""Latent diffusion: pictures from words.

Noise becomes an image step by step, as in the `flow` and the `ddpm`; what a step looks
at beside the image are the words of a caption. The image may be a small one, the
latents of a trained autoencoder, which is most of the saving of time, or pixels in
squares. The words are read by a small transformer that learns with it.

Rombach et al. 2021, "High-Resolution Image Synthesis with Latent Diffusion Models",
arXiv:2112.10752.
"""

from typing import Literal

import keras
import numpy as np
from keras import ops

from zoo import diffusion
from zoo.core import ranks
from zoo.core.parts import Part
from zoo.core.registry import register
from zoo.diffusion.denoiser import Denoiser
from zoo.diffusion.looking import Looking
from zoo.diffusion.prompted import Prompted
from zoo.inputs import words
from zoo.inputs.tensors import Batch, Losses, Tensor
from zoo.networks import text, unet

NUM_TIMESTEPS = 1000  # of the "v", as in the paper
SAMPLERS = {"flow": ("euler", "heun"), "v": ("dpmpp_2m", "ddim", "heun")}


@register("latent_diffusion")
class LatentDiffusion(Looking, Prompted, Denoiser):
    """Diffusion of latents, or of pixels, by the words of a caption.

    z_0 = E(image) is what a trained autoencoder makes of it, or the image itself. With
    z_t = alpha_t z_0 + sigma_t eps at a random t, the network predicts, for the words
    c, the velocity or the v:
        unet: |(eps - z_0) - u_hat(z_t, t, c)|^2, alpha_t = 1 - t, sigma_t = t ("flow")
        unet: |(alpha_t eps - sigma_t z_0) - v_hat(z_t, t, c)|^2 ("v")
    A share of the captions is left out in training, so that samples can be led away
    from the empty caption, or from a negative one, by u_hat(none) + guidance (u_hat(c)
    - u_hat(none)).

    Args:
        autoencoder: A trained model with a grid of latents (`latent_shape`), which
            stays as it is, and which the zoo has none of yet; none: pixels are noised
            themselves.
        objective: "flow", straight lines, or "v", with the cosine schedule of 1000
            levels, as the `ddpm` has it.
        max_tokens: Tokens a caption, with those of its beginning and end; longer ones
            are cut. 0 learns without captions. Paper: 77.
        vocabulary: The words that are one token each; all others are spelt in bytes.
            `fit` collects them from the training captions if there are none and no
            network is built yet.
        text_width: Features of a word, a multiple of 4. Paper: 1280.
        text_depth: Blocks of the transformer that reads captions. Paper: 32.
        num_classes: Without captions, classes of the labels that samples follow; 0
            learns without labels.
        label_dropout: Share of captions, or labels, that are withheld in training, each
            as a whole. Paper: 0.1.
        guidance: How strongly samples follow their words: at 0 not at all, at 1 as the
            network has learned it, above 1 more strongly. Paper: 5.
        sampler: "euler" or "heun" of a flow; "dpmpp_2m", "ddim" or "heun" of a v;
            "auto" is the first of them.
        steps: Steps of the sampler. Paper: 250.
        overshoot: Whether, of pixels, a predicted one beyond black or white counts as
            no error where the pixel is black or white itself, as in the `ddpm`.
        width: Channels of the first level. Paper: 320.
        mult: Multiplier of `width` at each level. Paper: (1, 2, 4, 4).
        depth: Residual blocks per level. Paper: 2.
        attention: Levels, counted from 0, at which the image looks at itself and at the
            words, as it does in the middle. Paper: (0, 1, 2).
        patch: Side of the squares of pixels that the network sees as one, which divides
            height and width; latents are seen one by one.
        dropout: Share of features dropped in training. Paper: 0.
        ema_decay: Decay per step of the network's average, which `sample` uses; 0 keeps
            no average. Paper: 0.9999.
    Batch: images `[B, H, W, C]`, float32 in [-1, 1]; captions, a text each; without
        captions int labels `[B]` if it has classes.
    Reports: `denoising`: squared error of the prediction per number of z_0, mean over
        the epoch; validation measures the average, with the same noise in each epoch.
    Raises: ValueError: if a size is below 1 or a share lies outside [0, 1), if the
        sampler is that of another objective, the patch does not divide the image, or
        the autoencoder has no grid of latents.
    Source: Rombach et al. 2021, arXiv:2112.10752, equations 2 and 3, sections 3.2, 3.3
        and 4.3.1; "flow" is that of Liu et al. 2022, arXiv:2209.03003, "v" that of
        Salimans and Ho 2022, arXiv:2202.00512; guidance of Ho and Salimans 2022,
        arXiv:2207.12598. Departures: the paper predicts eps; words are those of the
        training captions; what fills captions up is hidden; by default the network
        suits two CPU cores and makes pixels.
    """

    terms = ("denoising",)
    monitor = "denoising"
    paper = "Rombach et al. 2021, arXiv:2112.10752"

    def __init__(
        self,
        autoencoder: Part | None = None,
        objective: Literal["flow", "v"] = "flow",
        max_tokens: int = 32,
        vocabulary: tuple[str, ...] = (),
        text_width: int = 64,
        text_depth: int = 2,
        num_classes: int = 0,
        label_dropout: float = 0.1,
        guidance: float = 3.0,
        sampler: Literal["auto", "euler", "dpmpp_2m", "ddim", "heun"] = "auto",
        steps: int = 20,
        overshoot: bool = False,
        width: int = 48,
        mult: tuple[int, ...] = (1, 2),
        depth: int = 1,
        attention: tuple[int, ...] = (1,),
        patch: int = 2,
        dropout: float = 0.0,
        ema_decay: float = 0.999,
    ):
        self.has_words = max_tokens > 0
        self.num_classes = 0 if self.has_words else num_classes
        self.label_dropout, self.guidance, self.steps = label_dropout, guidance, steps
        self.prediction = "velocity" if objective == "flow" else "v"
        self.samplers = SAMPLERS[objective]
        self.sampler = self.samplers[0] if sampler == "auto" else sampler
        self.overshoot = overshoot and autoencoder is None
        self.ema_decay = ema_decay
        super().__init__()
        self._require_sound_settings(max_tokens, objective)
        # A NumPy array, because Keras would track a list, and tensors belong to graphs.
        self.alpha_bar = diffusion.alpha_bars(diffusion.cosine_betas(NUM_TIMESTEPS))
        self.levels(steps)

    def _require_sound_settings(self, max_tokens, objective):
        self.require_settings()
        self.require_at_least(max_tokens=0, text_depth=0, text_width=1)
        if max_tokens in (1, 2):
            raise ValueError(
                f"{self.name!r} needs max_tokens of at least 3, a word between its "
                f"beginning and end, or 0 for none. Received: max_tokens={max_tokens}."
            )
        if self.sampler not in self.samplers:
            raise ValueError(
                f"{self.name!r} with objective={objective!r} samples by "
                f"{', '.join(self.samplers)}. Received: sampler={self.sampler!r}."
            )

    @property
    def takes(self) -> tuple[str, ...]:
        return ("image", "caption" if self.config["max_tokens"] else "label")

    @property
    def needs_labels(self) -> bool:
        return bool(self.config["num_classes"]) and not self.config["max_tokens"]

    @property
    def noises_pixels(self) -> bool:
        return self.config["autoencoder"] is None

    @property
    def time_scale(self) -> float:  # the embedding's wavelengths suit 0 to 1000
        return 1000.0 if self.prediction == "velocity" else 1.0

    def default_optimizers(self) -> dict[str, keras.optimizers.Optimizer]:
        return {"unet": keras.optimizers.Adam(1e-3)}

    # --- networks ---------------------------------------------------------------------

    def build_networks(self, image_shape: tuple[int, ...]) -> dict[str, keras.Model]:
        self._require_shapes(image_shape)
        context = None
        if self.has_words:
            count = words.WORDS + len(self.config["vocabulary"])
            sizes = [self.config[key] for key in ("text_width", "text_depth")]
            context = text.encode(count, self.config["max_tokens"], *sizes)
        keys = "width", "mult", "depth", "attention", "patch", "dropout"
        sizes = {key: self.config[key] for key in keys}
        sizes["patch"] = sizes["patch"] if self.noises_pixels else 1
        sizes["num_classes"] = self.num_classes
        return {"unet": unet.build_unet(self.noised_shape, context=context, **sizes)}

    def _require_shapes(self, image_shape):
        """Raises ValueError unless images can be cut, or encoded, as the settings
        say."""
        patch, text_width = self.config["patch"], self.config["text_width"]
        if self.has_words and text_width % text.HEADS:
            raise ValueError(
                f"{self.name!r} needs a text_width that is a multiple of {text.HEADS}. "
                f"Received: text_width={text_width}."
            )
        if self.noises_pixels and (image_shape[0] % patch or image_shape[1] % patch):
            raise ValueError(
                f"{self.name!r} needs a patch that divides height and width. "
                f"Received: patch={patch} for images of "
                f"{'x'.join(map(str, image_shape))}."
            )
        if not self.noises_pixels and not hasattr(self.autoencoder, "latent_shape"):
            raise ValueError(
                "The autoencoder of 'latent_diffusion' is a model with a grid of "
                "latents (latent_shape), of which the zoo has none yet. "
                f"Received: {self.autoencoder.name!r}."
            )

    @property
    def noised_shape(self) -> tuple[int, ...]:
        if self.noises_pixels:
            return self.image_shape
        return tuple(self.autoencoder.latent_shape)

    def enter(self, images: Tensor) -> Tensor:
        if self.noises_pixels:
            return images
        z = self.autoencoder.to_latent(images)
        return ops.stop_gradient(ops.reshape(z, (-1, *self.noised_shape)))

    def leave(self, x: Tensor) -> Tensor:
        if self.noises_pixels:
            return x
        return self.autoencoder.to_images(ops.reshape(x, (ops.shape(x)[0], -1)))

    # --- training ---------------------------------------------------------------------

    def objective(
        self, images: Tensor, goal: Tensor | None = None, training: bool = True
    ) -> Losses:
        z_0 = self.enter(images)
        rows = ops.shape(z_0)[0]
        t, alpha, sigma = self.random_level(rows, z_0)
        eps = self.normal(rows, self.noised_shape)
        goal = self.drop_labels(goal, rows)
        z_t = alpha * z_0 + sigma * eps
        output = self.ask(self.judged(training), z_t, t, goal, training)
        error = diffusion.error(
            self.prediction, output, z_0, eps, alpha, sigma, self.overshoot
        )
        error = ops.mean(ops.square(error))
        return {"unet": error}, {"denoising": error}

    def train_step(self, data: Batch) -> dict[str, Tensor]:
        images, goal = self.unpack(data)
        terms = self.update(self.objective, images, goal)
        return self.track(terms, images)

    # --- noise ------------------------------------------------------------------------

    def random_level(self, rows: Tensor, like: Tensor) -> tuple[Tensor, ...]:
        """Returns times t `[rows]`, and the alpha and sigma of each, of the rank of
        `like`."""
        if self.prediction == "velocity":
            t = self.uniform(rows, ())
            sigma = ranks.column(t, like)
            return t, 1.0 - sigma, sigma
        t = self.integers(rows, (), 0, NUM_TIMESTEPS)
        columns = np.sqrt(self.alpha_bar), np.sqrt(1.0 - self.alpha_bar)
        each = (ops.take(column.astype("float32"), t) for column in columns)
        return t, *(ranks.column(column, like) for column in each)

    def levels(self, steps: int) -> diffusion.Levels:
        if self.prediction == "velocity":
            return diffusion.flow_levels(steps)
        return diffusion.discrete_levels(self.alpha_bar, steps)

    def level_at(self, share: float) -> diffusion.Levels:
        if self.prediction == "velocity":
            return diffusion.flow_levels(1, share)
        t = round(share * (NUM_TIMESTEPS - 1))
        return diffusion.discrete_levels(self.alpha_bar[: t + 1], 1)
