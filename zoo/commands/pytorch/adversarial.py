"""More models with a discriminator in PyTorch; see `zoo.commands.pytorch.models`."""

import torch
from torch import nn

from zoo.commands.pytorch import networks
from zoo.commands.pytorch.models import (
    GAN,
    VAEGAN,
    Model,
    assign_gradients,
    bce,
    freeze,
    kl_normal,
    move,
    squared_error,
)


class WGAN(GAN):
    """Takes five steps of the critic, each on images of its own, for one of the
    generator."""

    def build(self, image_shape):
        generator = super().build(image_shape)["generator"]
        critic = networks.encoder(
            image_shape,
            1,
            self.config["width"],
            0,
            normalization="batch" if self.config["penalty"] == "clip" else None,
            normalize_first=False,
            bias=False,
        )
        return {"critic": critic, "generator": generator}

    def make_optimizers(self):
        if self.config["penalty"] == "clip":
            make, options = torch.optim.RMSprop, {"lr": 5e-5, "foreach": True}
        else:
            make, options = torch.optim.Adam, {"lr": 1e-4, "betas": (0.0, 0.9)}
            options |= {"fused": True, "eps": 1e-7}
        return {
            name: make(network.parameters(), **options)
            for name, network in self.networks.items()
        }

    def step(self, images, labels):
        totals, count = {}, self.config["critic_steps"]
        for i in range(count):
            for name, term in self.critic_step(images[i::count]).items():
                totals[name] = totals.get(name, 0) + term.detach() / count
        critic = self.networks["critic"]
        freeze(critic, True)  # the generator's step needs no gradient by it
        g_loss = -critic(self.generate(len(images[::count]))).mean()
        move(self.optimizers["generator"], g_loss)
        freeze(critic, False)
        self.average.update_parameters(self.networks["generator"])
        return totals | {"g_loss": g_loss}

    def critic_step(self, images):
        critic = self.networks["critic"]
        with torch.no_grad():
            x_fake = self.generate(len(images))
        wasserstein = critic(images).mean() - critic(x_fake).mean()
        if self.config["penalty"] == "gradient":
            gp = self.penalty(images, x_fake)
            loss = self.config["gp_weight"] * gp - wasserstein
            move(self.optimizers["critic"], loss)
            return {"wasserstein": wasserstein, "gp": gp}
        move(self.optimizers["critic"], -wasserstein)
        bound, weights = self.config["clip"], list(critic.parameters())
        with torch.no_grad():
            for weight in weights:
                weight.clamp_(-bound, bound)
            hits = sum((weight.abs() >= bound).sum() for weight in weights)
        clipped = hits / sum(weight.numel() for weight in weights)
        return {"wasserstein": wasserstein, "clipped": clipped}

    def penalty(self, images, x_fake):
        weight = torch.rand(len(images), 1, 1, 1)
        x_hat = (weight * images + (1 - weight) * x_fake).requires_grad_()
        # This is a view, because the counter of operations hooks into the inputs of a
        # network, and PyTorch allows no hook on a leaf within autograd.grad.
        score = self.networks["critic"](x_hat.view_as(x_hat)).sum()
        (gradient,) = torch.autograd.grad(score, x_hat, create_graph=True)
        return (gradient.flatten(1).norm(dim=1) - 1).square().mean()


class WithLabels(nn.Module):
    """A discriminator of images with the label as planes beside their channels."""

    def __init__(self, network):
        super().__init__()
        self.network = network

    def forward(self, images, y):
        planes = y[:, :, None, None].expand(-1, -1, *images.shape[2:])
        return self.network(torch.cat([images, planes], dim=1))


class CGAN(GAN):
    """Gives the label to both players: as planes of the image and behind the noise."""

    def build(self, image_shape):
        num_classes, config = self.config["num_classes"], self.config
        self.config = config | {"latent_dim": config["latent_dim"] + num_classes}
        generator = super().build(image_shape)["generator"]
        self.config = config
        sizes = {"width": config["width"], "hidden": 0, "normalization": "batch"}
        shape = (*image_shape[:2], image_shape[2] + num_classes)
        network = networks.encoder(shape, 1, normalize_first=False, **sizes)
        return {"discriminator": WithLabels(network), "generator": generator}

    def generate(self, y):
        z = torch.randn(len(y), self.config["latent_dim"])
        return self.networks["generator"](torch.cat([z, y], dim=1))

    def step(self, images, labels):
        y = nn.functional.one_hot(labels, self.config["num_classes"]).float()
        discriminator = self.networks["discriminator"]
        with torch.no_grad():
            x_fake = self.generate(y)
        real_logits, fake_logits = discriminator(images, y), discriminator(x_fake, y)
        d_loss = bce(real_logits, True) + bce(fake_logits, False)
        move(self.optimizers["discriminator"], d_loss)
        freeze(discriminator, True)
        g_loss = bce(discriminator(self.generate(y), y), True)
        move(self.optimizers["generator"], g_loss)
        freeze(discriminator, False)
        self.average.update_parameters(self.networks["generator"])
        d_real, d_fake = real_logits.sigmoid().mean(), fake_logits.sigmoid().mean()
        return {"d_loss": d_loss, "g_loss": g_loss, "d_real": d_real, "d_fake": d_fake}


class OfPairs(nn.Module):
    """A discriminator of pairs (image, z)."""

    def __init__(self, image_shape, latent_dim, width, hidden):
        super().__init__()
        trunk = networks.trunk(
            image_shape[-1], image_shape, width, normalize_first=False
        )
        self.trunk = nn.Sequential(*trunk, nn.Flatten())
        self.code = nn.Sequential(*networks.dense(latent_dim, hidden, "leaky_relu"))
        features = networks.features_of(image_shape, width) + hidden
        self.head = nn.Sequential(
            *networks.dense(features, hidden, "leaky_relu"), nn.Linear(hidden, 1)
        )

    def forward(self, images, z):
        return self.head(torch.cat([self.trunk(images), self.code(z)], dim=1))


class BiGAN(GAN):
    """Three networks that move at once, two of them down one loss."""

    def build(self, image_shape):
        generator = super().build(image_shape)["generator"]
        latent_dim, width = self.config["latent_dim"], self.config["width"]
        encoder = networks.encoder(
            image_shape, latent_dim, width, 0, normalization="batch"
        )
        average = torch.optim.swa_utils.get_ema_multi_avg_fn(self.config["ema_decay"])
        self.encoder_average = torch.optim.swa_utils.AveragedModel(
            encoder, multi_avg_fn=average
        )
        hidden = self.config["hidden"]
        return {
            "discriminator": OfPairs(image_shape, latent_dim, width, hidden),
            "encoder": encoder,
            "generator": generator,
        }

    def to(self, **options):
        self.encoder_average.to(**options)
        return super().to(**options)

    def step(self, images, labels):
        discriminator, encoder, generator = self.networks.values()
        z_prior = torch.randn(len(images), self.config["latent_dim"])
        real_logits = discriminator(images, encoder(images))
        fake_logits = discriminator(generator(z_prior), z_prior)
        d_loss = bce(real_logits, True) + bce(fake_logits, False)
        g_loss = bce(real_logits, False) + bce(fake_logits, True)
        assign_gradients(g_loss, [encoder, generator], retain_graph=True)
        assign_gradients(d_loss, [discriminator])
        for optimizer in self.optimizers.values():
            optimizer.step()
        self.average.update_parameters(generator)
        self.encoder_average.update_parameters(encoder)
        d_real, d_fake = real_logits.sigmoid().mean(), fake_logits.sigmoid().mean()
        return {"d_loss": d_loss, "g_loss": g_loss, "d_real": d_real, "d_fake": d_fake}


class VAEGANHybrid(VAEGAN):
    """Has a generator besides the VAE's decoder."""

    def build(self, image_shape):
        parts = super().build(image_shape)
        options = {k: self.config[k] for k in ("width", "hidden")}
        options |= {"activation": "relu", "normalization": "batch"}
        generator = networks.decoder(image_shape, self.config["latent_dim"], **options)
        order = ("encoder", "decoder", "generator", "discriminator")
        parts["generator"] = generator
        return {name: parts[name] for name in order}

    def step(self, images, labels):
        encoder, decoder, generator, discriminator = self.networks.values()
        z_mean, z_logvar = encoder(images).chunk(2, dim=1)
        z = z_mean + (0.5 * z_logvar).exp() * torch.randn_like(z_mean)
        x_vae, x_rec = decoder(z), generator(z)
        x_fake = generator(torch.randn_like(z))
        kl = kl_normal(z_mean, z_logvar).mean()
        error = squared_error(images, x_vae).mean()
        recon, realism, gan, terms = self.judge(images, x_rec, x_fake)
        vae = kl + self.config["alpha"] * error
        assign_gradients(vae, [encoder, decoder], retain_graph=True)
        loss = self.config["gamma"] * recon + realism
        assign_gradients(loss, [generator], retain_graph=True)
        assign_gradients(gan, [discriminator])
        for optimizer in self.optimizers.values():
            optimizer.step()
        return terms | {"kl": kl, "mse": error / images[0].numel()}


MODELS: dict[str, type[Model]] = {
    "wgan": WGAN,
    "cgan": CGAN,
    "bigan": BiGAN,
    "vaegan_hybrid": VAEGANHybrid,
}
