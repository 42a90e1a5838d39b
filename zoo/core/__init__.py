"""What every model is."""
