"""Nouns: types, protocols, errors, configuration, metrics. Imports nothing of ours."""
