"""A card: a disk image with one ext4 file system, and its files as other programs see them."""

import array
import json
import os
import shutil
import subprocess
import sys

from machine import WORK


def make(name, megabytes):
    """A new card."""
    image = os.path.join(WORK, f"{name}.img")
    if os.path.exists(image):
        os.remove(image)
    with open(image, "wb") as file:
        file.truncate(megabytes * 1024 * 1024)
    subprocess.run(["mke2fs", "-q", "-t", "ext4", "-m", "0", "-L", "booth-data", image], check=True)
    return image


def drive(image):
    """As qemu's arguments: what the guest did not flush may still be under way when qemu is killed."""
    backend = f"file={image},if=none,id=card,format=raw,cache=writeback,discard=unmap"
    return ["-drive", backend, "-device", "virtio-blk-device,drive=card"]


def files(image):
    """The card's files, copied out after its journal was played back as a mount would.

    Returns the folder, and what e2fsck had to mend beside the journal.
    """
    copy, folder = image + ".copy", image + ".files"
    shutil.rmtree(folder, ignore_errors=True)
    os.makedirs(folder)
    subprocess.run(["cp", "--sparse=always", image, copy], check=True)
    # Only the journal: what is wrong beside it is to be seen by the second.
    subprocess.run(["e2fsck", "-p", "-E", "journal_only", copy], check=False, capture_output=True)
    seen = subprocess.run(["e2fsck", "-f", "-n", copy], check=False, capture_output=True, text=True)
    subprocess.run(["debugfs", "-R", f"rdump / {folder}", copy], check=True, capture_output=True)
    os.remove(copy)
    return folder, "" if seen.returncode == 0 else seen.stdout


def takes(folder):
    """Every RF64 file below `folder`."""
    found = []
    for place, _, names in os.walk(folder):
        found += [os.path.join(place, name) for name in names if name.endswith(".rf64")]
    return sorted(found)


def frames(take):
    """Frames that ffmpeg, sox and libsndfile agree on; each must decode the file to its end."""
    probe = ["ffprobe", "-v", "error", "-of", "json", "-show_streams", take]
    stream = json.loads(subprocess.run(probe, check=True, capture_output=True).stdout)["streams"][0]
    seen = {"ffprobe": int(stream["duration_ts"])}
    subprocess.run(["ffmpeg", "-v", "error", "-xerror", "-i", take, "-f", "null", "-"], check=True)
    seen["sox"] = int(subprocess.run(["soxi", "-s", take], check=True, capture_output=True).stdout)
    said = subprocess.run(["sndfile-info", take], check=True, capture_output=True, text=True).stdout
    seen["libsndfile"] = next(int(line.split(":")[1]) for line in said.splitlines() if line.startswith("Frames"))
    if len(set(seen.values())) != 1:
        sys.exit(f"{take}: {seen}")
    return seen["sox"]


def breaks(take, channels):
    """Where the samples, by sox, do not go on counting as guest/counter.c does: (frame, step)."""
    raw = subprocess.run(["sox", take, "-t", "raw", "-"], check=True, capture_output=True).stdout
    found = array.array("I", raw)
    broken = []
    want = found[0] if found else 0
    for at in range(0, len(found), channels):
        if found[at] != want:
            broken.append((at // channels, found[at] - want))
            want = found[at]
        want += channels
    counts = array.array("I", (found[at] + n for at in range(0, len(found), channels) for n in range(channels)))
    if counts != found:
        sys.exit(f"{take}: channels out of step")
    return broken
