"""Which embedders can be had as a file for onnxruntime, and what that file is called."""

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Literal, TypeAlias

Precision: TypeAlias = Literal["exact", "int8"]

FILES: Mapping[Precision, str] = {"exact": "exact-3", "int8": "int8-halves-3"}
"""Name of the file in ``onnx/``, without its suffix."""
RUNTIMES: Mapping[Precision, str] = {"exact": "", "int8": "int8-halves"}
"""What a way of computing adds to a fingerprint: other vectors, another name."""


class NotSupported(ValueError):
    """The folder holds something else than the kind of network that is written here."""


def check_supported(folder: Path) -> dict[str, Any]:
    """Return the folder's configuration.

    Raises:
        NotSupported: if it is not a BERT with mean pooling and nothing after it.
    """
    try:
        config: dict[str, Any] = json.loads((folder / "config.json").read_bytes())
        modules = json.loads((folder / "modules.json").read_bytes())
        kinds = [module["type"].rsplit(".", 1)[-1] for module in modules]
        pooling = json.loads((folder / modules[1]["path"] / "config.json").read_bytes())
    except (OSError, ValueError, LookupError, TypeError) as error:
        raise NotSupported(f"its configuration cannot be read ({error})") from error
    if config.get("model_type") != "bert" or config.get("hidden_act") != "gelu":
        raise NotSupported("it is not a BERT with GELU")
    if config.get("position_embedding_type", "absolute") != "absolute":
        raise NotSupported("its positions are not absolute")
    if kinds not in (["Transformer", "Pooling"], ["Transformer", "Pooling", "Normalize"]):
        raise NotSupported(f"it has the modules {', '.join(kinds)}")
    flags = {k for k, v in pooling.items() if k.startswith("pooling_mode_") and v}
    mode = pooling.get("pooling_mode", "mean" if flags == {"pooling_mode_mean_tokens"} else "")
    if mode != "mean":
        raise NotSupported("it does not pool by the mean")
    return config
