"""The JACK server as ladishd drives it. In ladish the server lives in jackdbus, a service of its own that
outlives ladishd; here it is jackd under that name, started and reaped by the rig's keeper:
    start    asks the keeper for a server             jackd    its pid while it runs
    ended    exit status of the last one              no-jack  none can be started: no sound card, say"""
import os
import subprocess
import time

START_S = 10
STOP_S = 2


class Jack:
    def __init__(self, switches):
        self.switches = switches
        self.folder = switches.folder

    def path(self, name):
        return os.path.join(self.folder, name)

    def pid(self):
        """Its pid while it runs."""
        try:
            with open(self.path("jackd"), encoding="ascii") as file:
                return int(file.read())
        except (OSError, ValueError):
            return None

    def was_killed(self):
        """Whether the last one ended by a signal that no program handles: jackdbus vanished from the bus."""
        try:
            with open(self.path("ended"), encoding="ascii") as file:
                return file.read().strip() == "137"
        except OSError:
            return False

    def answers(self):
        """Whether clients can join, and it is ours: a stray jackd answers too."""
        return self.lines("jack_lsp") is not None and self.pid() is not None

    def lines(self, *command):
        """What a tool of JACK's prints; None without a server."""
        environment = dict(os.environ, JACK_NO_START_SERVER="1")
        try:
            done = subprocess.run(command, env=environment, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
                                  stderr=subprocess.DEVNULL, timeout=START_S, check=True)
        except (subprocess.CalledProcessError, subprocess.TimeoutExpired):
            return None
        return done.stdout.decode().splitlines()

    def start(self):
        """Starts the server, during which ladishd answers nobody (proxies/jack_proxy.c, a call that waits
        for its reply; 2.5 to 8 s with a slow card, facts/sphere.md). Whether it runs."""
        time.sleep(self.switches.value("jack-starts"))
        if self.pid() is not None:
            return self.comes(lambda: self.pid() is None)
        # A server whose forerunner was killed may find itself active, and end: facts/sphere.md.
        return any(self.start_once() for _ in range(3))

    def start_once(self):
        # Another server of that name, a stray jackd: JACK says `server already active`.
        if self.switches.has("no-jack") or self.lines("jack_lsp") is not None:
            return False
        if os.path.exists(self.path("ended")):
            os.unlink(self.path("ended"))
        with open(self.path("start"), "w", encoding="ascii"):
            pass
        return self.comes(lambda: os.path.exists(self.path("ended")))

    def comes(self, has_ended):
        """Waits until clients can join; False if it ends instead."""
        until = time.monotonic() + START_S
        while time.monotonic() < until and not has_ended():
            if self.pid() is not None and self.answers():
                return True
            time.sleep(0.02)
        return False

    def stop(self):
        """Stops the server; blocks likewise (3 to 5 s, facts/sphere.md)."""
        pid = self.pid()
        if pid is not None:
            for signal, seconds in (("TERM", STOP_S), ("KILL", START_S)):
                subprocess.run(["kill", "-s", signal, str(pid)], stderr=subprocess.DEVNULL, check=False)
                until = time.monotonic() + seconds
                while self.pid() is not None and time.monotonic() < until:
                    time.sleep(0.005)
        time.sleep(self.switches.value("jack-stops"))

    def graph(self):
        """All ports as (name, is an input, is MIDI), and all connections as pairs of names."""
        ports, connections = [], []
        for line in self.lines("jack_lsp", "-c", "-p", "-t") or []:
            word = line.strip()
            if not line[:1].isspace():
                ports.append([line, False, False])
            elif word.startswith("properties: "):
                ports[-1][1] = "input" in word.split(": ")[1].split(",")
            elif ":" in word:
                connections.append((ports[-1], word))
            else:
                ports[-1][2] = "midi" in word
        # Each is listed at both its ends.
        return ports, [(port[0], other) for port, other in connections if not port[1]]
