"""Check objects and requests against aiogram's models of the Bot API."""

import json
import typing
from collections.abc import Mapping
from typing import Any

import aiogram.methods
from aiogram.methods.base import TelegramMethod
from aiogram.types import BufferedInputFile, TelegramObject
from pydantic import BaseModel, ValidationError

Json = dict[str, Any]


class NotBotApi(AssertionError):
    """An object or a request does not fit the Bot API."""


def check_object(kind: type[TelegramObject], value: Json) -> None:
    """Raise `NotBotApi` unless `value` is a valid `kind` without unknown fields."""
    try:
        model = kind.model_validate(value)
    except ValidationError as error:
        raise NotBotApi(f"{kind.__name__}: {error}\nin {value}") from error
    _no_unknown_fields(model, kind.__name__)


def check_request(
    name: str, form: Mapping[str, str], files: Mapping[str, BufferedInputFile]
) -> TelegramMethod[Any]:
    """Return the request as aiogram's method object; raise `NotBotApi` if it does not fit."""
    kind = _method(name)
    values: Json = dict(files)
    for key, text in form.items():
        field = kind.model_fields.get(key)
        is_json = field is not None and not _admits_text(field.annotation)
        values[key] = json.loads(text) if is_json and text[:1] in "[{" else text
    try:
        model = kind.model_validate(values)
    except ValidationError as error:
        raise NotBotApi(f"{name}: {error}") from error
    _no_unknown_fields(model, name)
    return model


def _method(name: str) -> type[TelegramMethod[Any]]:
    kind = getattr(aiogram.methods, name[:1].upper() + name[1:], None)
    if kind is None:
        raise NotBotApi(f"The Bot API has no method {name!r}.")
    return typing.cast(type[TelegramMethod[Any]], kind)


def _admits_text(annotation: object) -> bool:
    """Tell whether a field may be a bare string; a list of strings may not."""
    if typing.get_origin(annotation) is list:
        return False
    return annotation is str or any(_admits_text(part) for part in typing.get_args(annotation))


def _no_unknown_fields(model: BaseModel, where: str) -> None:
    if model.model_extra:
        raise NotBotApi(f"{where} has no field {sorted(model.model_extra)}.")
    for name in model.model_fields_set:
        value = getattr(model, name)
        for number, item in enumerate(value if isinstance(value, list) else [value]):
            if isinstance(item, BaseModel):
                _no_unknown_fields(item, f"{where}.{name}[{number}]")
            elif isinstance(item, list):
                for inner in item:
                    if isinstance(inner, BaseModel):
                        _no_unknown_fields(inner, f"{where}.{name}[{number}]")
