"""Adapters: embedder, generator, their processes, the catalogue of weights."""
