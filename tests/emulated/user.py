"""The arm64 program and its tests under qemu's user emulation.

Left out: what loads a library made for this machine into the program or listens to its system calls
(capture, faults, mixer, realtime, storage, watchdog); what goes by the clock or starts the program dozens
of times, each start taking the emulator seconds (consent, export, identity, record, recovery, session,
sphere: their units are in the library's own tests); and what tries this machine and its system's files
(check, deploy).
"""

import json
import os
import re
import subprocess
import sys
import tempfile

TARGET, GNU = "aarch64-unknown-linux-gnu", "aarch64-linux-gnu"
EMULATOR = "qemu-aarch64-static"
PROGRAM = os.path.join("target", TARGET, "release", "booth")
MOST_BYTES = 12_000_000
NEEDS = {"libasound.so.2", "libc.so.6", "libm.so.6", "libgcc_s.so.1", "libz.so.1", "ld-linux-aarch64.so.1"}
TESTS = ["corpus", "fuzz", "refusals", "rf64", "screen"]
SKIPPED = [
    # Another program starts the program, and knows no emulator.
    "a_folder_that_cannot_be_written_is_named",
    "a_corpus_that_cannot_be_read_is_refused",
    # Its sound device is a library made for this machine.
    "a_device_that_cannot_be_had_is_named_with_what_to_do",
]
# Nothing of this machine's sound system, whose plug-ins are of another architecture.
SOUND = """
pcm.null { type null }
pcm.numbers { type file slave.pcm "null" file "/dev/null" infile "IN" format "raw" }
"""


def emulated(*arguments, **environment):
    """The release under emulation: its exit status and output."""
    done = subprocess.run(
        [EMULATOR, PROGRAM, *arguments],
        capture_output=True,
        text=True,
        timeout=300,
        check=False,
        env={**os.environ, **environment},
    )
    return done.returncode, done.stdout, done.stderr


def look():
    """What the program needs and weighs."""
    read = subprocess.run(["readelf", "-d", PROGRAM], check=True, capture_output=True, text=True).stdout
    needs = set(re.findall(r"\(NEEDED\).*\[(.*)\]", read))
    size = os.path.getsize(PROGRAM)
    print(f"user: the program has {size} bytes of {MOST_BYTES} allowed and needs {' '.join(sorted(needs))}")
    return [] if needs <= NEEDS and size <= MOST_BYTES else ["needs or size"]


def commands():
    """A few commands of the release, each as a user would give it."""
    faults = []
    with tempfile.TemporaryDirectory() as folder:
        numbers, conf = os.path.join(folder, "numbers.raw"), os.path.join(folder, "asound.conf")
        with open(numbers, "wb") as file:
            file.write(bytes(range(251)) * 20_000)
        with open(conf, "w", encoding="utf-8") as file:
            file.write(SOUND.replace("IN", numbers))
        for arguments in (
            ["--version"],
            ["demo", "--fast"],
            ["record", "--device", "null", "--channels", "6", "--frames", "48000", os.path.join(folder, "null.rf64")],
            ["record", "--device", "numbers", "--channels", "6", "--frames", "48000", os.path.join(folder, "numbers.rf64")],
        ):
            code, out, err = emulated(*arguments, ALSA_CONFIG_PATH=conf)
            words = " ".join(arguments[:3])
            print(f"user: booth {words}: exit {code}")
            if code != 0:
                faults.append(f"{words}: {out} {err}")
        take = os.path.join(folder, "numbers.rf64")
        raw = subprocess.run(["sox", take, "-t", "raw", "-"], check=True, capture_output=True).stdout
        with open(numbers, "rb") as file:
            if raw != file.read(len(raw)) or len(raw) != 48000 * 24:
                faults.append("numbers.rf64 is not what was played")
        if json.loads(out.splitlines()[-1])["gaps"]:
            faults.append(f"gaps: {out}")
    return faults


def tests():
    """The program's own tests, compiled for arm64."""
    upper, lower = TARGET.upper().replace("-", "_"), TARGET.replace("-", "_")
    environment = {
        f"CARGO_TARGET_{upper}_LINKER": f"{GNU}-gcc",
        f"CARGO_TARGET_{upper}_RUNNER": EMULATOR,
        f"CC_{lower}": f"{GNU}-gcc",
        f"AR_{lower}": f"{GNU}-ar",
        "PKG_CONFIG_ALLOW_CROSS": "1",
        f"PKG_CONFIG_LIBDIR_{lower}": f"/usr/lib/{GNU}/pkgconfig:/usr/share/pkgconfig",
        "BOOTH_TEST_EMULATOR": EMULATOR,
    }
    cargo = ["cargo", "test", "--locked", "--features", "vendored", "--target", TARGET, "--no-fail-fast", "--lib"]
    chosen = [word for test in TESTS for word in ("--test", test)]
    skipped = [word for test in SKIPPED for word in ("--skip", test)]
    done = subprocess.run(
        ["timeout", "3600", *cargo, *chosen, "--", *skipped],
        stdout=subprocess.PIPE,
        text=True,
        check=False,
        env={**os.environ, **environment},
    )
    print(done.stdout, file=sys.stderr)
    results = re.findall(r"test result: .* (\d+) passed; (\d+) failed", done.stdout)
    passed, failed = (sum(int(result[n]) for result in results) for n in (0, 1))
    print(f"user: {passed} tests of {len(results)} programs passed under {EMULATOR}, {failed} failed")
    return [] if done.returncode == 0 else ["tests"]


def main():
    faults = look() + commands() + tests()
    if faults:
        sys.exit(f"user: {faults}")


main()
