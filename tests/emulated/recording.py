"""A minute of six channels from a kernel sound device, on the arm64 machine: not a sample is missing."""

import json
import os
import sys

import card
from machine import VIRT, Machine, initrd

CHANNELS = 6
SECONDS = 60
RATE = 48000
MODULES = ["virtio_mmio", "virtio_blk", "ext4", "snd-aloop"]


def main():
    image = card.make("recording", 128)
    disk = initrd("recording", "tests/emulated/guest/record", MODULES)
    with Machine("recording", [*VIRT, *card.drive(image)], disk) as machine:
        row = json.loads("{" + machine.wait("{", 240))
        status = machine.ended(30)
    take = os.path.join(card.files(image), "minute.rf64")
    frames, (_, broken) = card.frames(take), card.counts(take, CHANNELS)
    print(
        f"recording: {frames} frames of {CHANNELS} channels at {RATE} Hz from snd-aloop, exit {status}, "
        f"{len(row['gaps'])} gaps, {len(broken)} breaks in {frames * CHANNELS} samples"
    )
    if status != 0 or row["gaps"] or broken or frames != SECONDS * RATE:
        sys.exit(f"recording: {row} {broken[:8]}")


main()
