"""The programs that a studio or a project starts, as daemon/app_supervisor.c and daemon/loader.c keep them."""
import os
import shlex
import signal
import subprocess


def abort(where):
    """An assertion of ladishd's that does not hold: it ends at once, and its programs with it."""
    print(f"ASSERT failed: {where}", flush=True)
    os.abort()


class App:
    # Counts the rounds of ladishd's loop.
    round = 0

    def __init__(self, command, autorun):
        self.command = command
        self.autorun = autorun
        self.process = None
        self.since = 0
        self.is_stopping = False

    def is_running(self):
        if self.process is not None and self.process.poll() is not None:
            self.process = None
            self.is_stopping = False
        return self.process is not None

    def start(self):
        print(f"starts {self.command}", flush=True)
        # Its own session, as forkpty makes one (daemon/loader.c:543).
        self.process = subprocess.Popen(shlex.split(self.command), start_new_session=True,
                                        stdin=subprocess.DEVNULL)
        self.since = App.round

    def stop(self):
        if self.is_stopping:
            # ladish_app_send_signal wants a started one.
            abort("app_supervisor.c:527")
        self.is_stopping = True
        if self.since == App.round:
            # So soon after its start it is not yet itself: between fork and exec it has the handler of
            # ladishd, which only notes the signal (daemon/main.c:198). It lives on, and ladishd waits for
            # it, "1 child processes are running" (daemon/cmd_stop_studio.c:117): two loads in a row, 4 of 4.
            print(f"{self.command} does not see its SIGTERM", flush=True)
            return
        os.killpg(self.process.pid, signal.SIGTERM)


class Supervisor:
    """The programs of a studio, or of the project in a room."""

    def __init__(self):
        self.apps = []
        self.leaving = []

    def count(self):
        """How many run."""
        self.leaving = [app for app in self.leaving if app.is_running()]
        return sum(app.is_running() for app in self.apps) + len(self.leaving)

    def autorun(self):
        """Starts those that are to be started (1143). Each is started once: one that ended with JACK does
        not come back with it, only one that was stopped with its studio (1180) or loaded anew."""
        for app in self.apps:
            if app.autorun:
                app.autorun = False
                app.start()

    def stop(self):
        """Asks all that run to end (1169)."""
        for app in self.apps:
            if app.is_running():
                app.autorun = True
                app.stop()

    def clear(self):
        """Forgets them; what still runs is asked to end (799)."""
        for app in self.apps:
            if app.is_running():
                app.stop()
                self.leaving.append(app)
        self.apps = []
