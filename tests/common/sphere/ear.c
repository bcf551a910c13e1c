/* An independent JACK client that listens: its inputs are connected to whatever the physical playback
 * ports are connected to, so that it hears what they get. It prints a line each 50 ms:
 *   ear NS PEAK CYCLES ROLLS
 * the end of the time that the line is about (CLOCK_MONOTONIC), the greatest sample since the last line,
 * JACK's periods since then, and whether the transport rolled in one of them. While there is no JACK it
 * hears nothing in no period, and looks for one. It ends on SIGTERM. */
#define _GNU_SOURCE
#include <math.h>
#include <semaphore.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <time.h>

#include "jack.h"

enum { MOST_PORTS = 16, LINE_NS = 50 * 1000 * 1000 };

static jack_client_t *client;
static jack_port_t *ports[MOST_PORTS];
static unsigned port_count;
static _Atomic float peak;
static _Atomic unsigned cycles;
static _Atomic bool has_rolled, jack_is_gone, is_over;
/* Posted when connections change. */
static sem_t changed;

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
	sem_post(&changed);
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
	jack_is_gone = false;
	client = jack_client_open("ear", NO_START_SERVER, NULL);
	if (!client) return false;
	jack_set_process_callback(client, process, NULL);
	jack_set_port_connect_callback(client, on_connect, NULL);
	jack_on_shutdown(client, on_shutdown, NULL);
	port_count = 0;
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

static int64_t now(void) {
	struct timespec at;
	clock_gettime(CLOCK_MONOTONIC, &at);
	return at.tv_sec * INT64_C(1000000000) + at.tv_nsec;
}

static void tell(void) {
	float most = atomic_exchange(&peak, 0);
	unsigned periods = atomic_exchange(&cycles, 0);
	bool rolls = atomic_exchange(&has_rolled, false);
	printf("ear %lld %g %u %d\n", (long long)now(), (double)most, periods, rolls);
	if (fflush(stdout)) is_over = true;
}

int main(void) {
	prctl(PR_SET_PDEATHSIG, SIGTERM);
	signal(SIGTERM, on_term);
	signal(SIGPIPE, SIG_IGN);
	jack_set_error_function(say_nothing);
	jack_set_info_function(say_nothing);
	sem_init(&changed, 0, 0);
	bool has_jack = join();
	int64_t next = now();
	while (!is_over) {
		next = next + LINE_NS < now() ? now() : next + LINE_NS;
		while (!is_over && now() < next) {
			if (has_jack && !jack_is_gone) follow();
			struct timespec until = {next / 1000000000, next % 1000000000};
			sem_clockwait(&changed, CLOCK_MONOTONIC, &until);
		}
		tell();
		if (has_jack && !jack_is_gone) continue;
		if (client) jack_client_close(client);
		has_jack = join();
	}
	if (client) jack_client_close(client);
	return 0;
}
