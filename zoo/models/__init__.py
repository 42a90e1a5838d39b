"""The models, one paper a file, called as the model; `zoo.get` imports it."""
