"""Gives back the places of dead servers in JACK's registry: `places.py [NAME]`. The server NAME is ended
first, should it still run: whoever left it there is gone.

The registry (common/shm.h of jack2) has eight places for the servers of all programs on the machine. One
that was killed keeps its place until a server of its name comes, and if its process number is another's by
then, none of its name ever does."""
import ctypes
import mmap
import os
import signal
import struct
import sys

REGISTRY = "/dev/shm/jack-shm-registry"
KEY = 0x282929  # of the semaphore that locks it
PLACES, PLACE = 8, struct.Struct("=i260s")
HEADER = struct.Struct("=IIIIII")  # magic, version, type, and the sizes of all, of this header, of an entry
MAGIC = 0x4A41434B


class Step(ctypes.Structure):
    _fields_ = [("which", ctypes.c_ushort), ("by", ctypes.c_short), ("flags", ctypes.c_short)]


def move(semaphore, by):
    """Takes the lock (-1) or gives it back; the kernel does if this process ends (SEM_UNDO)."""
    if libc.semop(semaphore, ctypes.byref(Step(0, by, 0x1000)), 1):
        sys.exit("no lock on JACK's registry")


def is_server(pid):
    """Whether the process is one of JACK's that runs."""
    try:
        with open(f"/proc/{pid}/stat", encoding="ascii", errors="replace") as file:
            name, state = file.read().partition("(")[2].rpartition(") ")[::2]
    except OSError:
        return False
    return name in ("jackd", "jackdbus") and state[0] not in "ZX"


def tidy(registry, wanted):
    for place in range(PLACES):
        at = HEADER.size + place * PLACE.size
        pid, name = PLACE.unpack_from(registry, at)
        if pid and wanted and name.rstrip(b"\0").endswith(b":%s:" % wanted) and is_server(pid):
            os.kill(pid, signal.SIGKILL)
            while is_server(pid):
                os.sched_yield()
        if pid and not is_server(pid):
            PLACE.pack_into(registry, at, 0, b"")


libc = ctypes.CDLL(None)
lock = libc.semget(KEY, 1, 0)
if lock < 0 or not os.path.exists(REGISTRY):
    sys.exit()  # no JACK was here yet
move(lock, -1)
with open(REGISTRY, "r+b") as file, mmap.mmap(file.fileno(), 0) as registry:
    magic, _, _, size, header, _ = HEADER.unpack_from(registry)
    if (magic, size, header) == (MAGIC, len(registry), HEADER.size + PLACES * PLACE.size):
        tidy(registry, " ".join(sys.argv[1:]).encode())
move(lock, 1)
