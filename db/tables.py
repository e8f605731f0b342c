"""All tables of the project, so that `metadata` is complete wherever this is imported."""

import importlib
import pkgutil

import db
from db.base import Base

_WITHOUT_TABLES = {"base", "tables", "schema", "migrate", "migrations"}

for _module in pkgutil.iter_modules(db.__path__):
    if _module.name not in _WITHOUT_TABLES:
        importlib.import_module(f"db.{_module.name}")

metadata = Base.metadata
"""Holds the tables of every module in this folder."""
