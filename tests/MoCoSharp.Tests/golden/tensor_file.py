"""Writes safetensors by hand, and the values that both sides compute alike."""
import json
import os
import struct
import zlib

import numpy as np
import torch

TYPES = {torch.float64: "F64", torch.float32: "F32", torch.int64: "I64"}


def write(name, tensors):
    header, offset, blobs = {}, 0, []
    for key, value in tensors.items():
        blob = value.detach().contiguous().numpy().tobytes()
        header[key] = dict(dtype=TYPES[value.dtype], shape=list(value.shape), data_offsets=[offset, offset + len(blob)])
        offset += len(blob)
        blobs.append(blob)
    text = json.dumps(header).encode()
    text += b" " * (-len(text) % 8)
    with open(os.path.join(os.path.dirname(os.path.abspath(__file__)), name), "wb") as file:
        file.write(struct.pack("<q", len(text)) + text + b"".join(blobs))
    print(name, len(tensors), "tensors", offset, "bytes")


def view(step, number, shape, dtype=torch.float64):
    """value(n, p) = (((37 + 11 n) p + 104729 (number + 2 step)) mod 1009) / 504.5 - 1 for row n and flat index p within it: a texture a row."""
    n = np.arange(shape[0], dtype=np.int64)[:, None]
    p = np.arange(int(np.prod(shape[1:])), dtype=np.int64)[None, :]
    return torch.from_numpy((((37 + 11 * n) * p + 104729 * (number + 2 * step)) % 1009) / 504.5 - 1).reshape(shape).to(dtype)


def fill(module):
    """Every parameter and buffer from its name: u = ((j 2654435761 + crc32(name)) mod 2^32) / 2^32 for the flat index j."""
    for name, value in module.state_dict().items():
        if name.endswith("num_batches_tracked"):
            continue
        j = np.arange(value.numel(), dtype=np.uint64)
        u = ((j * np.uint64(2654435761) + np.uint64(zlib.crc32(name.encode()))) % np.uint64(2 ** 32)).astype(np.float64) / 2 ** 32
        if value.dim() > 1:
            u = (u - 0.5) * 2 * np.sqrt(3 / np.prod(value.shape[1:]))
        elif name.endswith("running_var") or (name.endswith("weight")):
            u = 0.75 + 0.5 * u
        else:
            u = (u - 0.5) * 0.2
        value.copy_(torch.from_numpy(u).reshape(value.shape))
    return module
