//! A panel's controller, ST7789 or ILI9341, as far as both datasheets agree: what it is sent becomes
//! what is seen on the glass.
//!
//! It refuses what a real one would get wrong in silence: commands during the time that it needs, and
//! parameters of a wrong length.

/// Frame memory of both, upright.
const COLUMNS: u32 = 240;
const PAGES: u32 = 320;
/// After a reset no command is taken for 5 ms, and none that ends the sleep for 120 ms.
const RESET_MS: u64 = 5;
const SLEEP_OUT_AFTER_RESET_MS: u64 = 120;
/// After the sleep has ended no command is taken for 5 ms.
const AWAKE_MS: u64 = 5;

/// The glass on the controller, and how it hangs on the wall.
#[derive(Clone, Copy, Debug)]
pub struct Glass {
    /// Columns and pages, upright.
    pub size: (u32, u32),
    /// Where it starts in the memory.
    pub offset: (u32, u32),
    /// Degrees that the picture has to be turned clockwise for whoever looks at it.
    pub rotation: u32,
    /// Whether its columns are wired from right to left, as those of ILI9341 panels are.
    pub mirrored: bool,
    /// Whether it shows colours inverted, as IPS panels do.
    pub inverts: bool,
    /// Whether its stripes are blue, green, red.
    pub bgr: bool,
}

/// The controller.
#[derive(Debug)]
pub struct Controller {
    glass: Glass,
    memory: Vec<u16>,
    now_ms: u64,
    busy_until_ms: u64,
    may_wake_ms: u64,
    awake: bool,
    on: bool,
    inverted: bool,
    pixel_bits: u8,
    /// MADCTL.
    address_mode: u8,
    columns: (u32, u32),
    pages: (u32, u32),
    command: u8,
    at: (u32, u32),
    half: Option<u8>,
}

impl Controller {
    /// A controller that was just switched on.
    pub fn new(glass: Glass) -> Controller {
        let mut controller = Controller {
            glass,
            memory: Vec::new(),
            now_ms: 0,
            busy_until_ms: 0,
            may_wake_ms: 0,
            awake: false,
            on: false,
            inverted: false,
            pixel_bits: 18,
            address_mode: 0,
            columns: (0, 0),
            pages: (0, 0),
            command: 0,
            at: (0, 0),
            half: None,
        };
        controller.lose_power();
        controller
    }

    pub fn now_ms(&self) -> u64 {
        self.now_ms
    }

    pub fn pass_ms(&mut self, ms: u64) {
        self.now_ms += ms;
    }

    /// The plug was pulled and put in again: noise in the memory, and everything as after a reset.
    pub fn lose_power(&mut self) {
        let noise = |n: u32| (n.wrapping_mul(2_246_822_519) >> 9) as u16;
        self.memory = (0..COLUMNS * PAGES).map(noise).collect();
        self.start();
        (self.busy_until_ms, self.may_wake_ms) = (self.now_ms, self.now_ms);
    }

    fn start(&mut self) {
        (self.awake, self.on, self.inverted) = (false, false, false);
        (self.pixel_bits, self.address_mode, self.command) = (18, 0, 0);
        (self.columns, self.pages) = ((0, COLUMNS - 1), (0, PAGES - 1));
        self.busy_until_ms = self.now_ms + RESET_MS;
        self.may_wake_ms = self.now_ms + SLEEP_OUT_AFTER_RESET_MS;
    }

    /// The reset wire's level.
    pub fn reset(&mut self, high: bool) {
        if !high {
            self.start();
        }
    }

    /// Bytes that came with the data wire low, and the bytes up to the next one.
    pub fn command(&mut self, command: u8, args: &[u8]) {
        assert!(
            self.now_ms >= self.busy_until_ms,
            "command {command:#04x} comes {} ms too soon",
            self.busy_until_ms - self.now_ms
        );
        self.command = command;
        let fixed = match command {
            0x01 | 0x11 | 0x13 | 0x20 | 0x21 | 0x28 | 0x29 | 0x2c => Some(0),
            0x36 | 0x3a | 0xb4 => Some(1),
            0x2a | 0x2b => Some(4),
            _ => panic!("command {command:#04x} is in neither datasheet's basic set"),
        };
        // Pixels may follow their command at once.
        if command != 0x2c {
            assert_eq!(Some(args.len()), fixed, "parameters of {command:#04x}");
        }
        let pair = || {
            let number = |n: usize| u32::from(args[n]) << 8 | u32::from(args[n + 1]);
            (number(0), number(2))
        };
        match command {
            0x01 => self.start(),
            0x11 => {
                assert!(self.now_ms >= self.may_wake_ms, "SLPOUT comes too soon");
                self.awake = true;
                self.busy_until_ms = self.now_ms + AWAKE_MS;
            }
            0x20 => self.inverted = false,
            0x21 => self.inverted = true,
            0x28 => self.on = false,
            0x29 => self.on = true,
            0x2a => self.columns = pair(),
            0x2b => self.pages = pair(),
            0x2c => {
                self.at = (self.columns.0, self.pages.0);
                self.half = None;
                self.data(args);
            }
            0x36 => self.address_mode = args[0],
            0x3a => {
                self.pixel_bits = match args[0] & 7 {
                    5 => 16,
                    6 => 18,
                    other => panic!("pixel format {other}"),
                }
            }
            _ => {}
        }
    }

    /// Bytes that came with the data wire high, of the memory write under way.
    pub fn data(&mut self, bytes: &[u8]) {
        assert_eq!(self.command, 0x2c, "data without a memory write");
        for &byte in bytes {
            match self.half.take() {
                None => self.half = Some(byte),
                Some(high) => self.pixel(u16::from_be_bytes([high, byte])),
            }
        }
    }

    fn pixel(&mut self, pixel: u16) {
        assert_eq!(self.pixel_bits, 16, "pixels of two bytes");
        let (column, page) = self.at;
        // "MCU to memory write direction" of both datasheets: MV exchanges the counters, MX and MY
        // mirror the memory's own columns and pages.
        let bit = |n: u8| self.address_mode >> n & 1 == 1;
        let (mut x, mut y) = if bit(5) {
            (page, column)
        } else {
            (column, page)
        };
        assert!(x < COLUMNS && y < PAGES, "({x}, {y}) is outside the memory");
        if bit(6) {
            x = COLUMNS - 1 - x;
        }
        if bit(7) {
            y = PAGES - 1 - y;
        }
        self.memory[(y * COLUMNS + x) as usize] = pixel;
        self.at = if column < self.columns.1 {
            (column + 1, page)
        } else if page < self.pages.1 {
            (self.columns.0, page + 1)
        } else {
            (self.columns.0, self.pages.0)
        };
    }

    /// What whoever stands before the glass sees, row by row; nothing while it is off.
    pub fn seen(&self) -> Option<Vec<u16>> {
        if !(self.awake && self.on) {
            return None;
        }
        let (width, height) = self.glass.size;
        let seen = |x: u32, y: u32| {
            let (x, y) = match self.glass.rotation {
                90 => (width - 1 - y, x),
                180 => (width - 1 - x, height - 1 - y),
                270 => (y, height - 1 - x),
                _ => (x, y),
            };
            let x = if self.glass.mirrored {
                width - 1 - x
            } else {
                x
            };
            let (x, y) = (x + self.glass.offset.0, y + self.glass.offset.1);
            self.shade(self.memory[(y * COLUMNS + x) as usize])
        };
        let (across, down) = if self.glass.rotation % 180 == 90 {
            (height, width)
        } else {
            (width, height)
        };
        let all = (0..down).flat_map(|y| (0..across).map(move |x| (x, y)));
        Some(all.map(|(x, y)| seen(x, y)).collect())
    }

    fn shade(&self, pixel: u16) -> u16 {
        let swapped = pixel & 0x07e0 | pixel << 11 | pixel >> 11;
        let is_bgr = self.address_mode >> 3 & 1 == 1;
        let pixel = if is_bgr == self.glass.bgr {
            pixel
        } else {
            swapped
        };
        if self.inverted == self.glass.inverts {
            pixel
        } else {
            !pixel
        }
    }
}
