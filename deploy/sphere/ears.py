"""What the helper learns of JACK by looking at it some times a second: how late its periods begin, and
how loud it is. No Python runs in JACK's own thread, and nothing is registered or connected in its
graph, which ladish would show and save.
"""
import collections, functools, itertools, math, operator, threading, time

TICK_S = 0.05     # between two looks at JACK's periods
RECENT_US = 4_000_000  # the periods that count for the schedule: in them clocks drift by 0.2 ms
ENOUGH = 8        # of them, before it is known
LISTEN = 5        # looks at the periods between two at the sound, while it plays
SILENT = -200.0


class Schedule:
    """When JACK's periods should begin, by those that began lately: no period begins too early, so the
    foremost of them is the least late, and the others are behind it by as much as they are late."""
    def __init__(self):
        self.seen = collections.deque(maxlen=256)  # (number of the first frame, when its callback came)

    def forget(self):
        """JACK lost a period: there is a new schedule."""
        self.seen.clear()

    def note(self, look):
        if look.count is not None and (look.count, look.cycle_us) not in list(self.seen):
            self.seen.append((look.count, look.cycle_us))

    def recent(self, look):
        return [(count, at) for count, at in list(self.seen) if look.cycle_us - at < RECENT_US]

    def is_young(self, look):
        return len(self.recent(look)) < ENOUGH

    def late_us(self, look, rate):
        """How late the callback of the look's period came, by the foremost of the recent periods; `-`
        where it is not known. JACK's own filter is the mean, which is later than that, but for the
        seconds after a lost period that it needs to find the new schedule."""
        if look.count is None or self.is_young(look):
            return "-"
        frames = lambda count: (look.count - count + 2 ** 31) % 2 ** 32 - 2 ** 31  # it wraps after a day
        behind = [look.cycle_us - at - frames(count) * 1e6 / rate for count, at in self.recent(look)]
        return max(0, round(max(behind)))


def decibels(level):
    return max(SILENT, 20 * math.log10(level)) if level > 0 else SILENT


class Sound:
    """What the card plays from: how many connections; the highest peak of any source since the last
    question; the RMS of each port's sources since play was asked for, of the periods that were seen."""
    def __init__(self, transport):
        self.transport, self.lock = transport, threading.Lock()
        self.begin()

    def begin(self):
        with self.lock:
            self.peak, self.energy, self.frames, self.heard = 0.0, {}, 0, False

    def listen(self):
        """Adds what sounds now."""
        with self.lock:
            self.heard = True
            self.frames += self.transport.jack.jack_get_buffer_size(self.transport.client)
            for port, sources in self.transport.card():
                read = [self.finite(samples) for samples in map(self.transport.samples, sources) if samples]
                for samples in read:
                    self.peak = max(self.peak, max(samples), -min(samples))
                mixed = functools.reduce(lambda one, other: list(map(operator.add, one, other)), read or [[0.0]])
                self.energy[port] = self.energy.get(port, 0.0) + math.hypot(*mixed) ** 2

    @staticmethod
    def finite(samples):
        return samples if math.isfinite(math.hypot(*samples)) else [s if math.isfinite(s) else 0.0 for s in samples]

    def said(self):
        with self.lock:
            card = list(self.transport.card())
            levels = [math.sqrt(self.energy.get(port, 0.0) / self.frames) for port, _ in card if self.frames]
            peak, self.peak, self.heard = self.peak, 0.0, False
        words = [str(sum(len(sources) for _, sources in card))]
        return " ".join(words + [f"{decibels(level):.1f}" for level in [peak, *levels]])


def attend(transport, schedule, sound):
    """Looks at JACK's periods all the while, and at the sound while it plays, in a thread of its own."""
    for tick in itertools.count():
        look = transport.look()
        schedule.note(look)
        if look.word == "rolling" and tick % LISTEN == 0:
            sound.listen()
        time.sleep(min(TICK_S, transport.period / transport.rate) if schedule.is_young(look) else TICK_S)
