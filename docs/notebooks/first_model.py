# ---
# jupyter:
#   jupytext:
#     formats: ipynb,py:percent
#   kernelspec:
#     name: python3
#     display_name: Python 3
# ---

# %% [markdown]
# # A first model
#
# A VAE-GAN learns handwritten digits in about a minute, and then makes new ones. In a
# hosted notebook, upload the project's folder and install it first.

# %% tags=["install"]
# %pip install -q .

# %%
import zoo

zoo.names()

# %% [markdown]
# `zoo.describe` tells what a model is: its paper, what each network descends, its
# settings.

# %%
zoo.describe("vaegan")

# %% [markdown]
# The data set of digits lies in a package, so no network is needed. `fit` takes arrays,
# batches and data sets.

# %%
ds = zoo.data.load("digits", batch_size=32)
model = zoo.get("vaegan")
history = model.fit(ds, epochs=12, verbose=0)
{term: round(values[-1], 3) for term, values in history.history.items()}

# %% [markdown]
# New images. The image of a seed is always the same, whatever is drawn beside it.

# %%
zoo.show(model.sample(32, seed=0), columns=8)

# %% [markdown]
# The model has an encoder, so it can also rebuild images that it never saw: above the
# test images, below what the decoder makes of their latents.

# %%
import numpy as np

images, labels = zoo.data.arrays("digits", "test")
zoo.show(
    np.concatenate([images[:8] / 127.5 - 1.0, model.reconstruct(images[:8])]), columns=8
)

# %% [markdown]
# A trained model is one file, which holds its optimizers too: a later `fit` goes on
# from there.

# %%
model.save("vaegan.keras")
again = zoo.load("vaegan.keras")
np.abs(again.sample(2, seed=0) - model.sample(2, seed=0)).max()
