"""Thirty nights of a box whose plug is pulled: each morning the first visitor's session works.

The plug is pulled at a random moment after the first visitor has gone: while the box is idle, and in the
middle of another session.
"""

import collections
import csv
import json
import os
import random
import shutil
import subprocess
import sys
import time

import card
from machine import SAID, STEADY, WORK, Machine, initrd

NIGHTS = int(os.environ.get("NIGHTS", 30))
# From the first visitor's end on; another one comes after 2 s.
LATEST_S = 24
MODULES = ["virtio_mmio", "virtio_blk", "ext4"]
BOOTH = ["qemu-aarch64-static", os.path.join("target", "package", "arm64", "root", "usr", "bin", "booth")]


def booth(*arguments):
    """The package's program under user emulation; its output."""
    return subprocess.run([*BOOTH, *arguments], check=True, capture_output=True, text=True, timeout=300).stdout


def screen(line):
    """The screen that a line of the simulated panel shows; none if it is no such line."""
    return line.split("%", 1)[1].split()[0] if "░" in line or "█" in line else None


def day(image, disk, chance):
    """One day: seconds from the kernel's start to READY, and the screen at which the plug was pulled."""
    with Machine("nights", [*STEADY, *card.drive(image)], disk) as machine:
        machine.wait(SAID + "mounted", 60)
        for mark in ("READY=1", " code ", " thanks ", " attract "):
            machine.wait(mark, 400)
        machine.listen(chance.uniform(0, LATEST_S))
        machine.kill()
    if any(SAID + "program" in line for line in machine.said):
        sys.exit(f"nights: the program ended by itself, see {machine.log}")
    ready = next(float(line.split()[1]) for line in machine.said if "READY=1" in line)
    return ready, [name for line in machine.said if (name := screen(line))][-1]


def sessions(folder):
    """How each session of a card ended, by its name."""
    ends = {}
    for place, _, names in os.walk(os.path.join(folder, "sessions")):
        if "session.json" in names:
            with open(os.path.join(place, "session.json"), encoding="utf-8") as session:
                ends[os.path.basename(place)] = json.load(session)["ended"]
    return ends


def kept_by(folder):
    """Kept takes of each session of a card."""
    rows = card.rows(folder).items()
    return collections.Counter(
        os.path.basename(os.path.dirname(file)) for file, row in rows if row["verdict"] == "kept"
    )


def exported(folder, key):
    """The rows of a dataset made of the card with the operator's key."""
    out = os.path.join(WORK, "nights.export")
    shutil.rmtree(out, ignore_errors=True)
    booth("--data", folder, "export", out, "--layout", "multichannel", "--key", key)
    with open(os.path.join(out, "metadata.csv"), encoding="utf-8") as table:
        return list(csv.DictReader(table))


def main():
    seed = int(os.environ.get("SEED", time.time()))
    print(f"nights: SEED={seed}", file=sys.stderr)
    chance = random.Random(seed)
    image = card.make("nights", 1024)
    key, recipient = os.path.join(WORK, "operator.key"), os.path.join(WORK, "recipient")
    if os.path.exists(key):
        os.remove(key)
    with open(recipient, "w", encoding="utf-8") as file:
        file.write(booth("keygen", key).strip())
    files = [
        (card.mount_options(), "etc/booth/mount"),
        ("tests/emulated/guest/short.toml", "etc/booth/short.toml"),
        ("tests/emulated/guest/visitors", "etc/booth/script"),
        (recipient, "etc/booth/recipient"),
    ]
    disk = initrd("nights", "tests/emulated/guest/night", MODULES, files)
    ready_s, pulled, known, first = [], collections.Counter(), set(), []
    for night in range(NIGHTS):
        ready, name = day(image, disk, chance)
        folder = card.files(image)
        ends, kept = sessions(folder), kept_by(folder)
        works = [name for name in ends if name not in known and ends[name] == "completed" and kept[name]]
        if not works:
            sys.exit(f"nights: night {night + 1}: {ends} {kept}")
        known.update(ends)
        first += works
        ready_s.append(ready)
        pulled[name] += 1
        print(f"nights: {night + 1}: READY after {ready} s, pulled at {name}, {dict(collections.Counter(ends.values()))}", file=sys.stderr)
    # A last morning, in which all is sealed but what its visitor may just say.
    with Machine("nights", [*STEADY, *card.drive(image)], disk) as machine:
        machine.wait("READY=1", 90)
        machine.listen(LATEST_S)
        machine.kill()
    folder = card.files(image)
    ends, rows = sessions(folder), exported(folder, key)
    if left := [take for take in card.takes(folder) if ends.get(os.path.basename(os.path.dirname(take)))]:
        sys.exit(f"nights: not sealed: {left}")
    for session in first:
        own = [row for row in rows if row["session"] == session]
        if not any(row["verdict"] == "kept" for row in own) or any(row["gaps"] != "0" for row in own):
            sys.exit(f"nights: {session}: {own}")
    print(
        f"nights: {NIGHTS} unclean power-offs, {NIGHTS} mornings whose first visitor was thanked and kept; pulled "
        f"at {dict(pulled)}; READY at most {max(ready_s):.1f} s after the kernel began; {len(rows)} takes of "
        f"{len(ends)} sessions ({dict(collections.Counter(ends.values()))}), all that had ended sealed, all opened with the operator's key"
    )


main()
