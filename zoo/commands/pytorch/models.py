"""Models in PyTorch: networks, optimizers and one training step each."""

import abc
import itertools

import torch
import torch.nn.functional as F
from torch import nn
from torch.optim import swa_utils

from zoo.commands.pytorch import networks


def freeze(network, frozen):
    """Sets whether the network's weights get gradients."""
    for parameter in network.parameters():
        parameter.requires_grad_(not frozen)


def squared_error(x, x_rec):
    """Returns the squared error summed over each image, `[B]`."""
    return (x - x_rec).square().flatten(1).sum(1)


def kl_normal(z_mean, z_logvar):
    """Returns the KL divergence of each row from the standard normal, `[B]`, in
    nats."""
    return 0.5 * (z_mean.square() + z_logvar.exp() - 1 - z_logvar).sum(1)


def bce(logits, real):
    """Returns -log D, or -log(1 - D), as the mean over the batch."""
    return F.softplus(-logits if real else logits).mean()


def move(optimizer, loss):
    """Takes one step down `loss`."""
    optimizer.zero_grad()
    loss.backward()
    optimizer.step()


def assign_gradients(loss, modules, retain_graph=False):
    """Gives the weights of `modules`, and only these, their gradient of `loss`."""
    weights = [weight for module in modules for weight in module.parameters()]
    gradients = torch.autograd.grad(loss, weights, retain_graph=retain_graph)
    for weight, gradient in zip(weights, gradients):
        weight.grad = gradient


class Model(abc.ABC):
    """Networks, `step(images, labels)` -> {term: scalar}; see zoo/models.

    Attributes:
        networks: {name: nn.Module}, named as in the zoo.
    """

    def __init__(self, image_shape, config):
        self.config = config
        self.networks = self.build(tuple(image_shape))
        self.optimizers = self.make_optimizers()

    @abc.abstractmethod
    def build(self, image_shape):
        """Returns {name: network}."""

    @abc.abstractmethod
    def make_optimizers(self):
        """Returns what `step` moves the networks by."""

    @abc.abstractmethod
    def step(self, images, labels):
        """Takes one training step; returns {term: scalar}."""

    def to(self, **options):
        """Moves all networks, e.g. to another memory format."""
        for network in self.networks.values():
            network.to(**options)
        return self

    def parameters(self):
        """Returns the weights of all networks, for a single optimizer."""
        return itertools.chain(*(n.parameters() for n in self.networks.values()))


class Classifier(Model):
    def build(self, image_shape):
        width = self.config["width"]
        deepest = networks.level_widths(image_shape, width)[-1]
        trunk = networks.trunk(
            width // 2, image_shape, width, "relu", downsample="pool"
        )
        network = nn.Sequential(
            nn.Conv2d(image_shape[-1], width // 2, 3, padding=1, bias=False),
            *networks.activate(width // 2, "relu", "batch"),
            *trunk,
            nn.Conv2d(deepest, 2 * deepest, 3, padding=1, bias=False),
            *networks.activate(2 * deepest, "relu", "batch"),
            nn.AdaptiveAvgPool2d(1),
            nn.Flatten(),
            nn.Dropout(self.config["dropout"]),
            nn.Linear(2 * deepest, self.config["num_classes"]),
        )
        return {"classifier": network}

    def make_optimizers(self):
        options = {"weight_decay": 0.02, "eps": 1e-7, "fused": True}
        return torch.optim.AdamW(self.parameters(), 2e-3, **options)

    def step(self, images, labels):
        logits = self.networks["classifier"](images)
        smoothing = self.config["label_smoothing"]
        loss = F.cross_entropy(logits, labels, label_smoothing=smoothing)
        move(self.optimizers, loss)
        accuracy = (logits.argmax(1) == labels).float().mean()
        return {"loss": loss, "accuracy": accuracy}


class AE(Model):
    def build(self, image_shape):
        latent_dim = self.config["latent_dim"]
        sizes = {k: self.config[k] for k in ("width", "hidden")}
        sizes["normalization"] = "batch"
        return {
            "encoder": networks.encoder(image_shape, latent_dim, **sizes),
            "decoder": networks.decoder(image_shape, latent_dim, **sizes),
        }

    def make_optimizers(self):
        return torch.optim.Adam(self.parameters(), 1e-3, eps=1e-7, fused=True)

    def step(self, images, labels):
        x_rec = self.networks["decoder"](self.networks["encoder"](images))
        mse = F.mse_loss(x_rec, images)
        move(self.optimizers, mse)
        return {"mse": mse}


class VAE(AE):
    """A VAE with the Bernoulli likelihood."""

    def build(self, image_shape):
        latent_dim = self.config["latent_dim"]
        sizes = {k: self.config[k] for k in ("width", "hidden")}
        return {
            "encoder": networks.encoder(image_shape, 2 * latent_dim, **sizes),
            "decoder": networks.decoder(image_shape, latent_dim, **sizes, tanh=False),
        }

    def step(self, images, labels):
        x = (torch.rand_like(images) < 0.5 * (images + 1)).float()
        z_mean, z_logvar = self.networks["encoder"](2 * x - 1).chunk(2, dim=1)
        z = z_mean + (0.5 * z_logvar).exp() * torch.randn_like(z_mean)
        logits = self.networks["decoder"](z)
        recon = F.binary_cross_entropy_with_logits(logits, x, reduction="sum") / len(x)
        kl = kl_normal(z_mean, z_logvar).mean()
        loss = recon + kl
        move(self.optimizers, loss)
        return {"elbo": -loss, "kl": kl, "recon": recon}


class GAN(Model):
    """DCGAN with the non-saturating loss; each player gets fresh noise."""

    fresh_noise = True

    def build(self, image_shape):
        sizes = {"width": self.config["width"], "hidden": 0, "normalization": "batch"}
        generator = networks.decoder(
            image_shape, self.config["latent_dim"], activation="relu", **sizes
        )
        average = swa_utils.get_ema_multi_avg_fn(self.config["ema_decay"])
        self.average = swa_utils.AveragedModel(generator, multi_avg_fn=average)
        discriminator = networks.encoder(image_shape, 1, normalize_first=False, **sizes)
        return {"discriminator": discriminator, "generator": generator}

    def to(self, **options):
        self.average.to(**options)
        return super().to(**options)

    def make_optimizers(self):
        options = {"betas": (0.5, 0.999), "eps": 1e-7, "fused": True}
        return {
            name: torch.optim.Adam(network.parameters(), 2e-4, **options)
            for name, network in self.networks.items()
        }

    def generate(self, rows):
        return self.networks["generator"](torch.randn(rows, self.config["latent_dim"]))

    def step(self, images, labels):
        discriminator = self.networks["discriminator"]
        with torch.set_grad_enabled(not self.fresh_noise):
            x_fake = self.generate(len(images))
        real_logits = discriminator(images)
        fake_logits = discriminator(x_fake.detach())
        d_loss = bce(real_logits, True) + bce(fake_logits, False)
        move(self.optimizers["discriminator"], d_loss)

        if self.fresh_noise:
            x_fake = self.generate(len(images))
        freeze(discriminator, True)  # the generator's step needs no gradient by it
        g_loss = bce(discriminator(x_fake), True)
        move(self.optimizers["generator"], g_loss)
        freeze(discriminator, False)
        self.average.update_parameters(self.networks["generator"])
        d_real, d_fake = real_logits.sigmoid().mean(), fake_logits.sigmoid().mean()
        return {"d_loss": d_loss, "g_loss": g_loss, "d_real": d_real, "d_fake": d_fake}


class GANDrawnOnce(GAN):
    """Trains as `GAN`, but both players see the same fakes, which saves a pass of the
    generator."""

    fresh_noise = False


class Discriminator(nn.Module):
    """Images -> (features of the last level, logits)."""

    def __init__(self, image_shape, width, hidden):
        super().__init__()
        trunk = networks.trunk(
            image_shape[-1], image_shape, width, "relu", normalize_first=False
        )
        self.trunk = nn.Sequential(*trunk)
        features = networks.features_of(image_shape, width)
        self.head = nn.Sequential(
            nn.Flatten(),
            *networks.dense(features, hidden, "relu", "batch"),
            nn.Linear(hidden, 1),
        )

    def forward(self, images):
        features = self.trunk(images)
        return features, self.head(features)


class VAEGAN(Model):
    """One forward pass gives three losses, each with its own gradient."""

    def build(self, image_shape):
        latent_dim = self.config["latent_dim"]
        sizes = {k: self.config[k] for k in ("width", "hidden")}
        options = sizes | {"activation": "relu", "normalization": "batch"}
        return {
            "encoder": networks.encoder(image_shape, 2 * latent_dim, **options),
            "decoder": networks.decoder(image_shape, latent_dim, **options),
            "discriminator": Discriminator(image_shape, **sizes),
        }

    def make_optimizers(self):
        options = {"alpha": 0.9, "eps": 1e-7, "foreach": True}
        return {
            name: torch.optim.RMSprop(network.parameters(), 1e-3, **options)
            for name, network in self.networks.items()
        }

    def judge(self, images, x_rec, x_fake):
        """Returns the unlikeness of `x_rec`, the loss of what made both kinds of
        images, the discriminator's loss, and the terms to report."""
        discriminator = self.networks["discriminator"]
        logits = [discriminator(x)[1] for x in (images, x_rec, x_fake)]
        real_logits, rec_logits, fake_logits = logits
        features, _ = discriminator(torch.cat([images, x_rec]))  # normalised as one
        recon = 0.5 * squared_error(*features.chunk(2)).mean()
        gan = bce(real_logits, True) + bce(rec_logits, False) + bce(fake_logits, False)
        realism = -gan
        if self.config["loss"] == "non_saturating":
            realism = bce(rec_logits, True) + bce(fake_logits, True)
        terms = {"recon": recon, "gan": gan, "d_real": real_logits.sigmoid().mean()}
        return recon, realism, gan, terms | {"d_fake": fake_logits.sigmoid().mean()}

    def step(self, images, labels):
        encoder, decoder, _ = self.networks.values()
        z_mean, z_logvar = encoder(images).chunk(2, dim=1)
        z = z_mean + (0.5 * z_logvar).exp() * torch.randn_like(z_mean)
        x_rec, x_fake = decoder(z), decoder(torch.randn_like(z))
        kl = kl_normal(z_mean, z_logvar).mean()
        recon, realism, gan, terms = self.judge(images, x_rec, x_fake)
        losses = {
            "encoder": kl + recon,
            "decoder": self.config["gamma"] * recon + realism,
            "discriminator": gan,
        }
        for name, loss in losses.items():
            assign_gradients(loss, [self.networks[name]], retain_graph=loss is not gan)
        for optimizer in self.optimizers.values():
            optimizer.step()
        return terms | {"kl": kl}


MODELS = {
    "classifier": Classifier,
    "ae": AE,
    "vae": VAE,
    "gan": GAN,
    "gan_drawn_once": GANDrawnOnce,
    "vaegan": VAEGAN,
}
