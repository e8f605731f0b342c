"""What ``models.embedder`` and ``models.generator`` of the configuration may say."""

from dataclasses import dataclass
from pathlib import Path
from typing import TypeAlias
from urllib.parse import parse_qsl, urldefrag, urlsplit

from core.errors import ConfigError

_FORMS = (
    'a name of the catalogue, "path:FOLDER" or "path:FILE.gguf", "hub:OWNER/NAME" or '
    '"hub:OWNER/NAME/FILE.gguf", "url:http://HOST:PORT/v1#MODEL", or "off" for the generator'
)
_SERVER_OPTIONS = ("query_prompt", "passage_prompt", "max_tokens", "input_type", "context_tokens")


@dataclass(frozen=True, slots=True)
class Named:
    """A model of the catalogue."""

    name: str


@dataclass(frozen=True, slots=True)
class Local:
    """Weights the operator put there: a sentence-transformers folder, or a GGUF file."""

    path: Path


@dataclass(frozen=True, slots=True)
class Hub:
    """A Hugging Face repository; `file` names the GGUF in it, and is empty for an embedder."""

    repo: str
    file: str = ""


@dataclass(frozen=True, slots=True)
class Server:
    """A server that speaks the OpenAI API."""

    base_url: str
    """Ends in the version, without a slash: ``http://127.0.0.1:8000/v1``."""
    model: str
    query_prompt: str = ""
    passage_prompt: str = ""
    max_tokens: int = 512
    """Longest text an embedding server reads."""
    input_type: bool = False
    """Send ``input_type: query | passage``; for servers that add the prompts themselves."""
    context_tokens: int = 4096
    """Longest prompt and reply of a chat server."""


@dataclass(frozen=True, slots=True)
class Off:
    """No generator: replies are built without one."""


Spec: TypeAlias = Named | Local | Hub | Server | Off


def parse_spec(text: str) -> Spec:
    """Read one value of the configuration.

    Raises:
        ConfigError: with the value and the forms that are allowed.
    """
    text = text.strip()
    scheme, colon, rest = text.partition(":")
    if text == "off":
        return Off()
    if text and not colon:
        return Named(text)
    if scheme == "path" and rest:
        return Local(Path(rest).expanduser())
    if scheme == "hub":
        return _hub(text, rest)
    if scheme == "url":
        return _server(text, rest)
    raise ConfigError(f"{text!r} names no model. Write {_FORMS}.")


def _hub(text: str, rest: str) -> Hub:
    parts = rest.split("/")
    if len(parts) < 2 or not all(parts) or ".." in parts:
        raise ConfigError(f"{text!r} names no repository. Write {_FORMS}.")
    return Hub("/".join(parts[:2]), "/".join(parts[2:]))


def _server(text: str, rest: str) -> Server:
    address, fragment = urldefrag(rest)
    model, _, query = fragment.partition("?")
    parts = urlsplit(address)
    if parts.scheme not in ("http", "https") or not parts.hostname:
        raise ConfigError(f"{text!r} has no http address. Write {_FORMS}.")
    options = dict(parse_qsl(query, keep_blank_values=True))
    unknown = [key for key in options if key not in _SERVER_OPTIONS]
    if unknown:
        raise ConfigError(
            f"{text!r}: there is no option {unknown[0]!r}; "
            f"after MODEL? there may be {', '.join(_SERVER_OPTIONS)}."
        )
    try:
        return Server(
            base_url=address.rstrip("/"),
            model=model,
            query_prompt=options.get("query_prompt", ""),
            passage_prompt=options.get("passage_prompt", ""),
            max_tokens=int(options.get("max_tokens", "512")),
            input_type=options.get("input_type", "") in ("1", "true", "yes"),
            context_tokens=int(options.get("context_tokens", "4096")),
        )
    except ValueError as error:
        raise ConfigError(f"{text!r}: {error}. Write a whole number.") from error
