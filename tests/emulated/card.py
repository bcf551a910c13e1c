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
    """The folder of the card's files, copied out after the journal was played back as a mount does it.

    Beside that nothing may be wrong with the file system.
    """
    copy, folder = image + ".copy", image + ".files"
    shutil.rmtree(folder, ignore_errors=True)
    os.makedirs(folder)
    subprocess.run(["cp", "--sparse=always", image, copy], check=True)
    subprocess.run(["e2fsck", "-p", "-E", "journal_only", copy], check=False, capture_output=True)
    seen = subprocess.run(["e2fsck", "-f", "-n", copy], check=False, capture_output=True, text=True)
    if seen.returncode != 0:
        sys.exit(f"{image}: {seen.stdout}")
    subprocess.run(["debugfs", "-R", f"rdump / {folder}", copy], check=True, capture_output=True)
    os.remove(copy)
    return folder


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
    seen = {"ffprobe": int(stream.get("duration_ts", 0))}
    subprocess.run(["ffmpeg", "-v", "error", "-xerror", "-i", take, "-f", "null", "-"], check=True)
    seen["sox"] = int(subprocess.run(["soxi", "-s", take], check=True, capture_output=True).stdout)
    said = subprocess.run(["sndfile-info", take], check=True, capture_output=True, text=True).stdout
    seen["libsndfile"] = next(int(line.split(":")[1]) for line in said.splitlines() if line.startswith("Frames"))
    # A length of none is to ffmpeg one that was never filled in: it reads to the end of the file.
    if seen["sox"] == 0:
        del seen["ffprobe"]
    if len(set(seen.values())) != 1:
        sys.exit(f"{take}: {seen}")
    return seen["sox"]


def counts(take, channels):
    """The count in the take's first frame, and where its samples, by sox, do not go on as
    guest/counter.c counts: (frame, step)."""
    raw = subprocess.run(["sox", take, "-t", "raw", "-"], check=True, capture_output=True).stdout
    found = array.array("I", raw)
    first = [found[at] for at in range(0, len(found), channels)]
    broken = [
        (n, step - channels) for n in range(1, len(first)) if (step := first[n] - first[n - 1]) != channels
    ]
    if found != array.array("I", (count + n for count in first for n in range(channels))):
        sys.exit(f"{take}: channels out of step")
    return (first[0] - (1 << 28)) // channels, broken


def rows(folder):
    """Every row of every session's list of takes, with the path of its file."""
    found = {}
    for place, _, names in os.walk(folder):
        if "takes.jsonl" in names:
            with open(os.path.join(place, "takes.jsonl"), encoding="utf-8") as lines:
                for row in map(json.loads, lines):
                    found[os.path.join(place, row["file"])] = row
    return found


def mount_options():
    """A file with the options that deploy/install.sh mounts the card with, as the kernel takes them."""
    with open(os.path.join("deploy", "install.sh"), encoding="utf-8") as script:
        options = next(line for line in script if '"noatime,' in line).split('"')[1].split()[0]
    # These two are for systemd and mount(8).
    kernel = [option for option in options.split(",") if option != "nofail" and not option.startswith("x-")]
    path = os.path.join(WORK, "mount")
    with open(path, "w", encoding="utf-8") as file:
        file.write(",".join(kernel))
    return path
