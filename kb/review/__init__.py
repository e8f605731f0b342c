"""Checks before texts go live: golden questions, conflicts, changed answers."""
