"""The decoder of the panel's wires against a recorded start of the box, and against the maker's driver."""

import gzip
import os
import sys
import tomllib

import glass
import picture
from glass import HEIGHT, WIDTH, Glass, Wires

RECORDED = os.path.join("tests", "emulated", "recorded")
BOARD = os.path.join("board", "display-hat-mini.toml")


def recorded():
    """The writes to pins and SPI from the program's start to its first lit picture: (register, value)."""
    with gzip.open(os.path.join(RECORDED, "start.gz"), "rt", encoding="ascii") as lines:
        return [tuple(int(word, 16) for word in line.split()) for line in lines]


def play(profile, writes):
    """The pixels seen after `writes`."""
    wires = Wires(profile)
    for register, value in writes:
        wires.write(register, value)
    return wires.seen()


def makers(pixels):
    """The pixels seen when the maker's driver shows `pixels` (st7789-python 0.0.4, display())."""
    panel = Glass()

    def send(code, *arguments):
        panel.command(code)
        for byte in arguments:
            panel.data(byte)

    send(glass.SOFT_RESET)
    send(glass.ACCESS, 0x70)
    send(glass.FORMAT, 0x05)
    send(glass.INVERT_ON)
    send(glass.SLEEP_OUT)
    send(glass.DISPLAY_ON)
    send(glass.COLUMNS, 0, 0, *divmod(WIDTH - 1, 256))
    send(glass.ROWS, 0, 0, *divmod(HEIGHT - 1, 256))
    turned = reversed(pixels)
    send(glass.WRITE, *(byte for pixel in turned for byte in divmod(pixel, 256)))
    return panel.seen()


def main():
    with open(BOARD, "rb") as file:
        profile = tomllib.load(file)
    writes, expected = recorded(), picture.read(os.path.join(RECORDED, "attract.png"))
    light = 1 << profile["panel"]["backlight"]
    seen = {
        "the recorded start": (play(profile, writes), expected),
        "the maker's driver": (makers(expected), expected),
        "without its light": (play(profile, [w for w in writes if w != (glass.GPSET0, light)]), None),
    }
    # A byte less shifts all pixels behind it.
    short = next(n for n in range(len(writes) // 2, len(writes)) if writes[n][0] == glass.SPI_FIFO)
    cut = play(profile, writes[:short] + writes[short + 1 :])
    wrong = [what for what, (found, wanted) in seen.items() if found != wanted]
    if cut == expected:
        wrong.append("a byte less")
    if wrong:
        sys.exit(f"decoder: wrong picture: {', '.join(wrong)}")
    print(f"decoder: {len(writes)} recorded writes decode to the recorded picture, as does the maker's driver")


main()
