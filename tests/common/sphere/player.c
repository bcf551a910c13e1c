/* A studio's player, which makes sound: `player SWITCHES NAME`. A JACK client with one output for each
 * physical playback port, connected to it; noise while the transport rolls, silence while it stands. It
 * ends on SIGTERM, with JACK, and with the daemon that started it.
 *
 * Switches are files in the folder SWITCHES, each with a number; they are looked at all the time:
 *   player-comes        seconds until it joins JACK          player-ends  seconds from SIGTERM to its end
 *   player-unconnected  its ports are connected to nothing   player-silent  it plays digital silence
 *   player-silent-start seconds of silence after each start of the transport
 *   player-level        RMS of each output, dBFS         player-fails it ends at once, with 1
 * It leaves a file `players/PID` there once it is connected. */
#define _GNU_SOURCE
#include <math.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <time.h>
#include <unistd.h>

#include "jack.h"

enum { MOST_PORTS = 64 };

static jack_client_t *client;
static jack_port_t *ports[MOST_PORTS];
static char *playback[MOST_PORTS];
static unsigned port_count;
static uint32_t rate;
static const char *switches;
static _Atomic bool jack_is_gone;
/* The greatest sample, and the frames of silence at the start of what is played. */
static _Atomic float amplitude;
static _Atomic uint64_t silent_frames;

/* The number in the file of that name; `otherwise` if there is no such file. */
static double value(const char *name, double otherwise) {
	char path[4096];
	snprintf(path, sizeof path, "%s/%s", switches, name);
	FILE *file = fopen(path, "r");
	if (!file) return otherwise;
	double number = 1;
	if (fscanf(file, "%lf", &number) != 1) number = 1;
	fclose(file);
	return number;
}

static int process(uint32_t frames, void *unused) {
	(void)unused;
	static uint64_t rolled;
	static uint32_t noise = 2463534242;
	bool rolls = jack_transport_query(client, NULL) == ROLLING;
	if (!rolls) rolled = 0;
	float most = rolls && rolled >= silent_frames ? amplitude : 0;
	for (unsigned port = 0; port < port_count; port++) {
		float *out = jack_port_get_buffer(ports[port], frames);
		for (uint32_t frame = 0; frame < frames; frame++) {
			noise ^= noise << 13;
			noise ^= noise >> 17;
			noise ^= noise << 5;
			out[frame] = most * ((float)noise / 2147483648.0f - 1.0f);
		}
	}
	if (rolls) rolled += frames;
	return 0;
}

static void on_shutdown(void *unused) {
	(void)unused;
	jack_is_gone = true;
}

static void follow_switches(void) {
	static bool is_connected;
	bool is_silent = value("player-silent", 0) != 0;
	/* White noise between -a and a has an RMS of a / sqrt(3). */
	amplitude = is_silent ? 0 : (float)(pow(10, value("player-level", -20) / 20) * sqrt(3));
	silent_frames = (uint64_t)(value("player-silent-start", 0) * rate);
	bool connects = value("player-unconnected", 0) == 0;
	if (connects == is_connected) return;
	for (unsigned port = 0; port < port_count; port++) {
		int (*change)(jack_client_t *, const char *, const char *) = connects ? jack_connect : jack_disconnect;
		change(client, jack_port_name(ports[port]), playback[port]);
	}
	is_connected = connects;
}

static bool join(const char *name) {
	/* While other clients come and go, JACK refuses one now and then. */
	for (int tries = 0; !client && tries < 5; tries++) {
		if (tries) usleep(200000);
		client = jack_client_open(name, NO_START_SERVER, NULL);
	}
	if (!client) return false;
	rate = jack_get_sample_rate(client);
	jack_set_process_callback(client, process, NULL);
	jack_on_shutdown(client, on_shutdown, NULL);
	const char **found = jack_get_ports(client, NULL, AUDIO, IS_PHYSICAL | IS_INPUT);
	for (; found && found[port_count] && port_count < MOST_PORTS; port_count++) {
		char port_name[16];
		snprintf(port_name, sizeof port_name, "out_%u", port_count + 1);
		playback[port_count] = strdup(found[port_count]);
		ports[port_count] = jack_port_register(client, port_name, AUDIO, IS_OUTPUT, 0);
		if (!ports[port_count]) return false;
	}
	return jack_activate(client) == 0;
}

/* Waits for a signal, `seconds` at most; 0 if none came. */
static int signal_within(const sigset_t *set, double seconds) {
	struct timespec most = {(time_t)seconds, (long)(fmod(seconds, 1) * 1e9)};
	int number = sigtimedwait(set, NULL, &most);
	return number > 0 ? number : 0;
}

static double now(void) {
	struct timespec at;
	clock_gettime(CLOCK_MONOTONIC, &at);
	return (double)at.tv_sec + (double)at.tv_nsec / 1e9;
}

int main(int count, char **words) {
	if (count != 3) return 2;
	switches = words[1];
	/* ladishd's players hang on its pseudo terminals, and end with it (daemon/loader.c, forkpty). */
	signal(SIGHUP, SIG_DFL);
	prctl(PR_SET_PDEATHSIG, SIGHUP);
	sigset_t set;
	sigemptyset(&set);
	sigaddset(&set, SIGTERM);
	sigprocmask(SIG_BLOCK, &set, NULL);
	if (value("player-fails", 0) != 0) return 1;
	if (signal_within(&set, value("player-comes", 0))) return 0;
	if (!join(words[2])) return 1;
	char path[4096];
	follow_switches();
	snprintf(path, sizeof path, "%s/players/%d", switches, (int)getpid());
	FILE *file = fopen(path, "w");
	if (file) fclose(file);
	double end = INFINITY;
	while (!jack_is_gone && now() < end) {
		follow_switches();
		if (signal_within(&set, fmin(0.05, fmax(end - now(), 0))) && end == INFINITY)
			end = now() + value("player-ends", 0);
	}
	unlink(path);
	/* libjack may never come back where JACK has ended, or ends amid it. */
	alarm(2);
	if (!jack_is_gone) jack_client_close(client);
	_exit(jack_is_gone);
}
