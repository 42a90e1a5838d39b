# ---
# jupyter:
#   jupytext:
#     formats: ipynb,py:percent
#   kernelspec:
#     name: python3
#     display_name: Python 3
# ---

# %% [markdown]
# # Your own pictures
#
# A folder of pictures is a data set: sub-folders are classes, `train` and `test` are
# splits. Here a few hundred small flags are drawn first, so that the notebook runs
# anywhere; put your own folder in their place.

# %% tags=["install"]
# %pip install -q .

# %%
import pathlib

import numpy as np
from PIL import Image

random = np.random.default_rng(0)
colours = [(200, 30, 40), (30, 90, 180), (250, 200, 40), (20, 140, 80), (245, 245, 245)]
for kind in ("across", "down"):
    folder = pathlib.Path("flags", kind)
    folder.mkdir(parents=True, exist_ok=True)
    for number in range(150):
        flag = np.zeros((32, 32, 3), "uint8")
        for part in np.array_split(np.arange(32), 3):
            colour = colours[random.integers(len(colours))]
            if kind == "across":
                flag[part] = colour
            else:
                flag[:, part] = colour
        Image.fromarray(flag).save(folder / f"{number:03}.png")

# %% [markdown]
# What the zoo makes of the folder: how many images, of which size, which classes.

# %%
import zoo

zoo.data.info("folder:flags")

# %%
images, labels = zoo.data.arrays("folder:flags", "train")
zoo.show(images[:16], columns=8)

# %% [markdown]
# A small VAE learns them in half a minute. `likelihood="mse"` suits pictures in colour.

# %%
ds = zoo.data.load("folder:flags", batch_size=32)
model = zoo.get("vae", likelihood="mse", alpha=20.0, latent_dim=12, width=16)
history = model.fit(ds, epochs=120, verbose=0)

# %% [markdown]
# Test pictures, and below what is left of them after 12 numbers.

# %%
tests, classes = zoo.data.arrays("folder:flags", "test")
zoo.show(
    np.concatenate([tests[:8] / 127.5 - 1.0, model.reconstruct(tests[:8])]), columns=8
)

# %% [markdown]
# New flags, each a draw from the prior, and below each the training picture that is
# most like it: is it a copy? Some lie between the two kinds of flags, where the decoder
# was never taught: it draws their mean.

# %%
samples = model.sample(8, seed=0)
real = images / 127.5 - 1.0
distances = ((samples[:, None] - real[None]) ** 2).mean(axis=(2, 3, 4))
zoo.show(np.concatenate([samples, real[distances.argmin(axis=1)]]), columns=8)

# %% [markdown]
# The same training from the command line, with checkpoints, pictures of each epoch,
# scores and a page:
#
# ```
# python -m experiments.train --model=vae --dataset=folder:flags --set=likelihood=mse
# python -m experiments.evaluate --workdir=runs/vae-flags
# python -m experiments.playground --workdir=runs/vae-flags
# ```
