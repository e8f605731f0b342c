"""Measuring: labelled sets, figures, reports, benchmarks. The service imports none of it."""
