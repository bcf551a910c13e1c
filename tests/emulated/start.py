"""From the power-on of the emulated machine's kernel to READY and to the first picture, and the memory
of the running box."""

import os
import statistics
import sys

import card
from machine import SAID, STEADY, WORK, Machine, initrd

TIMES = 5
NOTO = "usr/share/fonts/truetype/noto/"
LATIN = [NOTO + "NotoSans-Regular.ttf", NOTO + "NotoSans-Bold.ttf"]
CHINESE = [*LATIN, "usr/share/fonts/opentype/noto/NotoSansCJK-Regular.ttc"]
# Lines, fonts, and the most that may be resident, MB.
TEXTS = {
    "Latin": ("Le soleil se lève sur la mer.\nUn chat dort au jardin.\n", LATIN, 96),
    "Chinese": ("今天的天气很好。\n我们一起去公园散步。\n", CHINESE, 128),
}
# Of the program itself. What it waits for the host's disk is in it, so the limit has slack.
SHARE_GOAL_S, SHARE_LIMIT_S = 1.0, 10.0
MODULES = ["virtio_mmio", "virtio_blk", "ext4", "snd-aloop"]


def start(disk):
    """One start: seconds since the kernel's of each mark, and kB by the kernel's names."""
    image = card.make("start", 1024)
    with Machine("start", [*STEADY, *card.drive(image)], disk) as machine:
        marks = {
            "init": float(machine.wait(SAID + "init", 60)),
            "script": float(machine.wait(SAID + "script", 60)),
        }
        if machine.ended(180) != 0:
            sys.exit(f"start: see {machine.log}")
    memory = {}
    for line in machine.said:
        words = line.split()
        if line.startswith("service: ") and words[2:] != ["WATCHDOG=1"]:
            marks.setdefault(" ".join(words[2:]), float(words[1]))
        if line.startswith(SAID + "memory"):
            memory[words[2]] = int(words[3])
    return marks, memory


def main():
    faults = []
    for name, (text, fonts, most_mb) in TEXTS.items():
        lines = os.path.join(WORK, "lines.txt")
        with open(lines, "w", encoding="utf-8") as file:
            file.write(text)
        files = [
            (card.mount_options(), "etc/booth/mount"),
            ("tests/emulated/guest/lines.toml", "etc/booth/lines.toml"),
            ("tests/emulated/guest/reader", "etc/booth/script"),
            (lines, "etc/booth/lines.txt"),
            *(("/" + font, font) for font in fonts),
        ]
        disk = initrd("start", "tests/emulated/guest/start", MODULES, files)
        runs = [start(disk) for _ in range(TIMES)]
        marks = {mark: statistics.median(run[0][mark] for run in runs) for mark in runs[0][0]}
        shares = sorted(run[0]["READY=1"] - run[0]["executed"] for run in runs)
        share = statistics.median(shares)
        print(
            f"start, {name} fonts: READY {marks['READY=1']:.2f} s after the kernel began: kernel and RAM disk "
            f"{marks['init']:.2f}, modules {marks['script'] - marks['init']:.2f}, card and shell "
            f"{marks['executed'] - marks['script']:.2f}, the program {share:.2f} ({shares[0]:.2f} to "
            f"{shares[-1]:.2f}; goal {SHARE_GOAL_S}); first picture at {marks['first picture']:.2f}; median of {TIMES}"
        )
        megabytes = max(run[1]["VmHWM"] for run in runs) * 1024 / 1e6
        parts = ", ".join(f"{part} {kilobytes * 1024 / 1e6:.1f}" for part, kilobytes in runs[0][1].items())
        print(f"memory, {name} fonts: at most {megabytes:.1f} MB resident of {most_mb} allowed ({parts})")
        if megabytes > most_mb:
            faults.append(f"{name}: {megabytes:.1f} MB")
        if share > SHARE_LIMIT_S:
            faults.append(f"{name}: {share:.2f} s")
    if faults:
        sys.exit(f"start: {faults}")


main()
