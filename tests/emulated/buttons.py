"""Buttons through interrupts of a kernel's pins: each press of a bouncing contact counts once, at once."""

import collections
import os
import sys

from machine import SAID, STEADY, WORK, Machine, initrd

# The kernel stamps the first edge; the finger's own clock has hundredths.
LATEST_S = 0.5
MODULES = ["gpio-simulated", "spi-sink"]


def main():
    lines = os.path.join(WORK, "lines.txt")
    with open(lines, "w", encoding="utf-8") as file:
        file.write("Le soleil se lève sur la mer.\nUn chat dort au jardin.\n")
    files = [("tests/emulated/guest/lines.toml", "etc/booth/lines.toml")]
    disk = initrd("buttons", "tests/emulated/guest/presses", MODULES, files)
    with Machine("buttons", STEADY, disk) as machine:
        if machine.ended(900) != 0:
            sys.exit(f"buttons: see {machine.log}")
    made, heard = [], []
    for line in machine.said:
        words = line.split()
        if line.startswith(SAID + "press"):
            made.append((words[2], float(words[3])))
        elif " down at " in line:
            heard.append((words[words.index("down") - 1], int(words[-2]) / 1e9))
    late = [at - pressed for (_, pressed), (_, at) in zip(made, heard)]
    if [name for name, _ in made] != [name for name, _ in heard]:
        sys.exit(f"buttons: pressed {made}, heard {heard}")
    if not -0.02 <= min(late) <= max(late) <= LATEST_S:
        sys.exit(f"buttons: stamps {late} s after the finger")
    print(
        f"buttons: {len(made)} presses of contacts that bounce, {dict(collections.Counter(n for n, _ in made))}: all "
        f"heard once, by interrupts; the kernel's stamps at most {max(late) * 1000:.0f} ms after the finger"
    )


main()
