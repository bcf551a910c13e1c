"""The wires between a Raspberry Pi and its panel, and what is seen on the glass.

The wires are qemu's trace of the writes to the pin and SPI registers: every byte with the level that
each pin has at that moment. The glass is an ST7789 (data sheet V1.4, chapter 9) as it is mounted on the
Display HAT Mini: whoever sees it upright sees what the maker's own driver shows, which turns a picture
by 180 degrees and writes it under MADCTL 70h, inverted.
"""

import array

# BCM2835 ARM Peripherals, pages 90 and 152; the BCM2837 has them from 3f000000h on.
PERIPHERALS = 0x3F000000
GPSET0, GPCLR0, GPPUDCLK0, SPI_FIFO = 0x20001C, 0x200028, 0x200098, 0x204004

WIDTH, HEIGHT = 320, 240

SLEEP_IN, SLEEP_OUT, INVERT_OFF, INVERT_ON, DISPLAY_OFF, DISPLAY_ON = 0x10, 0x11, 0x20, 0x21, 0x28, 0x29
COLUMNS, ROWS, WRITE, ACCESS, FORMAT, SOFT_RESET = 0x2A, 0x2B, 0x2C, 0x36, 0x3A, 0x01
MIRROR_Y, MIRROR_X, EXCHANGE, BLUE_FIRST = 0x80, 0x40, 0x20, 0x08


class Glass:
    """An ST7789 and its 240 x 320 pixels."""

    def __init__(self):
        self.memory = array.array("H", bytes(2 * WIDTH * HEIGHT))
        self.pixels = 0
        self.reset()

    def reset(self):
        """What is left after power-on and after a software reset; the memory keeps its pixels."""
        self.awake = self.on = self.inverted = False
        self.access = 0
        self.columns, self.rows = (0, 239), (0, 319)
        self.command(0)

    def command(self, code):
        """A byte with D/C low."""
        self.code, self.arguments = code, bytearray()
        if code == SOFT_RESET:
            self.reset()
        elif code in (SLEEP_IN, SLEEP_OUT):
            self.awake = code == SLEEP_OUT
        elif code in (DISPLAY_OFF, DISPLAY_ON):
            self.on = code == DISPLAY_ON
        elif code in (INVERT_OFF, INVERT_ON):
            self.inverted = code == INVERT_ON
        elif code == WRITE:
            self.column, self.row = self.columns[0], self.rows[0]
            self._orient()

    def data(self, byte):
        """A byte with D/C high."""
        self.arguments.append(byte)
        if self.code == WRITE:
            if len(self.arguments) == 2:
                self._pixel(self.arguments[0] << 8 | self.arguments[1])
                self.arguments.clear()
        elif self.code in (COLUMNS, ROWS) and len(self.arguments) == 4:
            window = int.from_bytes(self.arguments[:2], "big"), int.from_bytes(self.arguments[2:], "big")
            if self.code == COLUMNS:
                self.columns = window
            else:
                self.rows = window
        elif self.code == ACCESS:
            self.access = byte
        elif self.code == FORMAT and byte & 0x0F != 5:
            raise ValueError(f"COLMOD {byte:02x}h is not 16 bits a pixel")

    def _orient(self):
        """Where column and row of the window lie for who looks at the glass: start and two strides."""
        # Seen upright, line 0 is at the right and column 0 on top.
        line, column = (WIDTH - 1, -1), (0, WIDTH)
        if self.access & MIRROR_Y:
            line = (line[0] + line[1] * 319, -line[1])
        if self.access & MIRROR_X:
            column = (column[0] + column[1] * 239, -column[1])
        x, y = (line, column) if self.access & EXCHANGE else (column, line)
        self.start, self.along, self.down = x[0] + y[0], x[1], y[1]

    def _pixel(self, value):
        if self.access & BLUE_FIRST:
            value = value << 11 & 0xF800 | value & 0x07E0 | value >> 11
        self.memory[self.start + self.column * self.along + self.row * self.down] = value
        self.pixels += 1
        self.column += 1
        if self.column > self.columns[1]:
            self.column, self.row = self.columns[0], self.row + 1
            if self.row > self.rows[1]:
                self.row = self.rows[0]

    def seen(self):
        """The picture as red, green and blue in 5, 6 and 5 bits, row by row; none on a dark glass."""
        if not (self.awake and self.on):
            return None
        if self.inverted:
            return self.memory
        return array.array("H", (pixel ^ 0xFFFF for pixel in self.memory))


class Wires:
    """The pins and the SPI of the Pi that `profile` names, from the levels after power-on.

    Calls `told(self)` after each transfer to the panel, and when its light goes on.
    """

    def __init__(self, profile, told=lambda wires: None):
        panel = profile["panel"]
        select = {"0.0": 8, "0.1": 7}[panel["spi"]]
        self.select, self.light, self.dc = 1 << select, 1 << panel["backlight"], 1 << panel["dc"]
        self.buttons = {1 << pin["gpio"] for pin in profile["buttons"].values()}
        self.levels = self.select
        self.glass = Glass()
        self.told = told
        self.bytes = 0
        self.opened = False

    def write(self, register, value):
        """One write to a register, counted from the start of the peripherals."""
        if register == SPI_FIFO and not self.levels & self.select:
            self.bytes += 1
            take = self.glass.data if self.levels & self.dc else self.glass.command
            take(value & 0xFF)
        elif register == GPSET0:
            before, self.levels = self.levels, self.levels | value
            if ~before & value & (self.select | self.light):
                self.told(self)
        elif register == GPCLR0:
            self.levels &= ~value
        elif register == GPPUDCLK0 and value in self.buttons:
            # The pull of a button's pin, which nobody but the program sets.
            self.opened = True

    def seen(self):
        """What whoever stands before the panel sees."""
        return self.glass.seen() if self.levels & self.light else None


def trace(lines):
    """Register and value of each write to pins or SPI among qemu's trace `memory_region_ops_write`."""
    for line in lines:
        words = line.split()
        # memory_region_ops_write cpu 3 mr 0x7f36be5793d0 addr 0x3f204004 value 0x7 size 4 name ...
        if len(words) > 8 and words[6].startswith(b"0x3f20"):
            yield int(words[6], 16) - PERIPHERALS, int(words[8], 16)
