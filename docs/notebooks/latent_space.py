# ---
# jupyter:
#   jupytext:
#     formats: ipynb,py:percent
#   kernelspec:
#     name: python3
#     display_name: Python 3
# ---

# %% [markdown]
# # The latent space
#
# A VAE that comes trained. Its encoder writes an image as 16 numbers or more, the
# latent, and its decoder draws the image of any such numbers. Nothing is trained here.

# %% tags=["install"]
# %pip install -q .

# %%
import numpy as np

import zoo

model = zoo.get("vae", weights="digits")
images, labels = zoo.data.arrays("digits", "test")
z = model.encode(images)
z.shape

# %% [markdown]
# ## From one digit to another
#
# The straight line between two latents, drawn in ten steps.

# %%
zero, one = images[labels == 0][0], images[labels == 1][0]
zoo.show(model.interpolate(zero, one, steps=10), columns=10)

# %% [markdown]
# ## The mean of a class
#
# The decoder draws the mean latent of each digit. Compare it with the mean of the
# pixels, in the row below.

# %%
means = np.stack([z[labels == digit].mean(axis=0) for digit in range(10)])
pixels = np.stack([images[labels == digit].mean(axis=0) for digit in range(10)])
zoo.show(np.concatenate([model.decode(means), pixels / 127.5 - 1.0]), columns=10)

# %% [markdown]
# ## Arithmetic
#
# What leads from 3 to 8 is a direction. Added to other latents of a 3 it closes their
# loops.

# %%
threes = z[labels == 3][:10]
direction = means[8] - means[3]
rows = [model.decode(threes + share * direction) for share in (0.0, 0.5, 1.0)]
zoo.show(np.concatenate(rows), columns=10)

# %% [markdown]
# ## New digits
#
# Latents of new images are drawn from the prior, a normal distribution. The decoder
# knows what to do with most of them.

# %%
zoo.show(model.decode(model.prior(20, seed=0)), columns=10)
