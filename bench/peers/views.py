"""Two views of every image by torchvision and PIL, as MoCo's main_moco.py or its CIFAR demo make them. One process, one thread.

    python3 bench/peers/views.py moco-v2|moco-v1|cifar-demo FOLDER|cifar10:FOLDER --images N [--size 224]

Reads a line from stdin, makes two views of N images, answers with the seconds that it took; until stdin ends. Images of a folder are opened from their files;
those of cifar10: are in memory. The first line that it writes names the versions.
"""
import argparse
import os
import random
import sys
import time

import numpy as np
import PIL
import PIL.features
import torch
import torchvision
from PIL import Image, ImageFilter
from torchvision import transforms

torch.set_num_threads(1)


class GaussianBlur:
    """Of SimCLR, as MoCo v2 has it: sigma in pixels, PIL's blur."""

    def __call__(self, image):
        return image.filter(ImageFilter.GaussianBlur(radius=random.uniform(0.1, 2.0)))


def recipe(name, size):
    normalize = transforms.Normalize([0.485, 0.456, 0.406], [0.229, 0.224, 0.225])
    if name == "moco-v2":
        steps = [transforms.RandomResizedCrop(size, scale=(0.2, 1.0)),
                 transforms.RandomApply([transforms.ColorJitter(0.4, 0.4, 0.4, 0.1)], p=0.8),
                 transforms.RandomGrayscale(p=0.2),
                 transforms.RandomApply([GaussianBlur()], p=0.5),
                 transforms.RandomHorizontalFlip()]
    elif name == "moco-v1":
        steps = [transforms.RandomResizedCrop(size, scale=(0.2, 1.0)),
                 transforms.RandomGrayscale(p=0.2),
                 transforms.ColorJitter(0.4, 0.4, 0.4, 0.4),
                 transforms.RandomHorizontalFlip()]
    else:
        normalize = transforms.Normalize([0.4914, 0.4822, 0.4465], [0.2023, 0.1994, 0.2010])
        steps = [transforms.RandomResizedCrop(size),
                 transforms.RandomHorizontalFlip(p=0.5),
                 transforms.RandomApply([transforms.ColorJitter(0.4, 0.4, 0.4, 0.1)], p=0.8),
                 transforms.RandomGrayscale(p=0.2)]
    return transforms.Compose(steps + [transforms.ToTensor(), normalize])


def images(source):
    """A function from a number to a PIL image, and how many there are."""
    if source.startswith("cifar10:"):
        folder = source[len("cifar10:"):]
        files = sorted(name for name in os.listdir(folder) if name.startswith("data_batch_") and name.endswith(".bin"))
        records = np.concatenate([np.fromfile(os.path.join(folder, name), np.uint8).reshape(-1, 3073) for name in files])
        pixels = np.ascontiguousarray(records[:, 1:].reshape(-1, 3, 32, 32).transpose(0, 2, 3, 1))
        return (lambda i: Image.fromarray(pixels[i])), len(pixels)
    paths = sorted(os.path.join(root, name) for root, _, names in os.walk(source) for name in names
                   if name.lower().endswith((".jpg", ".jpeg", ".png")))

    def read(i):
        with open(paths[i], "rb") as file:
            return Image.open(file).convert("RGB")
    return read, len(paths)


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("recipe", choices=["moco-v1", "moco-v2", "cifar-demo"])
    parser.add_argument("source")
    parser.add_argument("--images", type=int, required=True)
    parser.add_argument("--size", type=int, default=224)
    given = parser.parse_args()
    transform = recipe(given.recipe, given.size)
    read, count = images(given.source)
    order = random.Random(0).sample(range(count), count)
    print(f"Python {sys.version.split()[0]}, torch {torch.__version__}, torchvision {torchvision.__version__}, Pillow {PIL.__version__}, "
          f"libjpeg-turbo {PIL.features.version('libjpeg_turbo')}", flush=True)
    for _ in sys.stdin:
        since = time.perf_counter()
        for i in range(given.images):
            image = read(order[i % count])
            query, key = transform(image), transform(image)
        print(time.perf_counter() - since, flush=True)


if __name__ == "__main__":
    main()
