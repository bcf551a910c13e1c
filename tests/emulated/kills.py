"""Twenty power cuts in the middle of a take: the card mounts, every file opens, and the last second
at most is gone.

Half of them kill qemu, half reset the machine: both lose what its kernel had not yet written.
"""

import os
import random
import statistics
import sys
import time

import card
from machine import SAID, VIRT, Machine, initrd

CUTS = 20
CHANNELS = 6
RATE = 48000
# Two checkpoints of half a second, and their syncs.
MOST_MISSING_S = 1.5
MODULES = ["virtio_mmio", "virtio_blk", "ext4", "snd-aloop"]


def played(machine):
    """Frames that the sound card had played when the machine was last heard."""
    lines = [line for line in machine.said if SAID + "played" in line]
    return int(lines[-1].split()[-1])


def cut(image, disk, n, chance):
    """One life of the machine: frames played when its take began, and at the end."""
    with Machine("kills", [*VIRT, *card.drive(image)], disk) as machine:
        machine.wait(SAID + "mounted", 60)
        machine.wait("reading", 90)
        began = played(machine)
        machine.listen(chance.uniform(0.2, 4))
        if n % 2:
            machine.reset()
        else:
            machine.kill()
        return began, played(machine)


def missing_s(take, end):
    """Seconds of a take that are missing at the frame `end`; what is there is as it was played."""
    frames = card.frames(take)
    if frames == 0:
        return None
    first, broken = card.counts(take, CHANNELS)
    if broken:
        sys.exit(f"kills: {take}: {broken[:8]}")
    return (end - first - frames) / RATE


def main():
    seed = int(os.environ.get("SEED", time.time()))
    print(f"kills: SEED={seed}", file=sys.stderr)
    chance = random.Random(seed)
    image = card.make("kills", 2048)
    files = [
        (card.mount_options(), "etc/booth/mount"),
        ("tests/emulated/guest/free.toml", "etc/booth/free.toml"),
        ("tests/emulated/guest/story", "etc/booth/script"),
    ]
    disk = initrd("kills", "tests/emulated/guest/take", MODULES, files)
    cuts, before = {}, []
    for n in range(CUTS):
        began, end = cut(image, disk, n, chance)
        new = [take for take in card.takes(card.files(image)) if take not in cuts]
        cuts.update((take, end) for take in new)
        missing = missing_s(new[0], end) if new else None
        # A take without a frame on the card misses all of it.
        before.append((end - began) / RATE if missing is None else missing)
        print(f"kills: {n + 1}: {before[-1]:.3f} s missing of {(end - began) / RATE:.1f}", file=sys.stderr)
    # The next start makes the last one whole too.
    with Machine("kills", [*VIRT, *card.drive(image)], disk) as machine:
        machine.wait("reading", 90)
        machine.kill()
    folder = card.files(image)
    rows = card.rows(folder)
    after = []
    for take, end in cuts.items():
        missing = missing_s(take, end)
        row = rows.get(take)
        if row is None or row["verdict"] != "recovered" or row["frames"] != card.frames(take):
            sys.exit(f"kills: {take}: {row}")
        after += [] if missing is None else [missing]
    print(
        f"kills: {CUTS} power cuts in mid-take: card clean after its journal every time; {len(cuts)} files open with "
        f"three readers, sample by sample as played; missing before repair at most {max(before):.3f} s "
        f"(mean {statistics.mean(before):.3f}), after the next start at most {max(after, default=0):.3f} s; "
        f"{len(rows)} rows of recovered takes"
    )
    if max(before) > MOST_MISSING_S or max(after, default=0) > MOST_MISSING_S:
        sys.exit(f"kills: more than {MOST_MISSING_S} s are missing")


main()
