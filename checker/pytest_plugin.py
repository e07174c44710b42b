"""The pytest plugin (stub, to be written)."""
