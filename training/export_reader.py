"""Write what ships of a trained reader: the averaged weights, in half precision.

python -m training.export_reader STATE.pt OUT.safetensors
"""

import sys
from pathlib import Path

import torch
from safetensors.torch import save_file

average = torch.load(sys.argv[1])["average"]
weights = {
    name.removeprefix("module."): tensor.half().contiguous()
    for name, tensor in average.items()
    if name != "n_averaged"
}
save_file(weights, Path(sys.argv[2]))
