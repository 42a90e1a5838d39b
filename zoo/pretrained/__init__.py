"""What comes trained."""
