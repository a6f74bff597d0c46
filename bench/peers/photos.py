"""Photos of about 500 x 375, as ImageNet's are, from larger ones: python3 bench/peers/photos.py FROM TO [COUNT]

Each photo is resized so that its longer side is 500 (never enlarged) and kept as JPEG of quality 90; COUNT more are made by mirroring and cropping.
"""
import os
import sys

from PIL import Image


def main():
    source, target = sys.argv[1], sys.argv[2]
    wanted = int(sys.argv[3]) if len(sys.argv) > 3 else 0
    os.makedirs(target, exist_ok=True)
    made = 0
    names = sorted(name for name in os.listdir(source) if name.lower().endswith((".jpg", ".jpeg")))
    while made < max(wanted, len(names)):
        image = Image.open(os.path.join(source, names[made % len(names)])).convert("RGB")
        turn = made // len(names)
        if turn % 2:
            image = image.transpose(Image.FLIP_LEFT_RIGHT)
        if turn // 2:
            image = image.crop((4 * turn, 2 * turn, image.width, image.height))
        scale = min(1.0, 500 / max(image.size))
        image = image.resize((round(image.width * scale), round(image.height * scale)), Image.BICUBIC)
        image.save(os.path.join(target, f"{made:05d}.jpg"), quality=90)
        made += 1


main()
