"""ImageModel: what every model of the zoo shares, and nothing of any paper.

A model is a set of networks, and each network descends a loss of its own. A subclass
names its networks and the terms it reports, builds the networks, and writes its paper's
objective and order of play; everything else stands here.
"""

import functools
import os
import sys

import keras
from keras import ops

from zoo import backend, inputs
from zoo.core import accumulation, averages, faults, optimizers, registry, saving
from zoo.core.inference import Inference
from zoo.files import atomic
from zoo.inputs import grouping, pixels

PRECISIONS = ("float32", "mixed_bfloat16")


class ImageModel(Inference, keras.Model):
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
        needs_labels: Whether training needs labels.
        batches_per_step: Batches that a training step takes.
        gradient_accumulation_steps: Parts, of a batch each, that one update is the
            mean of; `compile` sets it.
        monitor: The term that tells the best epoch, the smallest value unless
            `monitor_mode` is "max"; "" if no term tells (a GAN's losses do not).
        paper: One line for the catalogue: authors, year, arXiv number.
    """

    networks = ()
    terms = ()
    shares_loss = False
    averaged = ()
    needs_labels = False
    batches_per_step = 1
    gradient_accumulation_steps = 1
    monitor = ""
    monitor_mode = "min"
    paper = ""

    def __new__(cls, *args, **kwargs):
        model = super().__new__(cls)
        given = dict(zip(registry.parameters(cls), args)) | kwargs
        # Keras would report the defaults of a subclass, not what it was given.
        model.__dict__["config"] = registry.resolve(cls, given)
        return model

    def __init__(self):
        super().__init__(name=getattr(self, "registry_name", None))
        self.seed_generator = keras.random.SeedGenerator()
        self.means = {name: keras.metrics.Mean(name=name) for name in self.terms}
        self.image_shape = None

    def __init_subclass__(cls, **kwargs):
        super().__init_subclass__(**kwargs)
        for step in ("train_step", "test_step", "predict_step"):
            if step in cls.__dict__:
                setattr(cls, step, backend.stateless(cls.__dict__[step]))

    # --- what a model file implements -------------------------------------------------

    def default_optimizers(self):
        """Returns {network: optimizer} as the paper has them."""
        raise TypeError(f"{type(self).__name__} does not define default_optimizers.")

    def build_networks(self, image_shape):
        """Returns {name: network}; each becomes an attribute of that name."""
        raise TypeError(f"{type(self).__name__} does not define build_networks.")

    def objective(self, images, labels=None, training=True):
        """Returns ({network: scalar loss}, {term: scalar or [B]}): the whole game."""
        raise TypeError(f"{type(self).__name__} does not define objective.")

    def updates_per_step(self, network):
        """Returns how often `network` moves in one `train_step`."""
        return 1

    # --- networks, optimizers, config -------------------------------------------------

    def build(self, image_shape):
        """Makes the networks, their averages and optimizers for images of (H, W, C)."""
        shape = inputs.image_shape_of(image_shape)
        if self.built:
            raise ValueError(
                f"{self.name!r} has networks already, for images of "
                f"{self.image_shape}; zoo.get makes another model. Received: {shape}."
            )
        self.image_shape = shape
        for name, network in self.build_networks(self.image_shape).items():
            setattr(self, name, network)
        for name in self._averages:
            setattr(self, f"{name}_ema", averages.begin(self.network(name)))
        self.built = True
        if self.compiled:
            self._build_optimizers()

    def require_at_least(self, **least):
        """Raises ValueError unless each named setting is at least the number given."""
        for key, bound in least.items():
            if self.config[key] < bound:
                raise ValueError(
                    f"{self.name!r} needs {key} of at least {bound}. "
                    f"Received: {self.config[key]}."
                )

    def require_positive(self, *keys):
        """Raises ValueError unless each named setting is above 0."""
        for key in keys:
            if not self.config[key] > 0:
                raise ValueError(
                    f"{self.name!r} needs {key} above 0. Received: {self.config[key]}."
                )

    def require_share(self, *keys):
        """Raises ValueError unless each named setting lies in [0, 1)."""
        for key in keys:
            if not 0 <= self.config[key] < 1:
                raise ValueError(
                    f"{self.name!r} needs {key} in [0, 1). "
                    f"Received: {self.config[key]}."
                )

    def network(self, name):
        """Returns the network called `name`."""
        return getattr(self, name)

    def averaged_network(self, name, ema=True):
        """Returns the average of the network `name`, if there is one and it is
        wanted."""
        return self.network(f"{name}_ema" if ema and self._averages else name)

    @property
    def _averages(self):
        return self.averaged if self.config.get("ema_decay") else ()

    @property
    def optimizers(self):
        """{network: optimizer}."""
        return self.__dict__.get("_by_network", {})

    @property
    def joined_batches(self):
        """Batches that `fit` joins into one training step."""
        return self.batches_per_step * self.gradient_accumulation_steps

    def compile(self, optimizer=None, gradient_accumulation_steps=1, **kwargs):
        """Compiles with {network: optimizer}; without one, with the paper's.

        Args:
            optimizer: A dict by network, or one optimizer where all networks share one
                loss. Each network gets a copy of its own, `optimizers[network]`: what
                is to change later, such as a learning rate, changes there. Variables
                that a copy excludes from weight decay are not told to files, as in
                Keras.
            gradient_accumulation_steps: Batches to one update: the memory is that of
                one, the update that of all joined, but that batch normalisation takes
                the statistics of each. Random numbers, schedules, averages and
                iterations are those of the joined batch.
            **kwargs: `jit_compile`, `run_eagerly`, `steps_per_execution`, as in Keras.
        """
        for key in ("loss", "metrics", "weighted_metrics", "loss_weights"):
            if kwargs.get(key) is not None:
                raise ValueError(
                    "A zoo model brings its own losses and terms; compile takes an "
                    f"optimizer. Received: {key}={kwargs[key]!r}."
                )
        if self.dtype_policy.name not in PRECISIONS:
            raise ValueError(
                f"A model computes in {' or '.join(PRECISIONS)}. (mixed_float16 would "
                "scale one loss of several, and weights of half types lose small steps."
                f") Received: the policy {self.dtype_policy.name}."
            )
        inputs.check_integer(
            "gradient_accumulation_steps", gradient_accumulation_steps, 1
        )
        # Kept out of Keras' tracking: the container already owns the optimizers.
        self.__dict__["_by_network"] = optimizers.by_network(
            self, self.default_optimizers() if optimizer is None else optimizer
        )
        container = optimizers.NetworkOptimizers(self.optimizers, self._owner_of)
        super().compile(optimizer=container, **kwargs)
        # Keras resolves "auto" for this machine, and a file may go to another.
        self.__dict__["_asked_jit"] = kwargs.get("jit_compile", "auto")
        self.gradient_accumulation_steps = gradient_accumulation_steps
        if self.built:
            self._build_optimizers()

    def _build_optimizers(self):
        self.__dict__.pop("_owners", None)
        self.optimizer.build(self.trainable_variables)
        watched = (self.terms, self.networks, self.optimizer)
        self.__dict__["faults"] = faults.Faults(*watched)

    @functools.cached_property
    def _owners(self):
        return {
            id(variable): name
            for name in self.networks
            for variable in self.network(name).trainable_variables
        }

    def _owner_of(self, variable):
        return self._owners[id(variable)]

    def get_config(self):
        return {
            key: list(value) if isinstance(value, tuple) else value
            for key, value in self.config.items()
        }

    @classmethod
    def from_config(cls, config):
        return cls(**config)

    def get_build_config(self):
        return {"image_shape": list(self.image_shape)} if self.built else None

    def build_from_config(self, config):
        self.build(config["image_shape"])

    def get_compile_config(self):
        if not self.compiled:
            return None
        return {
            "optimizer": {
                name: optimizers.described(o) for name, o in self.optimizers.items()
            },
            "jit_compile": self._asked_jit,
            "run_eagerly": self.run_eagerly,
            "gradient_accumulation_steps": self.gradient_accumulation_steps,
        }

    def compile_from_config(self, config):
        config = dict(config)
        config.pop("steps_per_execution", None)  # what suits a process, not a model
        deserialize = keras.optimizers.deserialize
        optimizer = {k: deserialize(v) for k, v in config.pop("optimizer").items()}
        self.compile(optimizer, **config)

    # --- training ---------------------------------------------------------------------

    def fit(self, x=None, y=None, *, value_range=None, validation_data=None, **kwargs):
        """Trains; builds the model from the data first if need be.

        Args:
            x: A `tf.data` set or PyDataset of batches, or NumPy: images, or
                (images, labels). uint8 in 0..255 or float in [-1, 1].
            y: Labels, if `x` is an array of images.
            value_range: (-1, 1) asserts the range of floats without a negative value.
            validation_data: As `x`.
            **kwargs: As `keras.Model.fit` takes them.
        Raises: ValueError: if the first batch is not what a model can learn from.
        """
        _check_options(kwargs)
        if not self.compiled:
            self.compile()
        x, y = self._checked_data(x, y, value_range)
        if validation_data is not None:
            data, labels = self._checked_data(validation_data, None, value_range)
        batch_size = kwargs.get("batch_size")
        kwargs.setdefault("validation_batch_size", batch_size)
        x, kwargs["batch_size"] = grouping.grouped(x, self.joined_batches, batch_size)
        if getattr(x, "is_ordered", False):
            kwargs.setdefault("shuffle", False)  # Keras' default would undo its order
        kwargs["verbose"] = _verbosity(kwargs.get("verbose", "auto"))
        how = (kwargs["batch_size"], kwargs.get("shuffle", True))
        x, y = backend.distributed(self, x, y, *how)
        if hasattr(x, "element_spec"):
            kwargs["shuffle"] = False  # a set has its order; so have arrays made one
        if validation_data is not None:
            size = kwargs["validation_batch_size"]
            data, labels = backend.distributed(self, data, labels, size)
            validation_data = data if labels is None else (data, labels)
        return super().fit(x, y, validation_data=validation_data, **kwargs)

    def _maybe_symbolic_build(self, **data):
        """Keras' TensorFlow trainer would take a batch to build the networks by, which
        are built, and fail on it where there are several workers."""

    def evaluate(self, x=None, y=None, *, value_range=None, **kwargs):
        """Returns the terms on a data set (see `fit`), as `keras.Model.evaluate`
        does."""
        self.require_networks()
        _check_options(kwargs)
        if not kwargs.get("_use_cached_eval_dataset"):  # fit has checked it already
            x, y = self._checked_data(x, y, value_range)
            x, y = backend.distributed(self, x, y, kwargs.get("batch_size"))
        kwargs["verbose"] = _verbosity(kwargs.get("verbose", "auto"))
        return super().evaluate(x, y, **kwargs)

    def predict(self, x, **kwargs):
        """Returns `model(images)` for all images, as `keras.Model.predict` does.

        Args:
            x: As `fit` takes it; labels are left aside.
        """
        self.require_networks()
        _check_options(kwargs)
        x, _ = inputs.standardize(x)
        inputs.shape_of(x)  # a set of single images is refused before one is drawn
        images, _ = inputs.first_batch(x, size=None)
        inputs.check_images(images, self.image_shape)
        kwargs["verbose"] = _verbosity(kwargs.get("verbose", "auto"))
        return super().predict(x, **kwargs)

    def _checked_data(self, x, y, value_range):
        x, y = inputs.standardize(x, y)
        shape = inputs.shape_of(x)
        images, labels = inputs.first_batch(x, y)
        inputs.check_images(images, self.image_shape or shape, value_range, True)
        if self.needs_labels and labels is None:
            raise ValueError(
                f"{self.name!r} learns from labels: pass (images, labels). "
                "Received: images only."
            )
        if labels is not None and self.config.get("num_classes"):
            labels = labels if y is None else y  # of an array, all labels
            inputs.check_labels(labels, len(labels), self.config["num_classes"])
        if not self.built:
            with backend.scope(self):
                self.build(shape)
        return x, y

    def unpack(self, data):
        """Returns (float32 images `[B, H, W, C]` in [-1, 1], int labels `[B]` or
        None)."""
        self.require_networks()
        images, labels = inputs.split(data)
        return pixels.to_float(images), labels

    def update(self, objective, *data):
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

    def apply_gradients(self, gradients):
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

    def track(self, terms, images):
        """Adds a batch's `terms` to their means over the epoch, weighted by its number
        of images; returns {term: mean so far}."""
        unknown = set(terms) - set(self.terms)
        if unknown:
            raise ValueError(
                f"{self.name!r} reports {', '.join(self.terms)}. "
                f"Received: {', '.join(sorted(unknown))}."
            )
        count = ops.cast(ops.shape(images)[0], "float32")
        for name, term in terms.items():
            self.means[name].update_state(ops.mean(term), count)
        return {name: self.means[name].result() for name in self.terms}

    @property
    def metrics(self):
        return list(self.means.values())

    @backend.stateless
    def test_step(self, data):
        images, labels = self.unpack(data)
        _, terms = self.objective(images, labels, training=False)
        return self.track(terms, images)

    @backend.stateless
    def predict_step(self, data):
        images, _ = self.unpack(data)
        return self(images, training=False)

    def __call__(self, images, *args, **kwargs):
        self.require_networks()
        if not backend.is_symbolic(images):
            images = images if ops.is_tensor(images) else inputs.to_array(images)
            inputs.check_images(images, self.image_shape)
        return super().__call__(pixels.to_float(images), *args, **kwargs)

    # --- random numbers ---------------------------------------------------------------

    def normal(self, rows, shape):
        """Standard normal `[rows, *shape]`: this replica's rows of the global draw."""
        return backend.normal(self.seed_generator, rows, shape)

    def uniform(self, rows, shape):
        """Uniform on [0, 1) `[rows, *shape]`: this replica's rows of the global
        draw."""
        return backend.uniform(self.seed_generator, rows, shape)

    def integers(self, rows, shape, low, high):
        """Integers in [low, high) `[rows, *shape]`: our rows of the global draw."""
        return backend.integers(self.seed_generator, rows, shape, low, high)

    # --- saving -----------------------------------------------------------------------

    def save(self, filepath, overwrite=True):
        """Writes a `.keras` file: config, weights, optimizer and random state. It
        appears under its name only when complete."""
        self.require_networks()
        if not str(filepath).endswith(".keras"):
            raise ValueError(
                f"A model is saved as a .keras file. Received: {str(filepath)!r}."
            )
        if not overwrite and os.path.exists(filepath):
            raise FileExistsError(
                "There is such a file already; overwrite=True replaces it. "
                f"Received: {filepath}."
            )
        with atomic.replaced(filepath) as temporary:
            saving.write(self, temporary)

    def save_own_variables(self, store):
        for index, state in enumerate(self.seed_states()):
            store[f"seed_{index}"] = ops.convert_to_numpy(state)

    def load_own_variables(self, store):
        for index, state in enumerate(self.seed_states()):
            state.assign(store[f"seed_{index}"][()])

    def seed_states(self):
        """The states of all seed generators (ours, dropout's): Keras saves none."""
        weights = {id(variable) for variable in self.weights}
        return [v for v in self.variables if id(v) not in weights]


def _check_options(options):
    """Raises ValueError unless the numbers among Keras' options make sense."""
    for name in ("batch_size", "epochs", "steps_per_epoch", "steps"):
        if options.get(name) is not None:
            inputs.check_integer(name, options[name], 1)
    share = options.get("validation_split") or 0
    if not 0 <= share < 1:  # Keras would train on nothing
        raise ValueError(f"validation_split lies in [0, 1). Received: {share!r}.")


def _verbosity(verbose):
    """A progress bar belongs on a terminal, one line an epoch everywhere else."""
    return (1 if sys.stdout.isatty() else 2) if verbose == "auto" else verbose
