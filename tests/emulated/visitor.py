"""A visitor of the emulated box: reads the panel, and presses the buttons as booth's scripts say.

The visitor knows the screens of the same visit on the simulator, and knows one again when everything on
the glass is as there, except for what goes on by itself or is this visitor's own.
"""

import array
import socket
import threading
import time

import picture
from glass import WIDTH

# Seconds: a script's patience, as booth's own, and how long a finger stays on a button.
PATIENCE_S = 60
TAP_S = 0.08
# Seconds until qemu listens.
START_S = 60

# Left, top, right, bottom at 320 x 240 (src/screen/layout.rs).
CLOCK, BAR, LEVEL = (245, 5, 310, 31), (10, 31, 310, 35), (10, 199, 310, 205)
QR, LETTERS = (10, 31, 121, 142), (10, 165, 310, 205)
LIVE = {"reading": (CLOCK, BAR, LEVEL), "quiet": (CLOCK, BAR, LEVEL), "paused": (CLOCK, BAR), "thanks": (QR, LETTERS)}


def without(fields, pixels):
    """The picture with nothing in `fields`."""
    rest = array.array("H", pixels)
    for left, top, right, bottom in fields:
        for y in range(top, bottom):
            rest[y * WIDTH + left : y * WIDTH + right] = array.array("H", bytes(2 * (right - left)))
    return rest


class Screen:
    """A screen of the visit on the simulator, and how it was seen here."""

    def __init__(self, file, name, pixels):
        self.file, self.name, self.pixels = file, name, pixels
        self.still = without(LIVE.get(name, ()), pixels)
        self.differing = len(pixels)

    def is_seen(self, pixels):
        """Whether these pixels show this screen; the fewest that differ in all are kept."""
        if without(LIVE.get(self.name, ()), pixels) != self.still:
            return False
        if self.differing:
            self.differing = min(self.differing, sum(a != b for a, b in zip(pixels, self.pixels)))
        return True


class Visitor:
    """Stands before the box. Its time is the machine's, so that a slow host changes nothing."""

    def __init__(self, screens, buttons, pins):
        self.screens, self.pins = screens, pins
        self.buttons = {word: 1 << button["gpio"] for word, button in buttons.items()}
        self.at = -1
        self.last = None
        self.changed = threading.Condition()
        self.presses = 0
        # Nobody presses: the contacts are open, and the pull-ups win.
        pins.high(sum(self.buttons.values()))

    def look(self, pixels):
        """What is on the glass now. Never asks the machine, which waits until its writes are noted."""
        with self.changed:
            self.last = pixels
            if self.at >= 0:
                self.screens[self.at].is_seen(pixels)
            if self.at + 1 < len(self.screens) and self.screens[self.at + 1].is_seen(pixels):
                self.at += 1
                self.changed.notify_all()

    def until(self, wanted):
        """Waits until the screen that is seen is a `wanted` one; when that is."""
        end = self.pins.clock() + PATIENCE_S
        while True:
            with self.changed:
                seen = self.at >= 0 and wanted(self.screens[self.at])
                if not seen:
                    self.changed.wait(0.1)
            now = self.pins.clock()
            if seen:
                return now
            if now > end:
                raise TimeoutError(f"the panel did not go on behind {self.screens[max(self.at, 0)].file}")

    def visit(self, script):
        """Does what the script says, each wait from when the event before was due; then waits for the end."""
        due = self.pins.clock()
        for line in script:
            words = line.split("#")[0].split()
            if not words:
                continue
            if words[0] == "until":
                due = max(due, self.until(lambda screen, name=words[1]: screen.name == name))
                continue
            due += int(words[0]) / 1000
            held = int(words[3]) / 1000 if len(words) > 2 else 0
            self.press(self.buttons[words[1]], due, max(held, TAP_S))
            due += held
        self.until(lambda screen: screen is self.screens[-1])

    def press(self, pin, due, held):
        """Closes a contact to ground at `due`, for `held` seconds."""
        self.pins.wait(due)
        self.pins.low(pin)
        self.pins.wait(due + held)
        self.pins.high(pin)
        self.presses += 1

    def draw(self, path):
        """The picture that was seen last, as a PNG file."""
        with self.changed:
            if self.last is not None:
                picture.write(path, self.last)


class Pins:
    """The pins from outside, and the machine's clock, by qemu's test protocol.

    The emulated chip knows no pull-up: a pin is low until it is set, and keeps its last level.
    """

    def __init__(self, path):
        self.socket = socket.socket(socket.AF_UNIX)
        end = time.monotonic() + START_S
        while self.socket.connect_ex(path) != 0:
            if time.monotonic() > end:
                raise TimeoutError(f"no qemu at {path}")
            time.sleep(0.05)
        self.answers = self.socket.makefile("rb")
        self.lock = threading.Lock()

    def high(self, mask):
        """Through GPSET0."""
        self._ask(f"writel 0x3f20001c {mask:#x}")

    def low(self, mask):
        """Through GPCLR0."""
        self._ask(f"writel 0x3f200028 {mask:#x}")

    def clock(self):
        """Seconds since power-on, from the chip's free-running counter of microseconds."""
        return int(self._ask("readl 0x3f003004"), 16) / 1e6

    def wait(self, until):
        """Sleeps until the machine's clock shows `until`."""
        while (rest := until - self.clock()) > 0:
            time.sleep(min(rest, 0.01))

    def _ask(self, request):
        with self.lock:
            self.socket.sendall(request.encode() + b"\n")
            answer = self.answers.readline().decode().split()
        if not answer or answer[0] != "OK":
            raise OSError(f"qemu answers {answer} to {request}")
        return answer[-1]
