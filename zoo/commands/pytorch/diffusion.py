"""Models that remove noise in PyTorch; see `zoo.commands.pytorch.models`."""

import math

import torch
import torch.nn.functional as F
from torch import nn
from torch.optim import swa_utils

from zoo.commands.pytorch import networks
from zoo.commands.pytorch.models import Model, move

SIZES = ("width", "mult", "depth", "attention", "patch", "dropout", "num_classes")


def group_norm(channels):
    """Normalises over at most 32 groups of at least four channels."""
    most = min(32, max(channels // 4, 1))
    groups = max(g for g in range(1, most + 1) if channels % g == 0)
    return nn.GroupNorm(groups, channels, eps=1e-6)


class TimeEmbedding(nn.Module):
    """Times `[B]` -> features `[B, units]`."""

    def __init__(self, units):
        super().__init__()
        half = max(units // 8, 2)
        frequencies = torch.exp(-math.log(10_000) * torch.arange(half) / (half - 1))
        self.register_buffer("frequencies", frequencies)
        self.dense = nn.Sequential(
            nn.Linear(2 * half, units), nn.SiLU(), nn.Linear(units, units)
        )

    def forward(self, times):
        angles = times[:, None] * self.frequencies
        return self.dense(torch.cat([angles.sin(), angles.cos()], dim=1))


class ResidualBlock(nn.Module):
    """Two convolutions, between which the time is added, and a shortcut around them."""

    def __init__(self, channels_in, channels, units, dropout):
        super().__init__()
        self.first = nn.Sequential(
            group_norm(channels_in),
            nn.SiLU(),
            nn.Conv2d(channels_in, channels, 3, padding=1),
        )
        self.time = nn.Linear(units, channels)
        self.second = nn.Sequential(
            group_norm(channels),
            nn.SiLU(),
            nn.Dropout(dropout),
            nn.Conv2d(channels, channels, 3, padding=1),
        )
        same = channels_in == channels
        self.shortcut = nn.Identity() if same else nn.Conv2d(channels_in, channels, 1)

    def forward(self, x, embedding):
        h = self.first(x) + self.time(embedding)[:, :, None, None]
        return self.shortcut(x) + self.second(h)


class Attention(nn.Module):
    """Self-attention of one head over all positions, with a shortcut around it."""

    def __init__(self, channels):
        super().__init__()
        self.norm = group_norm(channels)
        self.project_in = nn.Linear(channels, 3 * channels, bias=False)
        self.project_out = nn.Linear(channels, channels)

    def forward(self, x):
        h = self.norm(x).flatten(2).transpose(1, 2)
        h = F.scaled_dot_product_attention(*self.project_in(h).chunk(3, dim=2))
        return x + self.project_out(h).transpose(1, 2).reshape(x.shape)


class UNet(nn.Module):
    """(Images `[B, C, H, W]`, times `[B]`, labels `[B]`) -> images; see
    zoo/networks/unet.py."""

    def __init__(
        self, image_shape, width, mult, depth, attention, patch, dropout, num_classes
    ):
        super().__init__()
        self.patch, self.size = patch, image_shape[:2]
        folded = [-(-side // patch) for side in self.size]
        self.sizes = networks.level_sizes(folded)[: len(mult)]
        widths = [width * m for m in mult[: len(self.sizes)]]
        units, channels = 4 * width, image_shape[2] * patch**2
        self.time = TimeEmbedding(units)
        self.label = nn.Embedding(num_classes + 1, units) if num_classes else None

        def block(channels_in, level):
            residual = ResidualBlock(channels_in, widths[level], units, dropout)
            attends = Attention(widths[level]) if level in attention else nn.Identity()
            return nn.ModuleList([residual, attends])

        self.first = nn.Conv2d(channels, width, 3, padding=1)
        self.down, skips = self._way_down(width, widths, depth, block)
        now = widths[-1]
        self.middle = nn.ModuleList(
            [
                ResidualBlock(now, now, units, dropout),
                Attention(now),
                ResidualBlock(now, now, units, dropout),
            ]
        )
        self.up = self._way_up(skips, widths, depth, block)
        self.last = nn.Sequential(
            group_norm(widths[0]),
            nn.SiLU(),
            nn.Conv2d(widths[0], channels, 3, padding=1),
        )

    def _way_down(self, width, widths, depth, block):
        """Returns the levels on the way down, and the channels of all skips."""
        levels, skips, now = nn.ModuleList(), [width], width
        for level, wide in enumerate(widths):
            parts = nn.ModuleDict({"blocks": nn.ModuleList()})
            if level:
                height, breadth = self.sizes[level - 1]
                parts["downsample"] = nn.Sequential(  # the padding is that of Keras
                    nn.ZeroPad2d((breadth % 2, 1, height % 2, 1)),
                    nn.Conv2d(now, now, 3, 2),
                )
                skips.append(now)
            for _ in range(depth):
                parts["blocks"].append(block(now, level))
                skips.append(wide)
                now = wide
            levels.append(parts)
        return levels, skips

    def _way_up(self, skips, widths, depth, block):
        """Returns the levels on the way up, from the smallest images on."""
        levels, now = nn.ModuleList(), widths[-1]
        for level in reversed(range(len(widths))):
            parts = nn.ModuleDict({"blocks": nn.ModuleList()})
            for _ in range(depth + 1):
                parts["blocks"].append(block(now + skips.pop(), level))
                now = widths[level]
            if level:
                parts["upsample"] = nn.Conv2d(now, now, 3, padding=1)
            levels.append(parts)
        return levels

    def forward(self, x, times, labels=None):
        embedding = self.time(times)
        if self.label is not None:
            embedding = embedding + self.label(labels)
        embedding = F.silu(embedding)
        height, width = self.size
        x = F.pad(x, (0, -width % self.patch, 0, -height % self.patch))
        x = self.first(F.pixel_unshuffle(x, self.patch))
        skips = [x]
        for level in self.down:
            if "downsample" in level:
                x = level["downsample"](x)
                skips.append(x)
            for block, attend in level["blocks"]:
                x = attend(block(x, embedding))
                skips.append(x)
        first, attend, second = self.middle
        x = second(attend(first(x, embedding)), embedding)
        for level, size in zip(self.up, [*self.sizes[-2::-1], None]):
            for block, attend in level["blocks"]:
                x = attend(block(torch.cat([x, skips.pop()], dim=1), embedding))
            if "upsample" in level:
                x = F.interpolate(x, scale_factor=2)[:, :, : size[0], : size[1]]
                x = level["upsample"](x)
        return F.pixel_shuffle(self.last(x), self.patch)[:, :, :height, :width]


class Denoiser(Model):
    """Base of both models: the network, its average, labels, and a loop of steps."""

    def build(self, image_shape):
        self.image_shape = image_shape
        unet = UNet(image_shape, **{key: self.config[key] for key in SIZES})
        average = swa_utils.get_ema_multi_avg_fn(self.config["ema_decay"])
        self.average = swa_utils.AveragedModel(unet, multi_avg_fn=average)
        self.average.eval()
        return {"unet": unet}

    def to(self, **options):
        self.average.to(**options)
        return super().to(**options)

    def make_optimizers(self):
        return torch.optim.Adam(self.parameters(), 2e-4, eps=1e-7, fused=True)

    def learn(self, loss):
        move(self.optimizers, loss)
        self.average.update_parameters(self.networks["unet"])

    def drop(self, labels):
        is_dropped = torch.rand(len(labels)) < self.config["label_dropout"]
        return torch.where(is_dropped, self.config["num_classes"], labels)

    @torch.inference_mode()
    def sample(self, count, steps):
        """Returns `count` images after `steps` steps without fresh noise."""
        height, width, channels = self.image_shape
        x = torch.randn(count, channels, height, width)
        labels = torch.randint(max(self.config["num_classes"], 1), (count,))
        for level, below in self.levels(steps):
            t, alpha, sigma = level
            output = self.average(x, torch.full((count,), t), labels)
            x_0, eps = self.interpret(output, x, alpha, sigma)
            inside = x_0.clamp(-1, 1)
            eps = eps + alpha / sigma * (x_0 - inside)
            x = below[1] * inside + below[2] * eps
        return x


class DDPM(Denoiser):
    """The network predicts eps, the loss has no weights, and DDIM samples."""

    def __init__(self, image_shape, config):
        super().__init__(image_shape, config)
        count = config["num_timesteps"]
        betas = torch.linspace(1e-4, 0.02, count) * 1000 / count
        self.alpha_bar = (1 - betas.clamp(max=0.999)).cumprod(0)

    def step(self, images, labels):
        t = torch.randint(self.config["num_timesteps"], (len(images),))
        eps = torch.randn_like(images)
        alpha_bar = self.alpha_bar[t][:, None, None, None]
        x_t = alpha_bar.sqrt() * images + (1 - alpha_bar).sqrt() * eps
        output = self.networks["unet"](x_t, t.float(), self.drop(labels))
        denoising = F.mse_loss(output, eps)
        self.learn(denoising)
        return {"denoising": denoising}

    def levels(self, steps):
        count = self.config["num_timesteps"]
        times = (torch.arange(steps, 0, -1) * count / steps - 1).round()
        kept = torch.cat([self.alpha_bar[times.long()], torch.ones(1)])
        times = torch.cat([times, torch.zeros(1)]).tolist()
        rows = list(zip(times, kept.sqrt().tolist(), (1 - kept).sqrt().tolist()))
        return zip(rows, rows[1:])

    def interpret(self, output, x, alpha, sigma):
        return (x - sigma * output) / alpha, output


class Flow(Denoiser):
    """Follows straight lines; Euler's method samples."""

    def step(self, images, labels):
        t = torch.rand(len(images))
        eps, share = torch.randn_like(images), t[:, None, None, None]
        x_t = (1 - share) * images + share * eps
        output = self.networks["unet"](x_t, 1000 * t, self.drop(labels))
        velocity = F.mse_loss(output, eps - images)
        self.learn(velocity)
        return {"velocity": velocity}

    def levels(self, steps):
        times = torch.linspace(1, 0, steps + 1).tolist()
        rows = [(1000 * t, 1 - t, t) for t in times]
        return zip(rows, rows[1:])

    def interpret(self, output, x, alpha, sigma):
        return x - sigma * output, x + alpha * output


MODELS: dict[str, type[Model]] = {"ddpm": DDPM, "flow": Flow}
