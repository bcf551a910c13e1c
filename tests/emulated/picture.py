"""Pictures of 16 bits a pixel, and PNG files of 8 bits a channel as booth writes them."""

import array
import struct
import zlib

from glass import HEIGHT, WIDTH

SIGNATURE = b"\x89PNG\r\n\x1a\n"


def read(path):
    """A PNG file's pixels in 5, 6 and 5 bits."""
    with open(path, "rb") as file:
        png = file.read()
    at, packed = len(SIGNATURE), b""
    while at < len(png):
        size, kind = struct.unpack(">I4s", png[at : at + 8])
        body = png[at + 8 : at + 8 + size]
        if kind == b"IHDR" and struct.unpack(">IIBBBBB", body) != (WIDTH, HEIGHT, 8, 2, 0, 0, 0):
            raise ValueError(f"{path}: not {WIDTH} x {HEIGHT} pixels of 8-bit RGB")
        packed += body if kind == b"IDAT" else b""
        at += size + 12
    pixels = array.array("H")
    for row in unfiltered(zlib.decompress(packed)):
        triples = zip(row[0::3], row[1::3], row[2::3])
        pixels.extend((r >> 3) << 11 | (g >> 2) << 5 | b >> 3 for r, g, b in triples)
    return pixels


def unfiltered(raw):
    """The rows behind PNG's filters (PNG specification, chapter 9)."""
    before = bytearray(3 * WIDTH)
    for start in range(0, len(raw), 1 + 3 * WIDTH):
        kind, row = raw[start], bytearray(raw[start + 1 : start + 1 + 3 * WIDTH])
        for n, byte in enumerate(row):
            left, up, corner = (row[n - 3], before[n], before[n - 3]) if n > 2 else (0, before[n], 0)
            row[n] = (byte + (0, left, up, (left + up) // 2, paeth(left, up, corner))[kind]) & 0xFF
        yield row
        before = row


def paeth(left, up, corner):
    """Whichever of the three is nearest to left + up - corner."""
    guess = left + up - corner
    return min((left, up, corner), key=lambda one: abs(guess - one))


def write(path, pixels):
    """A PNG file of pixels in 5, 6 and 5 bits."""
    rows = bytearray()
    for y in range(HEIGHT):
        rows.append(0)
        for pixel in pixels[y * WIDTH : (y + 1) * WIDTH]:
            r, g, b = pixel >> 11, pixel >> 5 & 63, pixel & 31
            rows += bytes((r << 3 | r >> 2, g << 2 | g >> 4, b << 3 | b >> 2))
    header = struct.pack(">IIBBBBB", WIDTH, HEIGHT, 8, 2, 0, 0, 0)
    with open(path, "wb") as file:
        file.write(SIGNATURE)
        for kind, body in ((b"IHDR", header), (b"IDAT", zlib.compress(bytes(rows))), (b"IEND", b"")):
            file.write(struct.pack(">I", len(body)) + kind + body)
            file.write(struct.pack(">I", zlib.crc32(kind + body)))
