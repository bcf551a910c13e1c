"""An independent JACK client: for each line on stdin the transport as it is now, read by a client of
its own that stays open: `STATE FRAME MONOTONIC_NS ERROR_NS`, the frame being that of the moment."""
import ctypes, sys, time

jack = ctypes.CDLL("libjack.so.0")


class Position(ctypes.Structure):
    _fields_ = [("unique", ctypes.c_uint64), ("usecs", ctypes.c_uint64), ("rate", ctypes.c_uint32),
                ("frame", ctypes.c_uint32), ("rest", ctypes.c_byte * 512)]


jack.jack_client_open.restype = ctypes.c_void_p
jack.jack_get_time.restype = ctypes.c_uint64
client = jack.jack_client_open(b"witness", 1, None)
if not client:
    sys.exit("no jack")
client = ctypes.c_void_p(client)
print("ready", flush=True)
for line in sys.stdin:
    at = Position()
    before = time.monotonic_ns()
    state = jack.jack_transport_query(client, ctypes.byref(at))
    now = jack.jack_get_time()
    after = time.monotonic_ns()
    frame = at.frame + ((now - at.usecs) * at.rate / 1e6 if state == 1 else 0)
    print(state, frame, (before + after) // 2, (after - before) // 2, flush=True)
