"""The version of the zoo, below everything that records it."""

VERSION = "0.5.0"
