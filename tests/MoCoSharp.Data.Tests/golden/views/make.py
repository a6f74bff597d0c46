"""Golden views by PIL 9.4 and torchvision 0.14: cases.json (what was done) and pixels.bin.gz (what came out).

Large results are kept as a SHA-256 alone. Run from this folder: /usr/bin/python3 make.py
"""
import gzip
import hashlib
import json

import numpy as np
import PIL
import torch
import torchvision
from PIL import Image, ImageFilter
from torchvision.transforms import functional as F

assert PIL.__version__ == "9.4.0", PIL.__version__
assert torchvision.__version__.startswith("0.14"), torchvision.__version__

blob = bytearray()


def put(array):
    """Stores raw bytes; returns where they lie and their SHA-256."""
    data = np.ascontiguousarray(array).tobytes()
    digest = hashlib.sha256(data).hexdigest()
    if len(data) > 20_000:
        return {"offset": -1, "length": len(data), "sha256": digest}
    offset = len(blob)
    blob.extend(data)
    return {"offset": offset, "length": len(data), "sha256": digest}


def photo(width, height, seed):
    """Smooth light, some edges, saturated patches and a little noise: what a photo has, in few pixels."""
    rng = np.random.default_rng(seed)
    y, x = np.mgrid[0:height, 0:width].astype(np.float64)
    channels = []
    for _ in range(3):
        fx, fy, phase = rng.uniform(0.05, 0.25, 3) * (1, 1, 20)
        channels.append(128 + 90 * np.sin(fx * x + fy * y + phase))
    image = np.stack(channels, -1)
    for _ in range(4):
        top, left = rng.integers(0, height), rng.integers(0, width)
        image[top:top + height // 3 + 1, left:left + width // 4 + 1] = rng.integers(0, 2, 3) * 255
    return np.clip(image + rng.normal(0, 6, image.shape), 0, 255).astype(np.uint8)


def formula(width, height):
    """Pixels that the test computes for itself: byte i is bits 24-31 of i * 2654435761 + (i >> 7) * 40503 * 65536."""
    i = np.arange(width * height * 3, dtype=np.uint64)
    value = (i * np.uint64(2654435761) + (i >> np.uint64(7)) * np.uint64(40503 * 65536)) & np.uint64(0xFFFFFFFF)
    return (value >> np.uint64(24)).astype(np.uint8).reshape(height, width, 3)


def every_third_color():
    """All 86^3 colours whose channels are multiples of 3, red slowest. Size 86 x 7396."""
    r, g, b = np.meshgrid(*[np.arange(0, 256, 3, dtype=np.uint8)] * 3, indexing="ij")
    return np.stack([r, g, b], -1).reshape(86 * 86, 86, 3)


arrays = {
    "dot": np.array([[[200, 30, 90]]], np.uint8),
    "tiny": photo(7, 5, 1),
    "odd": photo(33, 47, 2),
    "photo": photo(40, 40, 3),
}
images = {name: {"width": a.shape[1], "height": a.shape[0], **put(a)} for name, a in arrays.items()}
arrays["formula"] = formula(500, 375)
arrays["colors"] = every_third_color()
pictures = {name: Image.fromarray(a) for name, a in arrays.items()}
small = ["dot", "tiny", "odd", "photo"]
cases = []


def case(name, operation, result, **parameters):
    result = np.asarray(result)
    cases.append({"image": name, "operation": operation, **parameters, "height": result.shape[0], "width": result.shape[1], **put(result)})


def jitter(picture, order, brightness, contrast, saturation, hue):
    for change in order:
        if change == "Brightness":
            picture = F.adjust_brightness(picture, brightness)
        elif change == "Contrast":
            picture = F.adjust_contrast(picture, contrast)
        elif change == "Saturation":
            picture = F.adjust_saturation(picture, saturation)
        else:
            picture = F.adjust_hue(picture, hue)
    return picture


for name in small:
    width, height = pictures[name].size
    crops = {(0, 0, height, width), (height // 4, width // 3, (height + 1) // 2, (width + 1) // 2), (height - 1, 0, 1, width)}
    for top, left, h, w in sorted(crops):
        for size in (8, 32):
            result = F.resized_crop(pictures[name], top, left, h, w, [size, size])
            case(name, "crop", result, top=top, left=left, cropHeight=h, cropWidth=w, size=size)
for top, left, h, w in [(0, 0, 375, 500), (17, 123, 301, 299), (100, 7, 224, 150), (3, 4, 111, 224), (200, 300, 10, 13), (1, 2, 374, 498)]:
    for size in (224, 32, 5):
        case("formula", "crop", F.resized_crop(pictures["formula"], top, left, h, w, [size, size]), top=top, left=left, cropHeight=h, cropWidth=w, size=size)

for name in ["odd", "colors"]:
    for factor in (0.0, 0.6, 0.7372, 1.0, 1.2345678, 1.4):
        case(name, "brightness", F.adjust_brightness(pictures[name], factor), factor=factor)
        case(name, "contrast", F.adjust_contrast(pictures[name], factor), factor=factor)
        case(name, "saturation", F.adjust_saturation(pictures[name], factor), factor=factor)
    for factor in (-0.5, -0.4, -0.1, -0.003, 0.0, 0.0999, 0.25, 0.4, 0.5):
        case(name, "hue", F.adjust_hue(pictures[name], factor), factor=factor)
    case(name, "grey", F.rgb_to_grayscale(pictures[name], 3))
case("dot", "contrast", F.adjust_contrast(pictures["dot"], 1.3), factor=1.3)

for name in small + ["formula"]:
    for sigma in (0.1, 0.5, 0.99, 1.0, 1.37, 2.0) + ((7.5,) if name in ("tiny", "formula") else ()):
        case(name, "blur", pictures[name].filter(ImageFilter.GaussianBlur(radius=sigma)), sigma=sigma)

for name in small:
    case(name, "flip", F.hflip(pictures[name]))
    for size in (3, 32, 37):
        case(name, "resize", F.resize(pictures[name], size), size=size)
        case(name, "center", F.center_crop(pictures[name], size), size=size)
for size in (224, 256):
    case("formula", "resize", F.resize(pictures["formula"], size), size=size)
    case("formula", "center", F.center_crop(pictures["formula"], size), size=size)

IMAGENET = ([0.485, 0.456, 0.406], [0.229, 0.224, 0.225])
CIFAR = ([0.4914, 0.4822, 0.4465], [0.2023, 0.1994, 0.2010])


def normalized(picture, mean, std):
    return F.normalize(F.to_tensor(picture), mean, std).permute(1, 2, 0).contiguous().numpy()


def chain(name, steps, statistics):
    picture = pictures[name]
    for step in steps:
        if step["do"] == "crop":
            picture = F.resized_crop(picture, step["top"], step["left"], step["cropHeight"], step["cropWidth"], [32, 32])
        elif step["do"] == "grey":
            picture = F.rgb_to_grayscale(picture, 3)
        elif step["do"] == "jitter":
            picture = jitter(picture, step["order"], step["brightness"], step["contrast"], step["saturation"], step["hue"])
        elif step["do"] == "blur":
            picture = picture.filter(ImageFilter.GaussianBlur(radius=step["sigma"]))
        elif step["do"] == "flip":
            picture = F.hflip(picture)
    case(name, "chain", normalized(picture, *statistics), steps=steps, cifar=statistics is CIFAR)


crop = {"do": "crop", "top": 3, "left": 5, "cropHeight": 31, "cropWidth": 24}
wide = {"do": "jitter", "order": ["Hue", "Saturation", "Brightness", "Contrast"], "brightness": 0.81, "contrast": 1.27, "saturation": 1.38, "hue": -0.31}
narrow = {"do": "jitter", "order": ["Contrast", "Hue", "Brightness", "Saturation"], "brightness": 1.33, "contrast": 0.72, "saturation": 0.66, "hue": 0.083}
for name in ("odd", "photo"):
    chain(name, [crop, wide, {"do": "flip"}], IMAGENET)
    chain(name, [crop, {"do": "grey"}, wide], IMAGENET)
    chain(name, [crop, narrow, {"do": "blur", "sigma": 1.21}, {"do": "flip"}], IMAGENET)
    chain(name, [crop, narrow, {"do": "grey"}, {"do": "blur", "sigma": 0.4}], IMAGENET)
    chain(name, [crop, {"do": "flip"}, narrow], CIFAR)

with open("cases.json", "w", encoding="utf-8") as file:
    lines = ",\n".join(json.dumps(entry) for entry in cases)
    file.write('{"images": ' + json.dumps(images) + ',\n"cases": [\n' + lines + "\n]}\n")
with gzip.GzipFile("pixels.bin.gz", "wb", mtime=0) as file:
    file.write(bytes(blob))
print(len(cases), "cases,", len(blob), "bytes of pixels")
