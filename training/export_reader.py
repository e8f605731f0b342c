"""Write what ships of a trained reader: half-precision weights.

python -m training.export_reader STATE.pt OUT.safetensors
"""

import sys
from pathlib import Path

import torch
from safetensors.torch import save_file

state = torch.load(sys.argv[1])["reader"]
save_file({name: tensor.half().contiguous() for name, tensor in state.items()}, Path(sys.argv[2]))
