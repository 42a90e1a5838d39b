"""Network builders used by several models."""
