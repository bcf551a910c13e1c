"""The same visit on the simulator and on an emulated Raspberry Pi 3: the same takes, the same screens.

On the Pi a visitor reads the panel from what goes over SPI, and presses real pins.
"""

import glob
import json
import os
import shutil
import subprocess
import sys
import threading
import time
import tomllib

import picture
from glass import Wires, trace
from machine import SAID, WORK, Machine, initrd
from visitor import PATIENCE_S, Pins, Screen, Visitor

VISIT = os.path.join("tests", "emulated", "visit")
BOARD = os.path.join("board", "display-hat-mini.toml")
# The machine's time is what it executed, 2 ns an instruction on one thread: neither a busy host nor the
# noting of each byte makes it slow.
PI = ["-M", "raspi3b", "-smp", "4", "-accel", "tcg,thread=single", "-icount", "shift=1"]
PI += ["-serial", "null", "-serial", "stdio"]
# rppal maps the registers, which the kernel's own driver has claimed.
APPEND = "console=ttyS1,115200 panic=-1 iomem=relaxed loglevel=1"
RATE = 48000
# Wall time: a busy host may need ten times what an idle one does.
BOOT_S, END_S = 300, 120
# How much longer or shorter a take may be, as presses are served late on an emulated machine.
NEAR_S = 0.5
FONT = "/usr/share/fonts/truetype/noto/NotoSans-{}.ttf"
# What is the same wherever the script is played.
TAKE = ("take", "kind", "step", "line", "line_id", "text", "language", "version", "verdict", "reasons", "gaps")
TAKE += ("rate", "channels", "format")
EVENTS = {"screen": ("name",), "press": ("button",), "step": ("name", "state"), "take": ("take", "state")}


def simulated(work):
    """The visit on the simulated board: its screens, rows of takes and events."""
    booth = ["cargo", "run", "--quiet", "--locked", "--", "--config", os.path.join(VISIT, "booth.toml")]
    data, screens = os.path.join(work, "data"), os.path.join(work, "screens")
    visit = ["--script", os.path.join(VISIT, "script"), "--screens", screens, "--fast"]
    subprocess.run([*booth, "--data", data, "run", "--board", "sim", *visit], check=True, stdout=subprocess.DEVNULL)
    (session,) = glob.glob(os.path.join(data, "sessions", "*"))
    shown = []
    for file in sorted(os.listdir(screens)):
        name = file.split("-", 1)[1].removesuffix(".png")
        shown.append(Screen(file, name, picture.read(os.path.join(screens, file))))
    return shown, rows(session, "takes.jsonl"), rows(session, "events.jsonl")


def rows(session, name):
    """A file of one JSON object a line."""
    with open(os.path.join(session, name), encoding="utf-8") as file:
        return [json.loads(line) for line in file]


def device_tree(work):
    """The Pi's device tree as `dtparam=spi=on` makes it, but for DMA, which the emulated SPI has not."""
    (source,) = glob.glob(os.path.join(WORK, "kernel/usr/lib/linux-image-*/broadcom/bcm2837-rpi-3-b.dtb"))
    tree = shutil.copy(source, os.path.join(work, "pi.dtb"))

    def put(kind, node, name, *values):
        subprocess.run(["fdtput", "-p", "-t", kind, tree, node, name, *map(str, values)], check=True)

    spi, gpio = "/soc/spi@7e204000", "/soc/gpio@7e200000"
    pins = subprocess.run(["fdtget", tree, gpio, "phandle"], check=True, capture_output=True, text=True).stdout.strip()
    put("s", spi, "status", "okay")
    put("i", spi, "cs-gpios", pins, 8, 1, pins, 7, 1)
    for select in (0, 1):
        node = f"{spi}/spidev@{select}"
        # One of the names that the kernel's spidev takes.
        put("s", node, "compatible", "rohm,dh2228fv")
        put("i", node, "reg", select)
        put("i", node, "spi-max-frequency", 125000000)
    subprocess.run(["fdtput", "-d", tree, spi, "dmas"], check=True)
    return tree


class Bench:
    """The emulated Pi, its wires, and who stands before it."""

    def __init__(self, work, screens):
        with open(BOARD, "rb") as file:
            profile = tomllib.load(file)
        qtest, self.trace = os.path.join(work, "qtest"), os.path.join(work, "trace")
        os.mkfifo(self.trace)
        files = [(os.path.join(VISIT, name), f"visit/{name}") for name in ("booth.toml", "protocol.toml")]
        files += [(FONT.format(weight), FONT.format(weight)[1:]) for weight in ("Regular", "Bold")]
        disk = initrd("raspi", "tests/emulated/guest/visit", ["spi-bcm2835"], files)
        watch = ["-trace", "memory_region_ops_write", "-D", self.trace]
        levels = ["-qtest", f"unix:{qtest},server=on,wait=off", "-qtest-log", os.devnull]
        self.wires = Wires(profile, self.look)
        self.lit = None
        threading.Thread(target=self.read, daemon=True).start()
        self.machine = Machine("raspi", [*PI, "-dtb", device_tree(work), *watch, *levels], disk, APPEND)
        self.pins = Pins(qtest)
        self.visitor = Visitor(screens, profile["buttons"], self.pins)

    def read(self):
        """Follows every write to the pins and to SPI."""
        with open(self.trace, "rb") as lines:
            for register, value in trace(lines):
                self.wires.write(register, value)

    def look(self, wires):
        """A transfer has ended, or the light was switched on."""
        pixels = wires.seen()
        if pixels is None:
            return
        if self.lit is None:
            self.lit = wires.bytes
        self.visitor.look(pixels)

    def when(self, happened):
        """The machine's time at which something has happened."""
        end = self.pins.clock() + PATIENCE_S
        while not happened():
            if self.pins.clock() > end:
                raise TimeoutError(f"nothing came over the panel's wires in {PATIENCE_S} s")
            time.sleep(0.002)
        return self.pins.clock()

    def collect(self):
        """Ends the program; its exit status, rows of takes and of events."""
        self.machine.tell("end")
        status = int(self.machine.wait(SAID + "booth ", END_S))
        self.machine.ended(END_S)
        said = {"takes.jsonl": [], "events.jsonl": []}
        for line in self.machine.said:
            for name, found in said.items():
                if line.startswith(SAID + name):
                    found.append(json.loads(line.removeprefix(SAID + name)))
        return status, said["takes.jsonl"], said["events.jsonl"]


def differences(here, there):
    """What is not the same in takes and events on the simulator and on the Pi, as sentences."""
    (sim_takes, sim_events), (pi_takes, pi_events) = here, there
    found = []

    def compare(what, keys, ours, theirs):
        ours, theirs = ([[row[key] for key in keys] for row in rows] for rows in (ours, theirs))
        if ours != theirs:
            found.append(f"{what}: simulator {ours}, Pi {theirs}")

    compare("takes", TAKE, sim_takes, pi_takes)
    for event, keys in EVENTS.items():
        compare(event, keys, *([row for row in rows if row["event"] == event] for rows in (sim_events, pi_events)))
    return found


def report(bench, screens, here, there):
    """Prints the figures; gives what is wrong, as sentences."""
    wires, visitor = bench.wires, bench.visitor
    live = [screen.differing for screen in screens if screen.differing]
    noted = [sum(row["event"] == "press" for row in events) for _, events in (here, there)]
    off = max((abs(ours["frames"] - theirs["frames"]) / RATE for ours, theirs in zip(here[0], there[0])), default=0)
    print(
        f"raspi: {bench.lit} bytes to the first picture, {wires.bytes} in all; {len(screens)} screens seen, "
        f"{len(screens) - len(live)} equal in every pixel, the others but for {live} pixels of clock, bar, level or code"
    )
    print(
        f"raspi: {visitor.presses} presses sent, {noted[1]} of {noted[0]} noted as on the simulator, which notes none "
        f"that ends a session; {len(there[0])} takes, their lengths {off:.3f} s off at most"
    )
    wrong = differences(here, there)
    if off > NEAR_S:
        wrong.append(f"a take is {off:.3f} s longer or shorter")
    return wrong


def main():
    work = os.path.abspath(os.path.join(WORK, "raspi"))
    shutil.rmtree(work, ignore_errors=True)
    os.makedirs(work)
    screens, *here = simulated(work)
    with open(os.path.join(VISIT, "script"), encoding="utf-8") as file:
        script = file.readlines()
    bench = Bench(work, screens)
    last = os.path.join(work, "last.png")
    with bench.machine as machine:
        machine.wait(SAID + "opens", BOOT_S)
        started, wires = bench.pins.clock(), bench.wires
        try:
            opened, began = bench.when(lambda: wires.opened), bench.when(lambda: wires.bytes)
            lit = bench.when(lambda: bench.lit)
            bench.visitor.visit(script)
        except TimeoutError as error:
            sys.exit(f"raspi: {error}; see {machine.log} and {last}")
        finally:
            bench.visitor.draw(last)
        status, *there = bench.collect()
    print(
        f"raspi: from power-on {started:.2f} s to the program, {opened:.2f} s to the chip, {began:.2f} s "
        f"to the panel's first byte, {lit:.2f} s to a lit picture"
    )
    wrong = report(bench, screens, here, there)
    if status != 0 or wrong:
        sys.exit("raspi: " + "; ".join([f"exit {status}", *wrong]))


main()
