"""What a loaded file holds, line by line, as TreeText.cs of the tests says it of ours: the two texts are compared."""
import collections
import hashlib
import struct

import torch


def describe(value, path=""):
    if isinstance(value, dict):
        yield f"{path} {'OrderedDict' if isinstance(value, collections.OrderedDict) else 'dict'} {len(value)}"
        for key, item in value.items():
            yield from describe(item, f"{path}/{plain(key)}")
    elif isinstance(value, (list, tuple)):
        yield f"{path} {'list' if isinstance(value, list) else 'tuple'} {len(value)}"
        for index, item in enumerate(value):
            yield from describe(item, f"{path}/{index}")
    elif isinstance(value, torch.Tensor):
        yield f"{path} {tensor(value)}"
    else:
        yield f"{path} {plain(value)}"


def plain(value):
    if value is None or isinstance(value, bool):
        return str(value)
    if isinstance(value, int):
        return f"int {value}"
    if isinstance(value, float):
        return f"float {struct.pack('>d', value).hex()}"
    if isinstance(value, str):
        return f"text {value}"
    if isinstance(value, bytes):
        return f"bytes {value.hex()}"
    raise TypeError(type(value))


def tensor(value):
    value = value.detach().resolve_conj().contiguous()
    kind = value.storage().pickle_storage_type()
    flat = (torch.view_as_real(value) if value.is_complex() else value).reshape(-1)
    data = bytes(flat.view(torch.uint8).numpy()) if flat.numel() else b""
    return f"{kind} [{', '.join(map(str, value.shape))}] {hashlib.sha256(data).hexdigest()[:16]}"
