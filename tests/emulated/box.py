"""A whole Debian with the package in it, set up by deploy/install.sh: its root is an overlay, its plug is
pulled, its card is pulled out and put back, and the set-up is taken back."""

import json
import os
import random
import subprocess
import sys
import time

import card
from machine import SAID, VIRT, WORK, Machine

BOX = os.path.join(WORK, "box")
CUTS = 3
# Of the mount, as the kernel tells them.
OPTIONS = {"rw", "nosuid", "nodev", "noexec", "noatime", "discard", "errors=remount-ro", "commit=30"}
# No clock chip: each start believes that it is this day, or that of its systemd.
MACHINE = ["-rtc", "base=2020-01-01", "-device", "i6300esb", "-device", "virtio-scsi-pci,id=scsi"]
PLUGGED = {"driver": "scsi-hd", "id": "card", "drive": "card", "bus": "scsi.0"}


def fail(machine, what):
    """Ends it with a sentence."""
    sys.exit(f"box: {what}, see {machine.log}")


class Box(Machine):
    """The box, running: its console is root's."""

    def __init__(self, name, image, words=""):
        disks = []
        for disk in ("root", "boot"):
            drive = f"file={os.path.join(WORK, f'box.{disk}.img')},if=none,id={disk},format=raw,cache=writeback"
            disks += ["-drive", drive, "-device", f"virtio-blk-pci,drive={disk}"]
        # Unlike a -drive this outlives the device.
        disks += ["-blockdev", f"driver=raw,node-name=card,discard=unmap,file.driver=file,file.filename={image}"]
        disks += ["-device", json.dumps(PLUGGED)]
        with open(os.path.join(BOX, "cmdline.txt"), encoding="utf-8") as line:
            append = line.read().strip()
        shell = "systemd.debug_shell=ttyAMA0 systemd.mask=serial-getty@ttyAMA0.service loglevel=4"
        super().__init__(
            name,
            [*VIRT, *MACHINE, *disks],
            os.path.join(BOX, "initrd"),
            f"{append} {shell} {words}",
            os.path.join(BOX, "vmlinuz"),
        )

    def ask(self, *question, limit_s=60):
        """The box's answers to a question of guest/box, by their names."""
        self.tell("/root/box " + " ".join(question))
        answers = {}
        while (line := self.wait(SAID, limit_s)) != "asked":
            name, _, value = line.partition(" ")
            answers[name] = value.strip()
        return answers

    def until(self, what, is_so, limit_s=240):
        """Asks after the visits until they are as wanted."""
        end = time.monotonic() + limit_s
        while not is_so(seen := self.ask("visits")):
            if time.monotonic() > end:
                fail(self, f"{what} has not come in {limit_s} s: {seen}")
            self.listen(1)
        return seen

    def up(self):
        """Waits for its shell, and for booth."""
        self.wait("# ", 240)
        self.tell("stty -echo; dmesg --console-off")
        self.until("a box that runs", lambda seen: seen["booth"] == "active")


def is_as_set_up(machine):
    """What install.sh and the unit promise of the running system holds; its state and that of booth's process."""
    while (state := machine.ask("state"))["system"] == "starting":
        machine.listen(2)
    process = machine.ask("process")
    options = set(state["card"].split()[-1].split(",")) if state["card"] else set()
    for what, is_so in {
        "a system without failures": state["system"] == "running" and not state["failed"],
        "an overlay as root": state["root"].startswith("overlay"),
        "the card as set up": state["card"].startswith("ext4") and OPTIONS <= options,
        "a boot partition that is only read": state["boot"].startswith("vfat") and " ro," in state["boot"],
        "a journal in memory": state["journal"].startswith("/run/") and "/var/log" not in state["journal"],
        "a fed watchdog": state["watchdog"] == "14s active",
        "a closed process": (process["CapBnd"], process["NoNewPrivs"], process["Seccomp"]) == ("0" * 16, "1", "2"),
        "a capture thread of SCHED_FIFO 45": process["capture"] == "45 1",
        "a locked pool": int(process["VmLck"]) > 20000,
    }.items():
        if not is_so:
            fail(machine, f"no {what}: {state} {process}")
    return state, process


def cut(machine, since, chance):
    """Once the time was kept, the plug is pulled in the middle of a take; that time."""
    machine.until("the kept time", lambda seen: int(seen["kept"] or 0) > since)
    seen = machine.until("a visitor who reads", lambda seen: int(seen["unfinished"]) > 0)
    machine.listen(chance.uniform(0, 3))
    machine.kill()
    return int(seen["kept"])


def thanked(machine, before):
    """Waits until one more visitor was thanked; how many were."""
    seen = machine.until("the first visitor's thanks", lambda seen: int(seen["completed"]) > before)
    return int(seen["completed"])


def takes_of(image):
    """Frames of each take on the card, by its name in its folder; every one opens."""
    folder = card.files(image)
    return {os.path.relpath(take, folder): card.frames(take) for take in card.takes(folder)}


def nights(image, chance):
    """The plug is pulled again and again; figures of all starts."""
    completed, kept, known, ready_s = 0, 0, {}, []
    for night in range(CUTS + 1):
        with Box(f"box.{night}", image) as machine:
            machine.up()
            state, process = is_as_set_up(machine)
            ready_s.append(int(process["ready"]) / 1e6)
            if state["marker"]:
                fail(machine, "what was written to root outlived a start")
            machine.tell("echo written > /etc/marker")
            if machine.ask("again")["again"] != "same":
                fail(machine, "a card in use was mounted anew")
            since = int(process["since"])
            if since < kept:
                fail(machine, f"the time went back: ready at {since}, last kept at {kept}")
            completed = thanked(machine, completed)
            if night == 0:
                process = machine.ask("process")
                locked, resident = (int(process[name]) * 1024 / 1e6 for name in ("VmLck", "VmHWM"))
                print(
                    f"box: root is an overlay, the card ext4, the boot partition only read, the journal in memory, "
                    f"the watchdog {state['watchdog']}, no failed unit; booth without capability, its calls filtered, "
                    f"capture SCHED_FIFO 45, VmLck {locked:.1f} MB; READY {ready_s[0]:.1f} s after the kernel began, at "
                    f"most {resident:.1f} MB resident by the end of a visit"
                )
            if night < CUTS:
                kept = cut(machine, since, chance)
            else:
                starts = int(machine.ask("log", "Started.booth.service")["log"])
                if starts < CUTS:
                    fail(machine, f"of {CUTS} starts before this one booth.log has {starts}")
                soon_s = replugged(machine, lambda seen: seen["booth"] != "active")
                late_s = replugged(machine, lambda seen: not seen["mounted"])
                machine.kill()
        found = takes_of(image)
        if lost := [take for take, frames in known.items() if found.get(take, 0) < frames]:
            sys.exit(f"box: lost after start {night + 1}: {lost}")
        known = found
        print(f"box: {night + 1}: READY after {ready_s[-1]:.1f} s, {len(known)} takes", file=sys.stderr)
    print(
        f"box: {CUTS} plugs pulled in mid-take, up by itself each time, READY at most {max(ready_s):.1f} s after the "
        f"kernel began, the next visitor thanked; {len(known)} takes, none shorter than before, all open; nothing "
        f"written to root outlived a start, the time never went back, booth.log has the words of {starts} starts"
    )
    print(
        f"box: its card pulled out in mid-take and put back while it still stopped: ready {soon_s:.0f} s later; put back "
        f"once it had stopped: {late_s:.0f} s later; each time the next visitor was thanked"
    )


def replugged(machine, is_so):
    """The card is pulled out in mid-take and put back when it is so: seconds until the box is ready."""
    seen = machine.until("a visitor who reads", lambda seen: int(seen["unfinished"]) > 0)
    machine.command("device_del", id="card")
    machine.until("the card's absence", is_so)
    machine.listen(3)
    began = time.monotonic()
    machine.command("device_add", **PLUGGED)
    machine.until("the end of the old mount", lambda seen: seen["booth"] != "deactivating")
    machine.until("a box that is back", lambda seen: seen["booth"] == "active" and seen["mounted"])
    back_s = time.monotonic() - began
    thanked(machine, int(seen["completed"]))
    return back_s


def undone(image):
    """A start without overlay, which the log tells; then the set-up is taken back."""
    with Box("box.undo", image, "overlayroot=disabled") as machine:
        machine.up()
        since = int(machine.ask("process")["since"])
        if machine.ask("state")["marker"]:
            fail(machine, "what was written to root outlived a start")
        machine.until("the kept time", lambda seen: int(seen["kept"] or 0) > since)
        machine.listen(2)
        if machine.ask("log", "root.is.no.overlay")["log"] != "1":
            fail(machine, "booth.log does not tell that root is no overlay")
        undo = machine.ask("undo", limit_s=120)
        if undo != {"undo": "0", "fstab": "same", "config.txt": "same", "cmdline.txt": "same"}:
            fail(machine, f"taken back: {undo}")
        machine.kill()
    print(
        "box: without overlay its log says so; install.sh --uninstall left fstab, config.txt and cmdline.txt as "
        "they were, byte for byte"
    )


def main():
    seed = int(os.environ.get("SEED", time.time()))
    print(f"box: SEED={seed}", file=sys.stderr)
    sudo = [] if os.geteuid() == 0 else ["sudo"]
    subprocess.run([*sudo, os.path.join("tests", "emulated", "debian")], check=True)
    for disk in ("root", "boot"):
        copy = [os.path.join(BOX, f"{disk}.img"), os.path.join(WORK, f"box.{disk}.img")]
        subprocess.run(["cp", "--sparse=always", *copy], check=True)
    image = card.make("box", 1024)
    nights(image, random.Random(seed))
    undone(image)


main()
