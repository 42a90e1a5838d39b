"""Writes images and figures as files."""
