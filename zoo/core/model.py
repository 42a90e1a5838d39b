"""ImageModel: what every model of the zoo shares, and nothing of any paper.

A model is a set of networks, and each network descends a loss of its own. A subclass
names its networks and the terms it reports, builds the networks, and writes its paper's
objective and order of play; everything else stands here.
"""

from collections.abc import Callable, Sequence
from typing import Any

import keras
from keras import ops

from zoo import backend, inputs
from zoo.core import accumulation, averages, parts, registry, room
from zoo.core.calls import Calls
from zoo.core.compiling import Compiling
from zoo.core.fitting import Fitting
from zoo.core.measuring import MeasuringSeed
from zoo.core.stepping import Stepping
from zoo.core.storing import Storing
from zoo.inputs import pixels
from zoo.inputs.tensors import Losses, Tensor


class ImageModel(Calls, Fitting, Compiling, Stepping, Storing, keras.Model):
    """Base of all models.

    A subclass sets the class attributes below and implements `default_optimizers`,
    `build_networks`, `objective`, `train_step` and `call`, and of `Inference` what its
    paper has.

    Attributes:
        networks: Names of the networks with a loss, in the order of play. The last one
            moves once a `train_step`.
        terms: Names of the terms that `objective` reports.
        shares_loss: Whether all networks descend one loss (one optimizer may then be
            given for all).
        averaged: Networks of which `ema_decay` keeps an average, `<network>_ema`.
        takes: The fields of a batch, in the order of a tuple (`zoo.inputs.fields`); it
            may depend on settings.
        makes: "image", or "clip" of a model of moving pictures.
        learns_targets: Whether a second array of images is what the first ones are to
            become, in place of themselves.
        is_paired: Whether row i of each field belongs to row i of the others.
        needs_labels: Whether training needs labels.
        undecayed: Names of variables that weight decay leaves alone, such as "bias".
        batches_per_step: Batches that a training step takes.
        rows_together: Rows that a part of a batch takes together, where the model
            compares images with their neighbours.
        monitor: The term that tells the best epoch, the smallest value unless
            `monitor_mode` is "max"; "" if no term tells (a GAN's losses do not). Keras'
            callbacks mean it by "loss" and "val_loss".
        paper: One line for the catalogue: authors, year, arXiv number.
        adapts: Whether the first data that it is trained on may have other sizes and
            classes (`zoo.core.adapting`); so does a model that comes trained.
        untaught: Names of the networks, of a model that comes trained, that do not.
        members: Names of all networks that `build` made, and of the parts.
    """

    networks: tuple[str, ...] = ()
    terms = ()
    shares_loss = False
    averaged = ()
    takes = ("image", "label")
    makes = "image"
    learns_targets = False
    is_paired = True
    needs_labels = False
    undecayed: tuple[str, ...] = ()
    batches_per_step = 1
    rows_together = 1
    monitor = ""
    monitor_mode = "min"
    paper = ""
    adapts = False
    untaught: tuple[str, ...] = ()
    members: tuple[str, ...] = ()

    def __new__(cls, *args, **kwargs):
        model = super().__new__(cls)
        settings = dict(zip(registry.parameters(cls), args)) | kwargs
        # Keras would report the defaults of a subclass, not the arguments of this one.
        model.__dict__["config"] = registry.resolve(cls, settings)
        lenders = {name: settings.get(name) for name in registry.part_names(cls)}
        model.__dict__["_lenders"] = lenders
        return model

    def __init__(self):
        keras.Model.__init__(self, name=getattr(self, "registry_name", None))
        self.seed_generator = keras.random.SeedGenerator()
        self.means = {name: keras.metrics.Mean(name=name) for name in self.terms}
        # None before `build`, which comes before all that computes with them.
        self.image_shape: Any = None
        self.source_shape: Any = None
        # Kept out of Keras' tracking: no file holds its state, which never changes.
        self.__dict__["_measuring_seed"] = MeasuringSeed(self._rows_measured)
        self.__dict__["_seeds"] = self.seed_generator
        self.__dict__["states"] = {}  # Keras tracks them already

    def __init_subclass__(cls, **kwargs):
        super().__init_subclass__(**kwargs)
        for step in ("train_step", "test_step", "predict_step"):
            if step in cls.__dict__:
                setattr(cls, step, backend.stateless(cls.__dict__[step]))

    # --- what a model file implements -------------------------------------------------

    def default_optimizers(self) -> dict[str, keras.optimizers.Optimizer]:
        """Returns {network: optimizer} as the paper has them."""
        raise TypeError(f"{type(self).__name__} does not define default_optimizers.")

    def build_networks(self, image_shape: tuple[int, ...]) -> dict[str, keras.Model]:
        """Returns {name: network}; each becomes an attribute of that name."""
        raise TypeError(f"{type(self).__name__} does not define build_networks.")

    def objective(
        self, images: Tensor, labels: Tensor | None = None, training: bool = True
    ) -> Losses:
        """Returns ({network: scalar loss}, {term: scalar or [B]}): the whole game."""
        raise TypeError(f"{type(self).__name__} does not define objective.")

    def updates_per_step(self, network: str) -> int:
        """Returns how often `network` moves in one `train_step`."""
        return 1

    # --- networks, optimizers, config -------------------------------------------------

    def build(
        self, image_shape: Sequence[int], source_shape: Sequence[int] | None = None
    ) -> None:
        """Makes the networks, their averages and optimizers.

        Args:
            image_shape: (H, W, C) of the images that the model makes; of clips (T, H,
                W, C).
            source_shape: (h, w, c) of the sources, if the model takes some. Default:
                that of the images.
        """
        if keras.config.image_data_format() != "channels_last":
            raise ValueError(
                "The zoo's networks have their channels last: call "
                "keras.config.set_image_data_format('channels_last') first. "
                f"Received: {keras.config.image_data_format()}."
            )
        check = {"image": inputs.image_shape_of, "clip": inputs.clip_shape_of}
        shape = check[self.makes](image_shape)
        if self.built:
            raise ValueError(
                f"{self.name!r} has networks already, for {self.makes}s of "
                f"{self.image_shape}; zoo.get makes another model. Received: {shape}."
            )
        self.image_shape = shape
        if "source" in self.takes:
            self.source_shape = inputs.source_shape_of(source_shape or shape[-3:])
        with room.required(self.name):
            self._build_variables()

    def _build_variables(self):
        """Makes all that a model has variables of, once its shapes are known."""
        for name in registry.part_names(type(self)):
            setattr(self, name, self._built_part(name))
        networks = self.build_networks(self.image_shape)
        for name, network in networks.items():
            setattr(self, name, network)
        parts_of = [n for n in registry.part_names(type(self)) if self.config[n]]
        self.__dict__["members"] = (*parts_of, *networks)
        for name in self._averages:
            setattr(self, f"{name}_ema", averages.begin(self.network(name)))
        self.__dict__["_learned"] = tuple(self.trainable_variables)
        self.built = True
        if self.compiled:
            self.build_optimizers()

    def _built_part(self, name):
        """The model of a setting that is one, built anew in this model's scope; its
        weights are those of the model that was given, or come from a file later."""
        description = self.config[name]
        if description is None:
            return None
        frame = tuple(description["image_shape"])[-3:]
        if frame != self.image_shape[-3:]:
            raise ValueError(
                f"The {name} of {self.name!r} was built for images of "
                f"{'x'.join(map(str, frame))}. "
                f"Received: {'x'.join(map(str, self.image_shape[-3:]))}."
            )
        part = registry.find(description["name"])(**description["config"])
        part.build(description["image_shape"], description["source_shape"])
        lender = self._lenders.pop(name, None)
        if parts.is_model(lender):
            part.set_weights(lender.get_weights())
        part.trainable = False
        return part

    @property
    def layout(self) -> inputs.Layout:
        """The `zoo.inputs.Layout` of the model's batches."""
        return inputs.Layout(tuple(self.takes), self.learns_targets, self.is_paired)

    def shape_of_field(self, field: str) -> tuple[int, ...] | None:
        """Returns the shape of a row of images, sources or clips; None before the model
        is built."""
        is_other = field == "source" and self.source_shape is not None
        return self.source_shape if is_other else self.image_shape

    def network(self, name: str) -> keras.Model:
        """Returns the network called `name`."""
        return getattr(self, name)

    def averaged_network(self, name: str, ema: bool = True) -> keras.Model:
        """Returns the average of the network `name`, if there is one and it is
        wanted."""
        return self.network(f"{name}_ema" if ema and self._averages else name)

    @property
    def _averages(self):
        return self.averaged if self.config.get("ema_decay") else ()

    # --- training ---------------------------------------------------------------------

    def update(
        self, objective: Callable[..., Losses], *data: Tensor | None
    ) -> dict[str, Tensor]:
        """Moves each network along its own loss once; returns terms.

        Args:
            objective: `objective(*data)` is ({network: loss}, {term: value}), all of
                them means over rows. Run once, or once for each part of `data`.
            *data: `[B, ...]` each, or None.
        """
        step = self.optimizer.iterations + 1
        gradients, terms = accumulation.gradients(self, objective, data)
        with backend.no_gradients():
            self.apply_gradients(gradients)
        self.faults.look_at_terms(step, terms)
        return terms

    def apply_gradients(self, gradients: dict[str, list[Tensor]]) -> None:
        """Applies {network: gradients} by each network's optimizer, then the
        averages."""
        step = self.optimizer.iterations + 1
        for name, gradient in gradients.items():
            network = self.network(name)
            rate = self.optimizers[name].learning_rate
            self.optimizers[name].apply(gradient, network.trainable_variables)
            self.faults.look_at_network(step, name, gradient, rate)
            if name in self._averages:
                steps = self.optimizers[name].iterations
                decay = averages.decay(self.config["ema_decay"], steps)
                averages.update(network, self.network(f"{name}_ema"), decay)
        if self.networks[-1] in gradients:
            self.optimizer.iterations.assign_add(1)

    def __call__(self, x: Tensor, *args: Any, **kwargs: Any) -> Tensor:
        self.require_networks()
        field = self.takes[0]
        if not backend.is_symbolic(x):
            x = x if ops.is_tensor(x) else inputs.to_array(x, field)
            inputs.check_images(x, self.shape_of_field(field), field=field)
        return super().__call__(pixels.to_float(x), *args, **kwargs)
