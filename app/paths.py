"""Where things are: the configuration file, the data folder, the demo shop."""

import os
from dataclasses import dataclass
from pathlib import Path

PROJECT = Path(__file__).resolve().parent.parent
"""The folder that holds the code, `config.yaml` and `demo/`."""


@dataclass(frozen=True, slots=True)
class Paths:
    """Every file and folder the service touches."""

    config: Path
    data: Path
    """Truth and index of one knowledge base."""
    models: Path
    """Weights; shared by all knowledge bases of the machine's data folder."""
    prefixes: Path
    """Stored model states."""

    @property
    def originals(self) -> Path:
        """Every file as received, named by its sha256."""
        return self.data / "originals"

    @property
    def index(self) -> Path:
        """LanceDB and what is derived from it."""
        return self.data / "index"

    @property
    def lock(self) -> Path:
        """Held by the one process that serves this data folder."""
        return self.data / "service.lock"


def find_config() -> Path:
    """Return ANSWERDESK_CONFIG, else ./config.yaml, else the one beside the code."""
    configured = os.environ.get("ANSWERDESK_CONFIG")
    if configured:
        return Path(configured).absolute()
    here = Path("config.yaml").absolute()
    return here if here.is_file() else PROJECT / "config.yaml"


def find_paths(data: Path, *, knowledge: str = "") -> Paths:
    """Return the paths under a data folder.

    `knowledge` names a knowledge base of its own beside the main one (``eval-…``, ``kb-…``); it
    shares the weights.
    """
    own = data / "bases" / knowledge if knowledge else data
    return Paths(config=find_config(), data=own, models=data / "models", prefixes=data / "prefixes")
