"""Small images of every kind and what PIL's convert("RGB") makes of them: *.png and so on, cases.json, pixels.bin.gz.

    python3 make.py            # Pillow 9.4 with libjpeg-turbo and libwebp, numpy

cases.json: file, width, height and offset of the expected RGB pixels in the unpacked pixels.bin.gz.
16-bit grey is the one deviation: expected is the high byte, where Pillow clips the whole value to 255.
"""
import gzip
import json
import pathlib
import struct
import zlib

import numpy
import PIL
from PIL import Image, ImageCms

HERE = pathlib.Path(__file__).parent
WIDTH, HEIGHT = 37, 23  # odd, and no multiple of a JPEG block

x, y = numpy.meshgrid(numpy.arange(WIDTH), numpy.arange(HEIGHT))
RGB = numpy.stack([x * 6 + 10, y * 10 + 5, 128 + 100 * numpy.sin(x / 4) * numpy.cos(y / 3)], 2).clip(0, 255).astype("uint8")
ALPHA = ((x * 7 + y * 11) % 256).astype("uint8")
ALPHA[:4] = 0  # fully transparent pixels keep their colour
rgb = Image.fromarray(RGB)
grey = rgb.convert("L")
rgba = Image.fromarray(numpy.dstack([RGB, ALPHA]), "RGBA")
palette = rgb.quantize(16)
cases = []
pixels = bytearray()


def keep(name, expected=None):
    with Image.open(HERE / name) as image:
        image = image.convert("RGB")
        expected = image.tobytes() if expected is None else expected.astype("uint8").tobytes()
        cases.append({"file": name, "width": image.width, "height": image.height, "offset": len(pixels)})
        pixels.extend(expected)


def save(image, name, **options):
    image.save(HERE / name, **options)
    keep(name)


def png(name, depth, kind, rows, extra=b"", expected=None):
    """A PNG chunk by chunk, for what PIL does not write."""
    def chunk(tag, data):
        return struct.pack(">I", len(data)) + tag + data + struct.pack(">I", zlib.crc32(tag + data))
    header = struct.pack(">IIBBBBB", WIDTH, HEIGHT, depth, kind, 0, 0, 0)
    data = zlib.compress(b"".join(b"\0" + row for row in rows), 9)
    (HERE / name).write_bytes(b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", header) + extra + chunk(b"IDAT", data) + chunk(b"IEND", b""))
    keep(name, expected)


def bmp(name, bits, masks, rows):
    data = b"".join(reversed(rows))
    start = 14 + 40 + len(masks)
    (HERE / name).write_bytes(
        b"BM" + struct.pack("<IHHI", start + len(data), 0, 0, start)
        + struct.pack("<IiiHHIIiiII", 40, WIDTH, HEIGHT, 1, bits, 3 if masks else 0, len(data), 2835, 2835, 0, 0) + masks + data)
    keep(name)


# PNG
save(rgb, "rgb.png")
save(grey, "grey.png")
save(grey.point(lambda value: value > 100 and 255).convert("1"), "one-bit.png")
save(Image.merge("LA", [grey, Image.fromarray(ALPHA)]), "grey-alpha.png")
save(rgba, "rgba.png")
save(palette, "palette.png")
save(palette, "palette-transparency.png", transparency=3)
save(palette, "palette-alphas.png", transparency=bytes(range(0, 256, 16)))
save(rgb, "rgb-transparency.png", transparency=tuple(int(value) for value in RGB[5, 5]))
save(grey, "grey-transparency.png", transparency=int(numpy.asarray(grey)[5, 5]))
save(rgb, "rgb-srgb-profile.png", icc_profile=ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")).tobytes())
wide = (x * 1777 + y * 2911 + 200) % 65536  # low bytes on both sides of 128
wide3 = numpy.stack([wide, 65535 - wide, (wide * 3) % 65536], 2)
big_endian = lambda values: [row.astype(">u2").tobytes() for row in values]
high = lambda values: values >> 8
png("grey-16.png", 16, 0, big_endian(wide), expected=numpy.repeat(high(wide)[:, :, None], 3, 2))
png("rgb-16.png", 16, 2, big_endian(wide3), expected=high(wide3))
png("grey-alpha-16.png", 16, 4, big_endian(numpy.dstack([wide, (x * 1771) % 65536])), expected=numpy.repeat(high(wide)[:, :, None], 3, 2))
png("rgba-16.png", 16, 6, big_endian(numpy.dstack([wide3, (x * 1771) % 65536])), expected=high(wide3))
# A gamma of 1 and primaries of another space: a decoder that manages colour would change every pixel.
gamma = lambda tag, data: struct.pack(">I", len(data)) + tag + data + struct.pack(">I", zlib.crc32(tag + data))
png("rgb-gamma.png", 8, 2, [row.tobytes() for row in RGB], gamma(b"gAMA", struct.pack(">I", 100000)))

# JPEG
save(rgb, "rgb-420.jpg", quality=90, subsampling="4:2:0")
save(rgb, "rgb-422.jpg", quality=90, subsampling="4:2:2")
save(rgb, "rgb-444.jpg", quality=90, subsampling="4:4:4")
save(rgb, "rgb-progressive.jpg", quality=75, progressive=True)
save(grey, "grey.jpg", quality=90)
save(rgb.convert("CMYK"), "cmyk.jpg", quality=90)
# The same data read as YCCK, and without Adobe's marker: PIL takes four channels as inverted either way.
adobe = (HERE / "cmyk.jpg").read_bytes()
at = adobe.index(b"Adobe")
(HERE / "ycck.jpg").write_bytes(adobe[:at + 11] + b"\2" + adobe[at + 12:])
keep("ycck.jpg")
(HERE / "cmyk-unmarked.jpg").write_bytes(adobe[:at - 4] + adobe[at + 12:])
keep("cmyk-unmarked.jpg")
exif = Image.Exif()
exif[0x0112] = 6  # "rotate by a quarter": not applied
save(rgb, "rotated-by-exif.jpg", quality=90, exif=exif)
# A profile in which red and blue change places.
profile = ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")).tobytes()
at = profile.index(b"rXYZ"), profile.index(b"bXYZ")
swapped = bytearray(profile)
swapped[at[0]:at[0] + 4], swapped[at[1]:at[1] + 4] = b"bXYZ", b"rXYZ"
save(rgb, "swapping-profile.jpg", quality=90, icc_profile=bytes(swapped))
save(rgb, "swapping-profile.png", icc_profile=bytes(swapped))

# GIF
save(palette, "palette.gif")
save(palette, "transparency.gif", transparency=3)
save(grey, "grey.gif")
save(palette, "interlaced.gif", interlace=1)
save(palette, "frames.gif", save_all=True, append_images=[palette.transpose(Image.Transpose.FLIP_LEFT_RIGHT)])
# The frame covers a part of the screen only.
small = (HERE / "palette.gif").read_bytes()
(HERE / "small-frame.gif").write_bytes(small[:6] + struct.pack("<HH", WIDTH + 5, HEIGHT + 3) + small[10:])
keep("small-frame.gif")
small = (HERE / "transparency.gif").read_bytes()
(HERE / "small-frame-transparency.gif").write_bytes(small[:6] + struct.pack("<HH", WIDTH + 5, HEIGHT + 3) + small[10:])
keep("small-frame-transparency.gif")

# WebP
save(rgb, "lossless.webp", lossless=True)
save(rgba, "lossless-alpha.webp", lossless=True, exact=True)
save(rgb, "lossy.webp", quality=80)
save(rgba, "lossy-alpha.webp", quality=80, exact=True)

# BMP
save(rgb, "rgb.bmp")
save(grey, "grey.bmp")
save(palette, "palette.bmp")
save(rgb.convert("1"), "one-bit.bmp")
save(rgba, "rgba.bmp")
bits = RGB.astype("uint16")
five_six_five = ((bits[..., 0] >> 3) << 11) | ((bits[..., 1] >> 2) << 5) | (bits[..., 2] >> 3)
five_five_five = ((bits[..., 0] >> 3) << 10) | ((bits[..., 1] >> 3) << 5) | (bits[..., 2] >> 3)
padded = lambda rows: [row.astype("<u2").tobytes() + b"\0" * (-2 * WIDTH % 4) for row in rows]
bmp("565.bmp", 16, struct.pack("<III", 0xF800, 0x7E0, 0x1F), padded(five_six_five))
bmp("555.bmp", 16, b"", padded(five_five_five))

# TIFF
save(rgb, "rgb.tif")
save(rgb, "lzw.tif", compression="tiff_lzw")
save(rgb, "deflate.tif", compression="tiff_adobe_deflate")
save(rgb, "packbits.tif", compression="packbits")
save(rgb, "jpeg.tif", compression="jpeg")
save(grey, "grey.tif", compression="tiff_lzw")
save(Image.merge("LA", [grey, Image.fromarray(ALPHA)]), "grey-alpha.tif")
save(grey.point(lambda value: value > 100 and 255).convert("1"), "fax.tif", compression="group4")
save(palette, "palette.tif", compression="packbits")
save(rgba, "rgba.tif", compression="tiff_lzw")
save(rgb.convert("CMYK"), "cmyk.tif")
save(rgb, "pages.tif", save_all=True, append_images=[grey])
save(rgb, "turned.tif", tiffinfo={274: 6})  # Pillow turns TIFF, unlike JPEG


def tiff(name, order, entries, blocks, expected=None):
    """A TIFF entry by entry, for what PIL does not write: tags with their shorts; offsets and counts of the blocks are added."""
    offsets = [8 + sum(map(len, blocks[:i])) for i in range(len(blocks))]
    entries = sorted({**entries, (324 if 322 in entries else 273): offsets, (325 if 322 in entries else 279): [len(block) for block in blocks]}.items())
    at = 8 + sum(map(len, blocks)) + sum(map(len, blocks)) % 2
    fields, values = b"", b""
    for tag, numbers in entries:
        data = struct.pack(f"{order}{len(numbers)}I", *numbers)
        where = at + 2 + 12 * len(entries) + 4 + len(values)
        fields += struct.pack(f"{order}HHI", tag, 4, len(numbers)) + (data if len(numbers) == 1 else struct.pack(order + "I", where))
        values += data if len(numbers) > 1 else b""
    head = (b"II*\0" if order == "<" else b"MM\0*") + struct.pack(order + "I", at)
    body = head + b"".join(blocks)
    (HERE / name).write_bytes(body + b"\0" * (at - len(body)) + struct.pack(order + "H", len(entries)) + fields + struct.pack(order + "I", 0) + values)
    keep(name, expected)


def tiles(array, side):
    rows, columns = -(-array.shape[0] // side), -(-array.shape[1] // side)
    whole = numpy.zeros((rows * side, columns * side) + array.shape[2:], array.dtype)
    whole[:array.shape[0], :array.shape[1]] = array
    return [whole[i * side:(i + 1) * side, j * side:(j + 1) * side].tobytes() for i in range(rows) for j in range(columns)]


size = {256: [WIDTH], 257: [HEIGHT]}
tiff("tiled.tif", "<", {**size, 258: [8, 8, 8], 259: [1], 262: [2], 277: [3], 322: [16], 323: [16]}, tiles(RGB, 16))
tiff("white-is-zero.tif", ">", {**size, 258: [8], 259: [1], 262: [0], 277: [1], 278: [HEIGHT]}, [(255 - numpy.asarray(grey)).tobytes()])
tiff("grey-16.tif", ">", {**size, 258: [16], 259: [1], 262: [1], 277: [1], 278: [HEIGHT]}, [b"".join(big_endian(wide))],
     expected=numpy.repeat(high(wide)[:, :, None], 3, 2))
tiff("rgb-16.tif", "<", {**size, 258: [16, 16, 16], 259: [1], 262: [2], 277: [3], 278: [5]},
     [wide3[i:i + 5].astype("<u2").tobytes() for i in range(0, HEIGHT, 5)], expected=high(wide3))

# Headers of 65535 x 65535 pixels on next to no data; no cases, they are refused.
side = struct.pack("<H", 65535)
huge = bytearray((HERE / "rgb.png").read_bytes())
huge[16:24] = struct.pack(">II", 65535, 65535)
huge[29:33] = struct.pack(">I", zlib.crc32(huge[12:29]))
(HERE / "huge.png").write_bytes(huge)
huge = bytearray((HERE / "rgb-444.jpg").read_bytes())
at = huge.index(b"\xff\xc0") + 5
huge[at:at + 4] = side + side
(HERE / "huge.jpg").write_bytes(huge)
huge = (HERE / "palette.gif").read_bytes()
(HERE / "huge.gif").write_bytes(huge[:6] + side + side + huge[10:])
huge = (HERE / "palette.bmp").read_bytes()
(HERE / "huge.bmp").write_bytes(huge[:18] + struct.pack("<ii", 65535, 65535) + huge[26:])

(HERE / "pixels.bin.gz").write_bytes(gzip.compress(bytes(pixels), 9, mtime=0))
(HERE / "cases.json").write_text(json.dumps({"pillow": PIL.__version__, "cases": cases}, indent=1) + "\n")
