"""What PyTorch 1.13 finds in each of the real files: checkpoints.json. Wants the folder of the unpacked files as its argument."""
import glob
import json
import os
import sys

import torch

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path.insert(0, os.path.join(HERE, "..", "pytorch"))
from tree import describe  # noqa: E402

out = {}
for path in sorted(glob.glob(os.path.join(sys.argv[1], "**", "*"), recursive=True)):
    if not path.endswith((".pt", ".pth", ".th", ".pth.tar", ".bin")):
        continue
    name = os.path.relpath(path, sys.argv[1])
    if name.startswith(("quantized", "torchscript", "truncated")):
        continue  # these are to be refused
    out[name] = list(describe(torch.load(path, map_location="cpu")))
    print(name, len(out[name]), "lines")
with open(os.path.join(HERE, "checkpoints.json"), "w") as file:
    json.dump(out, file, indent=0)
