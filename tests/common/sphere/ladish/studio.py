"""What ladishd knows and does: a studio with rooms and projects, and a queue of commands. A command is a
generator that yields while it waits; it raises Halted where the real one returns false, upon which the
queue is emptied (daemon/cqueue.c:58). Studios are files, `$HOME/.ladish/studios/NAME.xml`, of which the
elements `application` and `room` are read; a project is a folder with a `ladish-project.xml`."""
import os
import time
import xml.etree.ElementTree

from apps import App, Supervisor, abort
from jack import Jack


class Halted(Exception):
    """A command failed."""


class Switches:
    """Files that a test leaves in a folder: see tests/common/sphere/ladish.rs."""

    def __init__(self, folder):
        self.folder = folder

    def has(self, name):
        return os.path.exists(os.path.join(self.folder, name))

    def value(self, name):
        """The number in it; 0 if it is not there."""
        try:
            with open(os.path.join(self.folder, name), encoding="ascii") as file:
                return float(file.read() or 1)
        except OSError:
            return 0.0


class Room:
    """daemon/room.c"""

    def __init__(self, name, index):
        self.name = name
        self.path = f"/org/ladish/Room{index}"
        self.supervisor = Supervisor()
        self.is_started = False
        self.version = 1
        self.project_name = None
        self.project_folder = None

    def clear_project(self):
        self.supervisor.clear()
        self.project_name = self.project_folder = None
        self.version += 1


class Studio:
    """The one studio that can be there (daemon/studio.c), and the queue."""

    def __init__(self, switches, shown, hidden):
        self.switches = switches
        self.jack = Jack(switches)
        # Called when an object of the bus appears and disappears: the studio's (None) and the rooms'.
        self.shown, self.hidden = shown, hidden
        self.queue = []
        self.under_way = None
        self.name = None
        self.is_automatic = False
        self.rooms = []
        self.supervisor = Supervisor()
        # What is known of JACK: that it runs, and that its ports are still in the graph although it is gone.
        self.is_started = False
        self.has_ghosts = False

    # The loop of daemon/main.c:396, each 50 ms.

    def run(self):
        App.round += 1
        self.run_queue()
        is_there = self.jack.pid() is not None
        if self.is_started and not is_there:
            self.jack_went()
        elif is_there and not self.is_started and self.under_way is None:
            self.jack_came()

    def run_queue(self):
        while self.queue:
            try:
                if self.under_way is None:
                    self.under_way = self.queue[0]()
                next(self.under_way)
                return
            except StopIteration:
                self.under_way = None
                self.queue.pop(0)
            except Halted as why:
                print(f"queue halted: {why}", flush=True)
                self.clear_queue()

    def clear_queue(self):
        self.queue.clear()
        self.under_way = None

    def jack_came(self):
        """Somebody else started it (studio.c:427). Without a studio one is invented."""
        # It is asked for by its signal, and that comes when it answers.
        if not self.jack.answers():
            return
        self.clear_queue()
        if self.name is None:
            self.invent()
        self.on_jack_started()

    def invent(self):
        self.name = f"Studio {int(time.time())}"
        self.is_automatic = True
        self.shown(None)

    def jack_went(self):
        """It ended, and not by an order of ours: stopped (studio.c:462), or jackdbus with it (studio.c:495),
        of whose ports nobody told."""
        print("JACK is gone unexpectedly", flush=True)
        self.clear_queue()
        self.is_started = False
        if self.jack.was_killed():
            self.has_ghosts = True
        elif self.is_automatic:
            self.order_unload()

    # Commands.

    def order_load(self, name):
        """daemon/cmd_load_studio.c:1046: the studio is started too, by the default of daemon/conf.h:39."""
        self.order_unload()
        self.queue += [lambda: self.load(name), self.start]

    def order_unload(self):
        self.queue += [self.stop, self.unload]

    def order_start(self):
        self.is_automatic = False
        self.queue.append(self.start)

    def order_stop(self):
        self.is_automatic = False
        self.queue.append(self.stop)

    def order_load_project(self, room, folder):
        """daemon/cmd_load_project.c:76"""
        self.order_unload_project(room)
        self.queue.append(lambda: self.load_project(room, folder))

    def order_unload_project(self, room):
        self.queue.append(lambda: self.unload_project(room))

    def stop(self):
        """daemon/cmd_stop_studio.c. The name stays, and JACK runs until all programs have ended."""
        if not self.is_started:
            return
        for supervisor in self.supervisors():
            supervisor.stop()
        # The programs of a project are asked once more, with their room (room.c:565): it aborts.
        for room in self.rooms:
            if room.is_started:
                room.supervisor.stop()
        until = time.monotonic() + self.switches.value("load-waits")
        while self.program_count() or time.monotonic() < until:
            yield
        for room in self.rooms:
            room.is_started = False
        if not self.switches.has("keeps-jack"):
            self.jack.stop()
        self.is_started = False

    def unload(self):
        """daemon/cmd_unload_studio.c"""
        for room in self.rooms:
            if room.is_started:
                # JACK ended under it, and nobody stopped the room.
                abort("room.c:391")
            self.hidden(room)
            room.supervisor.clear()
        self.rooms = []
        self.has_ghosts = False
        self.supervisor.clear()
        if self.name is not None:
            self.hidden(None)
            self.name = None
        return
        yield

    def load(self, name):
        """daemon/cmd_load_studio.c:892. Without such a file there is no studio from now on."""
        try:
            root = read(self.file(name))
        except OSError as error:
            raise Halted(error) from error
        except xml.etree.ElementTree.ParseError as error:
            raise Halted(f"{name}: {error}") from error
        self.name = name
        self.is_automatic = False
        self.supervisor.apps = apps_of(root)
        self.rooms = [Room(unescape(room.get("name")), index + 1) for index, room in enumerate(root.iter("room"))]
        self.shown(None)
        for room in self.rooms:
            self.shown(room)
        return
        yield

    def start(self):
        """daemon/cmd_start_studio.c"""
        if self.is_started:
            return
        if self.program_count():
            raise Halted("there are programs running")
        if not self.jack.start():
            raise Halted("starting JACK failed")
        # Its signal is dispatched before the next round.
        yield
        if self.jack.pid() is None:
            raise Halted("JACK has gone again")
        self.on_jack_started()
        for room in self.rooms:
            room.is_started = True
            room.supervisor.autorun()

    def on_jack_started(self):
        """studio.c:328"""
        if self.has_ghosts:
            # Ports that are shown although they are not hidden.
            abort("graph.c:1148")
        self.is_started = True
        self.supervisor.autorun()

    def unload_project(self, room):
        """daemon/room.c:658"""
        room.supervisor.stop()
        while room.supervisor.count():
            yield
        room.clear_project()

    def load_project(self, room, folder):
        """daemon/room_load.c:785. Where there is no project, nothing was said and nothing is there."""
        try:
            root = read(os.path.join(folder, "ladish-project.xml"))
        except (OSError, xml.etree.ElementTree.ParseError) as error:
            room.clear_project()
            raise Halted(error) from error
        room.project_folder = folder
        room.project_name = root.get("name")
        room.supervisor.apps = apps_of(root)
        room.version += 1
        room.supervisor.autorun()
        return
        yield

    # What is there.

    def supervisors(self):
        return [self.supervisor] + [room.supervisor for room in self.rooms]

    def program_count(self):
        return sum(supervisor.count() for supervisor in self.supervisors())

    def file(self, name):
        return os.path.join(self.studios_folder(), escape(name) + ".xml")

    def studios_folder(self):
        return os.path.join(os.environ["HOME"], ".ladish/studios")

    def studios(self):
        """Names and times of all files (daemon/studio_list.c)."""
        folder = self.studios_folder()
        for entry in os.listdir(folder):
            if len(entry) > 4 and entry.endswith(".xml"):
                time_s = os.stat(os.path.join(folder, entry)).st_mtime
                yield unescape(entry[:-4]), int(time_s)


def read(path):
    return xml.etree.ElementTree.parse(path).getroot()


def apps_of(root):
    """The programs outside of any room."""
    return [App(app.text, app.get("autorun") == "true") for app in root.iter("application")]


def escape(name):
    """daemon/escape.c:32"""
    return "".join(f"%{ord(sign):02X}" if sign in "/'>%<&\"" else sign for sign in name)


def unescape(name):
    first, *rest = name.split("%")
    return first + "".join(chr(int(part[:2], 16)) + part[2:] for part in rest)
