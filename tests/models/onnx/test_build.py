import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from models.onnx.build import as_blocks
from models.weights.onnx_folder import NotSupported, check_supported

BERT = {"model_type": "bert", "hidden_act": "gelu"}
MEAN = {"pooling_mode": "mean"}


def write_folder(folder: Path, config: dict[str, Any], pooling: dict[str, Any], *more: str) -> Path:
    kinds = ["Transformer", "Pooling", *more]
    modules = [
        {"idx": n, "path": f"{n}_{kind}" if n else "", "type": f"sentence_transformers.{kind}"}
        for n, kind in enumerate(kinds)
    ]
    (folder / "1_Pooling").mkdir()
    for path, content in (
        ("config.json", config),
        ("modules.json", modules),
        ("1_Pooling/config.json", pooling),
    ):
        (folder / path).write_text(json.dumps(content))
    return folder


def test_weights_that_are_blocks_in_disguise_are_found_without_loss() -> None:
    rng = np.random.default_rng(1)
    codes = rng.integers(-8, 8, (40, 64)).astype(np.float32)
    codes[3] = 0
    codes[5, :32] = np.minimum(codes[5, :32], 2)
    scales = rng.normal(size=(40, 2)).astype(np.float16).astype(np.float32)
    weights = codes * np.repeat(scales, 32, axis=1)
    found = as_blocks(weights)
    assert found is not None
    packed, found_scales = found
    assert packed.shape == (40, 2, 16)
    nibbles = np.stack([packed & 15, packed >> 4], axis=-1).reshape(40, 64).astype(np.float32)
    assert np.array_equal((nibbles - 8) * np.repeat(found_scales, 32, axis=1), weights)


def test_ordinary_weights_are_left_as_they_are() -> None:
    weights = np.random.default_rng(1).normal(size=(4, 64)).astype(np.float32)
    assert as_blocks(weights) is None
    assert as_blocks(np.zeros((4, 33), np.float32)) is None


@pytest.mark.parametrize(
    ("config", "pooling", "more", "reason"),
    [
        (BERT | {"model_type": "mpnet"}, MEAN, (), "not a BERT"),
        (BERT | {"hidden_act": "relu"}, MEAN, (), "not a BERT with GELU"),
        (BERT | {"position_embedding_type": "relative_key"}, MEAN, (), "not absolute"),
        (BERT, {"pooling_mode": "cls"}, (), "does not pool by the mean"),
        (BERT, {"pooling_mode_cls_token": True}, (), "does not pool by the mean"),
        (BERT, MEAN, ("Dense",), "has the modules Transformer, Pooling, Dense"),
    ],
)
def test_another_network_stays_on_torch(
    tmp_path: Path,
    config: dict[str, Any],
    pooling: dict[str, Any],
    more: tuple[str, ...],
    reason: str,
) -> None:
    with pytest.raises(NotSupported, match=reason):
        check_supported(write_folder(tmp_path, config, pooling, *more))


def test_old_and_new_names_of_mean_pooling_are_known(tmp_path: Path) -> None:
    old = {"pooling_mode_mean_tokens": True, "pooling_mode_cls_token": False}
    assert check_supported(write_folder(tmp_path, BERT, old, "Normalize"))["model_type"] == "bert"


def test_a_folder_that_is_no_model_is_refused(tmp_path: Path) -> None:
    with pytest.raises(NotSupported, match="its configuration cannot be read"):
        check_supported(tmp_path)
