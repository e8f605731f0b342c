"""Operations for programs: one schema says what each takes, checks it, and stands in OpenAPI.

Of an operation's function the docstring is its description, and the types of `given` and of what
it returns are its schemas.
"""

import inspect
import json
import re
from collections.abc import Awaitable, Callable, Mapping, Sequence
from functools import cached_property
from typing import Any, TypeAlias, get_args, get_type_hints

from pydantic import BaseModel, ConfigDict, ValidationError
from pydantic.json_schema import JsonSchemaMode, models_json_schema
from pydantic_core import ErrorDetails
from starlette.requests import Request
from starlette.responses import JSONResponse, Response

from console.form import Endpoint, Refused
from core.errors import AnswerdeskError, ConversationErased, ReleaseNotFound, StorageError
from db.curation import CurationNotFound
from db.keys import Grant
from kb.releases.entries import EntryNotFound

Work: TypeAlias = Callable[[Request, Any], Awaitable[BaseModel | Response]]
Done: TypeAlias = Callable[[Request], Awaitable[None]]

LANGUAGE = r"^([A-Za-z]{2,3}([-_].*)?)?$"
NAME = r"^[A-Za-z0-9_-]{0,64}$"
BODY_BYTES = 64 * 1024
_HINTS = {
    LANGUAGE: "Write a code such as de, es or zh, or leave it out.",
    NAME: 'Use letters, digits, "-" and "_" alone, 64 of them at most.',
}
_NOT_FOUND = (EntryNotFound, ReleaseNotFound, CurationNotFound)
_NAMES = {"boolean": "true or false", "object": "an object", "null": "null"}
_MEASURED = {
    "integer": ("a whole number", " from", "minimum", "maximum", ""),
    "string": ("text", " of", "minLength", "maxLength", " characters"),
    "array": ("a list", " of", "minItems", "maxItems", " items"),
}
"""JSON Schema types with bounds: their names, and what the bounds count."""
_SHOWN_CHARS = 60
_MOST_NUMBER = 2**31
_PARAMETER = re.compile(r"{(\w+)(:int)?}")
_REFS = "#/components/schemas/{model}"


class Given(BaseModel):
    """What a program sends."""

    model_config = ConfigDict(frozen=True, extra="forbid", use_attribute_docstrings=True)


class Reply(BaseModel):
    """What a program gets."""

    model_config = ConfigDict(frozen=True, from_attributes=True, use_attribute_docstrings=True)


class Trouble(Reply):
    """Why there is no other reply."""

    error: str
    """What happened, as a sentence."""


class Operation:
    """Something that programs ask for."""

    def __init__(
        self,
        method: str,
        path: str,
        grant: Grant,
        work: Work,
        *,
        status: int = 200,
        max_body_bytes: int = BODY_BYTES,
    ) -> None:
        """`path` is Starlette's; `grant` is the right that a key needs."""
        self.method, self.path, self.grant = method, path, grant
        self.status, self.max_body_bytes = status, max_body_bytes
        self._work = work
        hints = get_type_hints(work)
        self.takes: type[BaseModel] | None = (
            None if hints["given"] is type(None) else hints["given"]
        )
        returns = hints["return"]  # one that may also return a stream is a union
        self.returns: type[BaseModel] = next(iter(get_args(returns)), returns)
        self.does = " ".join((inspect.getdoc(work) or "").split("\n\n")[0].split())

    def endpoint(self, done: Done) -> Endpoint:
        """Return the endpoint; `done` is called after a ``write``."""

        async def serve(request: Request) -> Response:
            for name, value in request.path_params.items():
                if isinstance(value, int) and value >= _MOST_NUMBER:
                    raise Refused(
                        f"Nothing has the {name} {value}: they end at {_MOST_NUMBER - 1}."
                    )
            if self.takes and self.method == "POST" and not _is_json(request):
                sentence = "Send the body as JSON with Content-Type: application/json."
                return refusal(request, sentence, 415)
            try:
                given = await self._given(request)
            except ValidationError as error:
                first = error.errors()[0]
                status = 400 if first["type"] == "json_invalid" else 422
                return refusal(request, self._wrong(first), status)
            try:
                reply = await self._work(request, given)
            except _NOT_FOUND as error:
                return refusal(request, str(error), 404)
            except (StorageError, ConversationErased):
                raise
            except AnswerdeskError as error:
                return refusal(request, str(error), 409)
            if self.grant == "write":
                await done(request)
            if isinstance(reply, Response):
                return reply
            body = reply.model_dump(mode="json")
            return JSONResponse(body, self.status, headers={"Cache-Control": "no-store"})

        return serve

    @cached_property
    def parameters(self) -> list[dict[str, Any]]:
        """The parameters of path and query, as OpenAPI has them."""
        found: list[dict[str, Any]] = []
        for name, number in _PARAMETER.findall(self.path):
            kind = {"type": "integer", "minimum": 0, "maximum": _MOST_NUMBER - 1}
            schema = kind if number else {"type": "string", "minLength": 1}
            found.append({"name": name, "in": "path", "required": True, "schema": schema})
        if self.takes and self.method == "GET":
            for name, schema in self.takes.model_json_schema()["properties"].items():
                found.append({"name": name, "in": "query", "schema": schema})
        return found

    async def _given(self, request: Request) -> BaseModel | None:
        if self.takes is None:
            return None
        if self.method == "GET":
            return self.takes.model_validate(dict(request.query_params))
        return self.takes.model_validate_json(await request.body())

    def _wrong(self, error: ErrorDetails) -> str:
        """Return what is wrong with what was sent, with the value, and what to do."""
        fields = self.takes.model_fields if self.takes else {}
        needed = ", ".join(f'"{name}": "…"' for name, one in fields.items() if one.is_required())
        send = f"Send {{{needed}}}."
        if not error["loc"]:
            what = "JSON" if error["type"] == "json_invalid" else "a JSON object"
            return f"The body is not {what}. {send}"
        assert self.takes
        field, wanted = _place(self.takes, error["loc"])
        value = error["input"]
        shown = json.dumps(value, ensure_ascii=False, default=str)
        shown = shown if len(shown) <= _SHOWN_CHARS else f"{shown[:_SHOWN_CHARS]}…"
        context = error.get("ctx", {})
        match error["type"]:
            case "missing":
                return f'"{field}" is missing. {send}'
            case "blank":
                return f'"{field}" is empty. {error["msg"]}'
            case "extra_forbidden":
                return f'"{field}" is not a field. Leave it out: there are {", ".join(fields)}.'
            case "string_too_long":
                most = context["max_length"]
                return f'"{field}" has {len(value):,} characters. Shorten it to {most:,} at most.'
            case "string_pattern_mismatch" if context["pattern"] in _HINTS:
                return f'"{field}" is {shown}. {_HINTS[context["pattern"]]}'
            case _:
                return f'"{field}" is {shown}. Write {wanted}.'


def _place(model: type[BaseModel], where: Sequence[int | str]) -> tuple[str, str]:
    """Return a place in what is sent, and in words what may stand there by the schema."""
    whole = model.model_json_schema()

    def at(schema: dict[str, Any]) -> dict[str, Any]:
        reference: str = schema.get("$ref", "")
        return whole["$defs"][reference.rsplit("/", 1)[-1]] if reference else schema

    schema, path = whole, []
    for step in where:
        options = [at(one) for one in schema.get("anyOf", [schema])]
        inner = [one["items"] for one in options if isinstance(step, int) and "items" in one]
        inner += [one["properties"][step] for one in options if step in one.get("properties", {})]
        if inner or "anyOf" not in schema:  # else it names one of several kinds, for us alone
            path.append(str(step))
        schema = at(inner[0]) if inner else schema
    options = [at(one) for one in schema.get("anyOf", [schema])]
    return ".".join(path), " or ".join(map(_in_words, options))


def _in_words(schema: Mapping[str, Any]) -> str:
    if "enum" in schema:
        return f"one of {', '.join(json.dumps(one) for one in schema['enum'])}"
    if schema["type"] in _NAMES:
        return _NAMES[schema["type"]]
    name, of, least, most, unit = _MEASURED[schema["type"]]
    if most not in schema:
        return name
    span = f"{schema[least]:,} to" if least in schema else "at most"
    return f"{name}{of} {span} {schema[most]:,}{unit}"


def openapi(operations: Sequence[Operation], *, title: str) -> dict[str, Any]:
    """Return the OpenAPI document of operations."""
    models: list[tuple[type[BaseModel], JsonSchemaMode]] = [(Trouble, "serialization")]
    for one in operations:
        models.append((one.returns, "serialization"))
        if one.takes and one.method != "GET":
            models.append((one.takes, "validation"))
    names, defined = models_json_schema(list(dict.fromkeys(models)), ref_template=_REFS)
    paths: dict[str, dict[str, Any]] = {}
    for one in operations:
        described: dict[str, Any] = {
            "summary": one.does,
            "description": f"A key needs the right `{one.grant}`.",
            "parameters": one.parameters,
            "responses": {
                str(one.status): _content("Done", names[one.returns, "serialization"]),
                "4XX": _content("Refused", names[Trouble, "serialization"]),
            },
        }
        if one.takes and one.method != "GET":
            body = _content("", names[one.takes, "validation"])["content"]
            described["requestBody"] = {"required": True, "content": body}
        path = _PARAMETER.sub(r"{\1}", one.path)
        paths.setdefault(path, {})[one.method.lower()] = described
    return {
        "openapi": "3.1.0",
        "info": {"title": title, "version": "1"},
        "security": [{"key": []}],
        "paths": paths,
        "components": {
            "schemas": defined["$defs"],
            "securitySchemes": {"key": {"type": "http", "scheme": "bearer"}},
        },
    }


def error_json(sentence: str, status: int) -> JSONResponse:
    """Return an error as JSON with one sentence."""
    return JSONResponse({"error": sentence}, status)


def refusal(request: Request, sentence: str, status: int) -> JSONResponse:
    """Return an error as JSON, below ``/v1/`` as clients of OpenAI expect it."""
    if not request.url.path.startswith("/v1/"):
        return error_json(sentence, status)
    error = {"message": sentence, "type": "invalid_request_error", "param": None, "code": None}
    return JSONResponse({"error": error}, status)


def _content(description: str, schema: dict[str, Any]) -> dict[str, Any]:
    return {"description": description, "content": {"application/json": {"schema": schema}}}


def _is_json(request: Request) -> bool:
    kind = request.headers.get("content-type", "").split(";")[0].strip().lower()
    return kind == "application/json"
