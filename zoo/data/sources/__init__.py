"""Where images come from, a kind a file."""
