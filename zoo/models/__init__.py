"""The models: one paper per file, which has the model's name and which `zoo.get`
imports."""
