"""Measuring: labelled sets and figures. The service imports none of it."""
