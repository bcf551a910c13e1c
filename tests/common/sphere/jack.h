/* Of jack/jack.h, whose package the tests do not need. */
#pragma once
#include <stdint.h>

typedef struct jack_client jack_client_t;
typedef struct jack_port jack_port_t;
enum { NO_START_SERVER = 1, IS_INPUT = 1, IS_OUTPUT = 2, IS_PHYSICAL = 4, ROLLING = 1 };
#define AUDIO "32 bit float mono audio"
jack_client_t *jack_client_open(const char *name, int options, int *status, ...);
int jack_set_process_callback(jack_client_t *client, int (*call)(uint32_t, void *), void *data);
int jack_set_port_connect_callback(jack_client_t *client, void (*call)(uint32_t, uint32_t, int, void *), void *data);
void jack_on_shutdown(jack_client_t *client, void (*call)(void *), void *data);
void jack_set_error_function(void (*say)(const char *));
void jack_set_info_function(void (*say)(const char *));
jack_port_t *jack_port_register(jack_client_t *client, const char *name, const char *type, unsigned long flags,
				unsigned long size);
jack_port_t *jack_port_by_name(jack_client_t *client, const char *name);
const char *jack_port_name(const jack_port_t *port);
const char **jack_port_get_all_connections(const jack_client_t *client, const jack_port_t *port);
void *jack_port_get_buffer(jack_port_t *port, uint32_t frames);
const char **jack_get_ports(jack_client_t *client, const char *name, const char *type, unsigned long flags);
int jack_connect(jack_client_t *client, const char *from, const char *to);
int jack_disconnect(jack_client_t *client, const char *from, const char *to);
int jack_activate(jack_client_t *client);
int jack_client_close(jack_client_t *client);
int jack_transport_query(const jack_client_t *client, void *position);
uint32_t jack_get_sample_rate(jack_client_t *client);
void jack_free(void *memory);
