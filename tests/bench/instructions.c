/* A plug-in of qemu's user emulation: counts the instructions of all threads of a program, by the function
 * of the program that they are in, or by the library. Argument `out=FILE`: at the program's end a line for
 * each, `COUNT NAME`. The declarations are of qemu-plugin.h, version 1, which no package of Debian 12 has. */
#include <pthread.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

typedef uint64_t qemu_plugin_id_t;
struct qemu_plugin_tb;
struct qemu_plugin_insn;
size_t qemu_plugin_tb_n_insns(const struct qemu_plugin_tb *tb);
struct qemu_plugin_insn *qemu_plugin_tb_get_insn(const struct qemu_plugin_tb *tb, size_t n);
void *qemu_plugin_insn_haddr(const struct qemu_plugin_insn *insn);
const char *qemu_plugin_insn_symbol(const struct qemu_plugin_insn *insn);
void qemu_plugin_register_vcpu_tb_trans_cb(qemu_plugin_id_t id,
					   void (*call)(qemu_plugin_id_t, struct qemu_plugin_tb *));
void qemu_plugin_register_vcpu_tb_exec_cb(struct qemu_plugin_tb *tb, void (*call)(unsigned, void *), int flags,
					  void *data);
void qemu_plugin_register_atexit_cb(qemu_plugin_id_t id, void (*call)(qemu_plugin_id_t, void *), void *data);

__attribute__((visibility("default"))) int qemu_plugin_version = 1;

enum { MOST_THREADS = 64, MOST_NAMES = 1 << 14, NAME_BYTES = 512 };

/* A run of instructions without a branch in it. */
struct run {
	unsigned name, instructions;
};

static pthread_mutex_t names_lock = PTHREAD_MUTEX_INITIALIZER;
static char *names[MOST_NAMES];
static unsigned name_count;
static uint64_t counts[MOST_THREADS][MOST_NAMES];
static const char *out;

static void library_of(const void *address, char *name) {
	FILE *maps = fopen("/proc/self/maps", "r");
	char line[1024], file[NAME_BYTES];
	strcpy(name, "elsewhere");
	while (maps && fgets(line, sizeof line, maps)) {
		uintptr_t from, until;
		int fields = sscanf(line, "%lx-%lx %*s %*s %*s %*s %511s", &from, &until, file);
		if (fields == 3 && from <= (uintptr_t)address && (uintptr_t)address < until) strcpy(name, file);
	}
	if (maps) fclose(maps);
}

static unsigned number_of(const char *name) {
	pthread_mutex_lock(&names_lock);
	unsigned number = 0;
	while (number < name_count && strcmp(names[number], name)) number++;
	if (number == MOST_NAMES) abort();
	if (number == name_count) names[name_count++] = strdup(name);
	pthread_mutex_unlock(&names_lock);
	return number;
}

static void on_run(unsigned thread, void *data) {
	struct run *run = data;
	counts[thread % MOST_THREADS][run->name] += run->instructions;
}

static void on_translation(qemu_plugin_id_t id, struct qemu_plugin_tb *tb) {
	(void)id;
	struct qemu_plugin_insn *first = qemu_plugin_tb_get_insn(tb, 0);
	const char *symbol = qemu_plugin_insn_symbol(first);
	char library[NAME_BYTES];
	if (!symbol || !*symbol) library_of(qemu_plugin_insn_haddr(first), library);
	struct run *run = malloc(sizeof *run);
	if (!run) abort();
	*run = (struct run){number_of(symbol && *symbol ? symbol : library), qemu_plugin_tb_n_insns(tb)};
	qemu_plugin_register_vcpu_tb_exec_cb(tb, on_run, 0, run);
}

static void on_exit_of_program(qemu_plugin_id_t id, void *unused) {
	(void)id, (void)unused;
	FILE *file = fopen(out, "w");
	for (unsigned name = 0; file && name < name_count; name++) {
		uint64_t sum = 0;
		for (unsigned thread = 0; thread < MOST_THREADS; thread++) sum += counts[thread][name];
		fprintf(file, "%llu %s\n", (unsigned long long)sum, names[name]);
	}
	if (!file || fclose(file)) abort();
}

__attribute__((visibility("default"))) int qemu_plugin_install(qemu_plugin_id_t id, const void *info, int count,
							       char **arguments) {
	(void)info;
	for (int n = 0; n < count; n++)
		if (!strncmp(arguments[n], "out=", 4)) out = strdup(arguments[n] + 4);
	if (!out) return -1;
	qemu_plugin_register_vcpu_tb_trans_cb(id, on_translation);
	qemu_plugin_register_atexit_cb(id, on_exit_of_program, NULL);
	return 0;
}
