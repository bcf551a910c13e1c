"""A recorder as one writes it in Python: sounddevice calls back, a queue, a thread that writes RF64.

usage: recorder.py DEVICE OUT CHANNELS PERIOD      (until SIGINT)
Like the Recorder that Vibravox was made with, except for PCM_32: its default would keep 16 bits.
"""
import queue, signal, sys, threading

import sounddevice, soundfile

device, out, channels, period = sys.argv[1], sys.argv[2], int(sys.argv[3]), int(sys.argv[4])
blocks, running = queue.Queue(), threading.Event()


def callback(data, frames, time, status):
    if status:
        print(status, file=sys.stderr)
    blocks.put(data.copy())


def write():
    with soundfile.SoundFile(out, "w", 48000, channels, "PCM_32", format="RF64") as file:
        while running.is_set() or not blocks.empty():
            try:
                file.write(blocks.get(timeout=0.5))
            except queue.Empty:
                pass


running.set()
signal.signal(signal.SIGINT, lambda *_: running.clear())
writer = threading.Thread(target=write)
writer.start()
with sounddevice.InputStream(48000, period, device, channels, "int32", callback=callback):
    writer.join()
