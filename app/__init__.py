"""Composition: CLI, wiring, one event loop. The only code that knows concrete classes."""
