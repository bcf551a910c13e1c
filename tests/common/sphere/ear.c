/* An independent JACK client that listens: its inputs are connected to whatever the physical playback
 * ports are connected to, so that it hears what they get. It prints a line each 50 ms:
 *   ear NS PEAK CYCLES ROLLS
 * the end of the time that the line is about (CLOCK_MONOTONIC), the greatest sample since the last line,
 * JACK's periods since then, and whether the transport rolled in one of them. While there is no JACK it
 * hears nothing in no period, and looks for one. It ends on SIGTERM.
 *
 * A call of libjack's may never come back where JACK ends amid it. So each JACK has a process of its own:
 * a thread of it calls libjack, the main thread prints and watches over it. The process ends with its JACK,
 * or when a call takes too long, and the first process, which never calls libjack, starts another. */
#define _GNU_SOURCE
#include <math.h>
#include <pthread.h>
#include <semaphore.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "jack.h"

enum { MOST_PORTS = 16, LINE_NS = 50 * 1000 * 1000 };
/* How long libjack may take, for a start; a machine that is too slow for that gets more. */
static const int64_t FIRST_LIMIT_NS = 1000 * 1000 * 1000, LAST_LIMIT_NS = INT64_C(8) * 1000 * 1000 * 1000;
/* How a process for one JACK ended. */
enum { JACK_ENDED = 0, TOLD_TO = 10, TOO_SLOW = 11 };

static jack_client_t *client;
static jack_port_t *ports[MOST_PORTS];
static unsigned port_count;
static _Atomic float peak;
static _Atomic unsigned cycles;
static _Atomic bool has_rolled, jack_is_gone, is_over;
/* When the thread that calls libjack went into it; 0 while it is not there. */
static _Atomic int64_t called;
/* Posted when connections change. */
static sem_t changed;

static int64_t now(void) {
	struct timespec at;
	clock_gettime(CLOCK_MONOTONIC, &at);
	return at.tv_sec * INT64_C(1000000000) + at.tv_nsec;
}

static int process(uint32_t frames, void *unused) {
	(void)unused;
	float most = 0;
	for (unsigned port = 0; port < port_count; port++) {
		const float *in = jack_port_get_buffer(ports[port], frames);
		for (uint32_t frame = 0; frame < frames; frame++) most = fmaxf(most, fabsf(in[frame]));
	}
	float before = peak;
	while (most > before && !atomic_compare_exchange_weak(&peak, &before, most)) continue;
	if (jack_transport_query(client, NULL) == ROLLING) has_rolled = true;
	cycles++;
	return 0;
}

static void on_shutdown(void *unused) {
	(void)unused;
	jack_is_gone = true;
}

static void on_connect(uint32_t from, uint32_t to, int connected, void *unused) {
	(void)from, (void)to, (void)connected, (void)unused;
	sem_post(&changed);
}

static void on_term(int number) {
	(void)number;
	is_over = true;
}

static void say_nothing(const char *text) {
	(void)text;
}

static bool join(void) {
	client = jack_client_open("ear", NO_START_SERVER, NULL);
	if (!client) return false;
	jack_set_process_callback(client, process, NULL);
	jack_set_port_connect_callback(client, on_connect, NULL);
	jack_on_shutdown(client, on_shutdown, NULL);
	const char **found = jack_get_ports(client, NULL, AUDIO, IS_PHYSICAL | IS_INPUT);
	for (; found && found[port_count] && port_count < MOST_PORTS; port_count++) {
		char name[16];
		snprintf(name, sizeof name, "in_%u", port_count + 1);
		ports[port_count] = jack_port_register(client, name, AUDIO, IS_INPUT, 0);
		if (!ports[port_count]) break;
	}
	jack_free(found);
	return jack_activate(client) == 0;
}

static bool is_among(const char *name, const char **names) {
	for (; names && *names; names++)
		if (!strcmp(name, *names)) return true;
	return false;
}

/* Connects the inputs to what the playback ports play, and to nothing else. */
static void follow(void) {
	const char **outputs = jack_get_ports(client, NULL, AUDIO, IS_PHYSICAL | IS_INPUT);
	for (unsigned port = 0; outputs && outputs[port] && port < port_count; port++) {
		const char *own = jack_port_name(ports[port]);
		jack_port_t *output = jack_port_by_name(client, outputs[port]);
		const char **wanted = output ? jack_port_get_all_connections(client, output) : NULL;
		const char **there = jack_port_get_all_connections(client, ports[port]);
		for (const char **name = wanted; name && *name; name++)
			if (!is_among(*name, there)) jack_connect(client, *name, own);
		for (const char **name = there; name && *name; name++)
			if (!is_among(*name, wanted)) jack_disconnect(client, *name, own);
		jack_free(wanted);
		jack_free(there);
	}
	jack_free(outputs);
}

/* Waits for the next line's time, or until connections change. */
static void rest(void) {
	int64_t end = now() + LINE_NS;
	struct timespec until = {end / 1000000000, end % 1000000000};
	called = 0;
	sem_clockwait(&changed, CLOCK_MONOTONIC, &until);
	called = now();
}

/* One JACK, from its coming to its end. A client whose JACK has ended is not closed: the process ends. */
static void *listen_to_jack(void *unused) {
	(void)unused;
	called = now();
	while (!is_over && !client) {
		if (!join() && client) jack_is_gone = true;
		if (!client) rest();
	}
	while (!is_over && !jack_is_gone) {
		follow();
		rest();
	}
	if (client && !jack_is_gone) jack_client_close(client);
	_exit(jack_is_gone ? JACK_ENDED : TOLD_TO);
}

static void tell(void) {
	float most = atomic_exchange(&peak, 0);
	unsigned periods = atomic_exchange(&cycles, 0);
	bool rolls = atomic_exchange(&has_rolled, false);
	printf("ear %lld %g %u %d\n", (long long)now(), (double)most, periods, rolls);
	if (fflush(stdout)) _exit(TOLD_TO);
}

/* Prints what is heard of one JACK, for as long as its calls come back. */
static void attend(int64_t limit_ns) {
	jack_set_error_function(say_nothing);
	jack_set_info_function(say_nothing);
	sem_init(&changed, 0, 0);
	pthread_t thread;
	if (pthread_create(&thread, NULL, listen_to_jack, NULL)) _exit(TOO_SLOW);
	for (;;) {
		struct timespec line = {0, LINE_NS};
		nanosleep(&line, NULL);
		tell();
		int64_t since = called;
		if (since && now() - since > limit_ns) _exit(TOO_SLOW);
	}
}

int main(void) {
	struct sigaction on = {.sa_handler = on_term};
	sigaction(SIGTERM, &on, NULL);
	signal(SIGPIPE, SIG_IGN);
	prctl(PR_SET_PDEATHSIG, SIGTERM);
	int64_t limit_ns = FIRST_LIMIT_NS;
	while (!is_over) {
		pid_t child = fork();
		if (child < 0) return 1;
		if (!child) {
			prctl(PR_SET_PDEATHSIG, SIGTERM);
			attend(limit_ns);
		}
		int status;
		while (!waitpid(child, &status, WNOHANG)) {
			if (is_over) kill(child, SIGTERM);
			struct timespec look = {0, LINE_NS / 5};
			nanosleep(&look, NULL);
		}
		int end = WIFEXITED(status) ? WEXITSTATUS(status) : JACK_ENDED;
		if (end == TOLD_TO) break;
		limit_ns = end == TOO_SLOW && limit_ns < LAST_LIMIT_NS ? 2 * limit_ns : FIRST_LIMIT_NS;
		tell();
	}
	return 0;
}
