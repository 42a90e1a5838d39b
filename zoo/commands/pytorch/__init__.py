"""The zoo's models once more, in idiomatic eager PyTorch: the measure of its speed.

Same networks, losses, noise, optimizers and batch size as in zoo/models, for
`experiments.benchmark` alone. Initial values are PyTorch's own, since speed does not
depend on them. PyTorch is optional: it is imported when a model is asked for.
"""
