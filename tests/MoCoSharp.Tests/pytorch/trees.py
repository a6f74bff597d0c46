"""Random trees, the property test of files. "write FOLDER SEED COUNT" saves some with what they hold as text; "check FOLDER" loads ours."""
import collections
import glob
import os
import random
import sys

import torch

from tree import describe

TYPES = [torch.float32, torch.float64, torch.float16, torch.bfloat16, torch.int64, torch.int32, torch.int16, torch.int8, torch.uint8, torch.bool,
         torch.complex64, torch.complex128]


def tensor(rng, known):
    kind = rng.randrange(8)
    if kind == 0 and known:
        return rng.choice(known)
    shape = [rng.randrange(1 if rng.randrange(8) == 0 else 5) for _ in range(rng.randrange(5))]
    value = torch.randint(0, 100, shape).to(rng.choice(TYPES))
    if kind == 1 and value.dim() > 1:
        value = value.transpose(0, -1)
    elif kind == 2 and value.dim() > 0 and value.shape[0] > 1:
        value = value[1:]
    elif kind == 3 and value.dim() > 0 and value.shape[0] > 1:
        value = value[::2]
    elif kind == 4:
        value = value.unsqueeze(0).expand(3, *value.shape)
    elif kind == 5 and value.dim() > 0 and value.numel() > 1:
        known.append(value.reshape(-1)[1:])  # another view of the same storage
    elif kind == 6 and value.is_floating_point():
        value = torch.nn.Parameter(value)
    known.append(value)
    return value


def tree(rng, known, depth=0):
    out = collections.OrderedDict() if rng.randrange(2) else {}
    for i in range(rng.randrange(4 if depth == 0 else 0, 9)):
        key = rng.randrange(-70000, 70000) if rng.randrange(4) == 0 else f"k{i}.é{rng.randrange(100)}"
        out[key] = item(rng, known, depth + 1)
    if depth == 0 and isinstance(out, collections.OrderedDict):
        out._metadata = collections.OrderedDict({"": {"version": 1}})
    return out


def item(rng, known, depth):
    kind = rng.randrange(14 if depth < 4 else 11)
    if kind == 0:
        return None
    if kind == 1:
        return bool(rng.randrange(2))
    if kind == 2:
        return rng.randrange(-300, 70000)
    if kind == 3:
        return rng.randrange(-2 ** 100, 2 ** 100)
    if kind == 4:
        return rng.random() * 10.0 ** rng.randrange(-300, 300)
    if kind == 5:
        return "".join(chr(rng.randrange(32, 1000)) for _ in range(rng.randrange(20)))
    if kind < 11:
        return tensor(rng, known)
    if kind == 11:
        return tree(rng, known, depth)
    values = [item(rng, known, depth + 1) for _ in range(rng.randrange(5))]
    return values if kind == 12 else tuple(values)


def write(folder, seed, count):
    rng = random.Random(seed)
    torch.manual_seed(seed)
    for i in range(count):
        value = tree(rng, [])
        for name, is_zip in (("zip", True), ("legacy", False)):
            torch.save(value, os.path.join(folder, f"{i}.{name}"), _use_new_zipfile_serialization=is_zip, pickle_protocol=2 + i % 4 if is_zip else 2)
        with open(os.path.join(folder, f"{i}.txt"), "w") as file:
            file.write("\n".join(describe(value)) + "\n")


def check(folder):
    count = safe = 0
    for path in sorted(glob.glob(os.path.join(folder, "*.pth"))):
        with open(path[:-4] + ".txt") as file:
            expected = file.read()
        found = "\n".join(describe(torch.load(path))) + "\n"
        assert found == expected, f"{path}:\n{found}\n{expected}"
        count += 1
        if " float " not in expected:  # weights_only of PyTorch 1.13 knows no float, in files of its own either
            assert "\n".join(describe(torch.load(path, weights_only=True))) + "\n" == expected, path
            safe += 1
    print(f"{count} files, {safe} with weights_only")


if sys.argv[1] == "write":
    write(sys.argv[2], int(sys.argv[3]), int(sys.argv[4]))
else:
    check(sys.argv[2])
