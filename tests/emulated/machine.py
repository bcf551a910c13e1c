"""An emulated machine, and what it says on its serial line."""

import json
import os
import queue
import socket
import subprocess
import threading
import time

WORK = os.path.join("target", "emulated")
QEMU = ["qemu-system-aarch64", "-display", "none", "-nodefaults", "-no-reboot"]
VIRT = ["-M", "virt", "-cpu", "cortex-a72", "-smp", "1", "-m", "512", "-serial", "stdio"]
# The guest's time passes by its instructions, a nanosecond each, whatever else the host is busy with: about
# as many as a core of a Raspberry Pi gets done. Waits take their real time.
STEADY = [*VIRT, "-icount", "shift=0"]
SAID = "emulated: "


class Silent(Exception):
    """The machine did not say what was waited for."""


class Machine:
    """A running qemu. Every line of its serial console goes to `log` too."""

    def __init__(
        self,
        name,
        arguments,
        initrd,
        append="console=ttyAMA0 panic=-1 loglevel=4",
        kernel=os.path.join(WORK, "vmlinuz"),
    ):
        self.log = os.path.join(WORK, f"{name}.log")
        kernel = ["-kernel", kernel, "-initrd", initrd, "-append", append]
        self.control = os.path.join(WORK, f"{name}.qmp")
        control = ["-qmp", f"unix:{self.control},server=on,wait=off"]
        self.qemu = subprocess.Popen(
            [*QEMU, *arguments, *kernel, *control],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
        )
        self.lines = queue.Queue()
        self.said = []
        threading.Thread(target=self._read, daemon=True).start()

    def _read(self):
        with open(self.log, "w", encoding="utf-8") as log:
            for line in self.qemu.stdout:
                text = line.decode(errors="replace").rstrip()
                print(text, file=log, flush=True)
                self.lines.put(text)
        self.lines.put(None)

    def wait(self, marker, limit_s):
        """The rest of the first line that holds `marker`; `Silent` if none comes in time."""
        end = time.monotonic() + limit_s
        while True:
            try:
                line = self.lines.get(timeout=max(0, end - time.monotonic()))
            except queue.Empty:
                raise Silent(f"no {marker!r} in {limit_s} s, see {self.log}") from None
            if line is None:
                raise Silent(f"off before {marker!r}, see {self.log}")
            self.said.append(line)
            if marker in line:
                return line.split(marker, 1)[1].strip()

    def listen(self, seconds):
        """Takes in what it says for a while."""
        end = time.monotonic() + seconds
        while (left := end - time.monotonic()) > 0:
            try:
                self.said.append(self.lines.get(timeout=left))
            except queue.Empty:
                return

    def ended(self, limit_s):
        """Waits until the machine's script has ended; its exit status."""
        return int(self.wait(SAID + "ended ", limit_s))

    def tell(self, line):
        """Types a line on the serial console."""
        self.qemu.stdin.write(line.encode() + b"\n")
        self.qemu.stdin.flush()

    def command(self, name, **arguments):
        """One command to qemu itself."""
        with socket.socket(socket.AF_UNIX) as control:
            control.connect(self.control)
            lines = control.makefile("rw")
            lines.readline()
            for request in ({"execute": "qmp_capabilities"}, {"execute": name, "arguments": arguments}):
                lines.write(json.dumps(request) + "\n")
                lines.flush()
                answer = json.loads(lines.readline())
                while "event" in answer:
                    answer = json.loads(lines.readline())
        return answer

    def kill(self):
        """Ends qemu at once."""
        self.qemu.kill()
        self.drain()

    def reset(self):
        """Resets the machine, which ends qemu too: it has no second start."""
        self.command("system_reset")
        self.drain()

    def drain(self):
        """Waits for qemu's end; then everything it said, to the last line."""
        self.qemu.wait(timeout=30)
        while (line := self.lines.get()) is not None:
            self.said.append(line)

    def __enter__(self):
        return self

    def __exit__(self, *_):
        if self.qemu.poll() is None:
            self.qemu.kill()
        self.qemu.wait()


def initrd(name, script, modules, files=()):
    """Packs the machine's system with `script` as what it does."""
    out = os.path.join(WORK, f"{name}.cpio")
    arguments = [out, script]
    for host, guest in files:
        arguments += ["--file", host, guest]
    for module in modules:
        arguments += ["--module", module]
    subprocess.run([os.path.join("tests", "emulated", "initrd"), *arguments], check=True)
    return out
