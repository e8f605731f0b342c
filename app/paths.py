"""Where things are: the configuration file, the data folder, the demo shop."""

import os
from dataclasses import dataclass
from pathlib import Path

PROJECT = Path(__file__).resolve().parent.parent
"""The folder that holds the code, `config.yaml` and `demo/`."""


@dataclass(frozen=True, slots=True)
class Paths:
    """Every file and folder of one knowledge base."""

    root: Path
    """The data folder; weights and stored model states are shared by all knowledge bases in it."""
    data: Path
    """Truth and index of this knowledge base; `root` itself for the main one."""

    @property
    def is_main(self) -> bool:
        """Whether this is the knowledge base that the service answers from."""
        return self.data == self.root

    @property
    def originals(self) -> Path:
        """Every file as received, named by its sha256."""
        return self.data / "originals"

    @property
    def index(self) -> Path:
        """LanceDB; derived from truth."""
        return self.data / "index"

    @property
    def rankers(self) -> Path:
        """What was trained for each release; derived."""
        return self.data / "rankers"

    @property
    def spool(self) -> Path:
        """Vectors of a run of ingest that is not published yet; may be deleted."""
        return self.data / "spool"

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


def find_paths(root: Path, *, knowledge_base: str = "") -> Paths:
    """Return the paths of the main knowledge base, or of another one beside it."""
    return Paths(root=root, data=root / "bases" / knowledge_base if knowledge_base else root)
