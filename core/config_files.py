"""Reads the configuration, and says as a sentence what cannot be used. It never writes.

Order of precedence: environment (``ANSWERDESK__SECTION__KEY``), then what owners changed on the
console, then the YAML file, then the defaults.
"""

import os
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from pydantic import ValidationError
from pydantic_core import ErrorDetails
from pydantic_settings import YamlConfigSettingsSource

from core.config import ENVIRONMENT_PREFIX, Config
from core.errors import ConfigError
from core.wording import tr

_SHOWN_CHARS = 60
CHANGED_NAME = "settings.yaml"
"""In the data folder: what owners changed on the console."""


def variable_of(*keys: str) -> str:
    """Return the environment variable that sets a key, a part or all around it; empty: none."""
    names = sorted(name.upper() for name in os.environ)
    paths = [keys[:length] for length in range(len(keys), 0, -1)]
    wanted = [f"{ENVIRONMENT_PREFIX}{'__'.join(path)}".upper() for path in paths]
    parts = [name for name in names if name.startswith(f"{wanted[0]}__")]
    return next((name for name in (*wanted, *parts) if name in names), "")


def read_yaml(path: Path) -> dict[str, Any]:
    """Return the sections of a YAML file; none if there is no file. Raises `ConfigError`."""
    try:
        return YamlConfigSettingsSource(Config, yaml_file=path)()
    except Exception as error:  # YAML and settings sources raise several unrelated types
        raise ConfigError(f"{str(path)!r} cannot be read: {error}") from error


def load_config(path: Path, *, changed: Mapping[str, Mapping[str, Any]] | None = None) -> Config:
    """Read the configuration file, what counts above it by section and key, and the environment.

    Raises:
        ConfigError: naming the key, the value and what is expected.
    """
    if not path.is_file():
        raise ConfigError(
            f"The configuration file {str(path)!r} does not exist. "
            "Copy config.yaml from the project, or point ANSWERDESK_CONFIG at yours."
        )
    values = read_yaml(path)
    try:
        for section, keys in (changed or {}).items():
            values[section] = {**(values.get(section) or {}), **keys}
        return Config(**values)
    except ValidationError as error:
        raise BadSetting(path, error, changed or {}) from error


def with_value(config: Config, name: str, text: str) -> Config:
    """Return a configuration with another value of a setting, such as ``answers.answer_at``.

    Raises:
        ConfigError: if it cannot be used.
    """
    section, key = name.split(".")
    own = getattr(config, section)
    try:
        other = type(own).model_validate({**own.model_dump(), key: text})
    except ValidationError as error:
        reason = _reason(error.errors()[0])
        raise ConfigError(tr("%(name)s: %(text)s", name=name, text=reason)) from error
    return config.model_copy(update={section: other})


class BadSetting(ConfigError):
    """A value that cannot be used, or a key that there is not."""

    def __init__(
        self, path: Path, error: ValidationError, changed: Mapping[str, Mapping[str, Any]]
    ) -> None:
        # A mistyped key is often the reason why another one is missing.
        first = min(error.errors(), key=lambda one: one["type"] != "extra_forbidden")
        keys = [*map(str, first["loc"])]
        section, name, *_ = [*keys, "", ""]
        variable = variable_of(*keys)
        self.key = ".".join(keys)
        self.reason = _reason(first, as_json=bool(variable))
        where = variable or repr(CHANGED_NAME if name in changed.get(section, ()) else str(path))
        if first["type"] == "extra_forbidden":
            said = f"there is no key {self.key!r}. Remove or correct it."
        else:
            said = f"{self.key}: {self.reason}."
        super().__init__(f"{where}: {said}")


def _reason(error: ErrorDetails, *, as_json: bool = False) -> str:
    """Return what is wrong with a value and what may stand there, as the end of a sentence.

    `as_json`: as it is written in the environment.
    """
    value, context = error.get("input"), error.get("ctx", {})
    shown = f"“{str(value)[:_SHOWN_CHARS]}”"
    if value is None:
        return tr("it is empty; fill it in")
    match error["type"]:
        case "less_than_equal":
            most = f"{context['le']:g}"
            return tr("%(value)s is too much; write at most %(most)s", value=value, most=most)
        case "greater_than_equal":
            least = f"{context['ge']:g}"
            return tr("%(value)s is too little; write at least %(least)s", value=value, least=least)
        case "greater_than":
            least = f"{context['gt']:g}"
            return tr(
                "%(value)s is too little; write more than %(least)s", value=value, least=least
            )
        case "int_parsing" | "int_type" | "int_from_float":
            return tr("%(value)s is not a whole number; write one such as 30", value=shown)
        case "float_parsing" | "float_type" | "finite_number":
            return tr("%(value)s is not a number; write one such as 0.5", value=shown)
        case "bool_parsing" | "bool_type":
            return tr("%(value)s is neither; write true or false", value=shown)
        case "literal_error":
            expected = context["expected"]
            return tr("%(value)s is unknown; write %(known)s", value=shown, known=expected)
        case "string_pattern_mismatch":
            return tr(
                "%(value)s is not an address; write one such as https://www.example.com",
                value=shown,
            )
        case "model_type" | "model_attributes_type" | "dict_type" if as_json:
            return tr('%(value)s is not a section; write it as {"name": "value"}', value=shown)
        case "tuple_type" | "list_type" if as_json:
            return tr('%(value)s is not a list; write it as ["one", "two"]', value=shown)
        case "model_type" | "model_attributes_type" | "dict_type":
            return tr(
                "%(value)s is not a section; write its keys below it, such as name: value",
                value=shown,
            )
        case "tuple_type" | "list_type":
            return tr(
                "%(value)s is not a list; write one value a line, each after “- ”", value=shown
            )
        case "string_type" | "path_type":
            return tr("%(value)s is not text; write text, numbers in quotes", value=shown)
        case "missing":
            return tr("it is missing; add it")
        case "too_short":
            return tr("it is empty; write at least one line")
        case "string_too_short":
            return tr("it is empty; fill it in")
        case "too_long":
            most, there = context["max_length"], context["actual_length"]
            return tr("there are %(count)s; write at most %(most)s", count=there, most=most)
        case "string_too_long":
            most, there = context["max_length"], len(str(value))
            return tr(
                "%(value)s has %(count)s characters; write at most %(most)s",
                value=shown,
                count=there,
                most=most,
            )
        case _:
            return error["msg"].removeprefix("Value error, ")
