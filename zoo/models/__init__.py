"""The models, one paper a file; each registers itself on import."""
