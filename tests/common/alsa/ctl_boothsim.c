/* A mixer without a sound card, through libasound; its elements lie in a small file, so that
 * several processes move the same controls.
 *
 * Elements: "Mic Gain Capture Volume" 0..100 on two channels, "Mic Capture Switch", "Source" (Mic,
 * Line, Aux), "Stuck Capture Volume", which stays at 7 whatever is written.
 * Field: state PATH, made at the first write (two values of 4 bytes for each element);
 * without it, and while PATH.gone exists, there is no mixer. */
#define PIC
#include <alsa/asoundlib.h>
#include <alsa/control_external.h>
#include <fcntl.h>
#include <sys/eventfd.h>
#include <unistd.h>

enum { GAIN, SWITCH, SOURCE, STUCK, ELEMENTS };

static const char *const names[ELEMENTS] = {
	"Mic Gain Capture Volume", "Mic Capture Switch", "Source", "Stuck Capture Volume",
};
static const int types[ELEMENTS] = {
	SND_CTL_ELEM_TYPE_INTEGER, SND_CTL_ELEM_TYPE_BOOLEAN, SND_CTL_ELEM_TYPE_ENUMERATED,
	SND_CTL_ELEM_TYPE_INTEGER,
};
static const char *const sources[] = { "Mic", "Line", "Aux" };

/* What the file holds. */
struct state {
	int32_t value[ELEMENTS][2];
};

struct sim {
	snd_ctl_ext_t ext;
	char *path;
};

static void load(struct sim *s, struct state *state) {
	int fd = open(s->path, O_RDONLY | O_CLOEXEC);
	if (fd < 0 || read(fd, state, sizeof *state) != sizeof *state) {
		memset(state, 0, sizeof *state);
		state->value[GAIN][0] = state->value[GAIN][1] = 10;
	}
	if (fd >= 0) close(fd);
	state->value[STUCK][0] = 7;
}

static int store(struct sim *s, const struct state *state) {
	int fd = open(s->path, O_WRONLY | O_CREAT | O_CLOEXEC, 0644);
	if (fd < 0) return -errno;
	ssize_t written = pwrite(fd, state, sizeof *state, 0);
	close(fd);
	return written == sizeof *state ? 1 : -EIO;
}

static unsigned channels(snd_ctl_ext_key_t key) { return key == GAIN ? 2 : 1; }

static int sim_count(snd_ctl_ext_t *ext) {
	(void)ext;
	return ELEMENTS;
}

static int sim_list(snd_ctl_ext_t *ext, unsigned offset, snd_ctl_elem_id_t *id) {
	(void)ext;
	snd_ctl_elem_id_set_interface(id, SND_CTL_ELEM_IFACE_MIXER);
	snd_ctl_elem_id_set_name(id, names[offset]);
	return 0;
}

static snd_ctl_ext_key_t sim_find(snd_ctl_ext_t *ext, const snd_ctl_elem_id_t *id) {
	(void)ext;
	unsigned numid = snd_ctl_elem_id_get_numid(id);
	if (numid > 0 && numid <= ELEMENTS) return numid - 1;
	for (unsigned i = 0; i < ELEMENTS; i++)
		if (!strcmp(snd_ctl_elem_id_get_name(id), names[i])) return i;
	return SND_CTL_EXT_KEY_NOT_FOUND;
}

static int sim_attribute(snd_ctl_ext_t *ext, snd_ctl_ext_key_t key, int *type, unsigned *access,
			 unsigned *count) {
	(void)ext;
	*type = types[key];
	*access = SND_CTL_EXT_ACCESS_READWRITE;
	*count = channels(key);
	return 0;
}

static int sim_range(snd_ctl_ext_t *ext, snd_ctl_ext_key_t key, long *least, long *most, long *step) {
	(void)ext;
	*least = 0;
	*most = key == SWITCH ? 1 : 100;
	*step = 1;
	return 0;
}

static int sim_items(snd_ctl_ext_t *ext, snd_ctl_ext_key_t key, unsigned *items) {
	(void)ext, (void)key;
	*items = 3;
	return 0;
}

static int sim_item(snd_ctl_ext_t *ext, snd_ctl_ext_key_t key, unsigned item, char *name, size_t most) {
	(void)ext, (void)key;
	if (item >= 3) return -EINVAL;
	snprintf(name, most, "%s", sources[item]);
	return 0;
}

static int sim_read(snd_ctl_ext_t *ext, snd_ctl_ext_key_t key, long *value) {
	struct state state;
	load(ext->private_data, &state);
	for (unsigned ch = 0; ch < channels(key); ch++) value[ch] = state.value[key][ch];
	return 0;
}

static int sim_read_item(snd_ctl_ext_t *ext, snd_ctl_ext_key_t key, unsigned *item) {
	struct state state;
	load(ext->private_data, &state);
	*item = state.value[key][0];
	return 0;
}

static int sim_write(snd_ctl_ext_t *ext, snd_ctl_ext_key_t key, long *value) {
	struct state state;
	load(ext->private_data, &state);
	for (unsigned ch = 0; ch < channels(key); ch++) state.value[key][ch] = value[ch];
	return store(ext->private_data, &state);
}

static int sim_write_item(snd_ctl_ext_t *ext, snd_ctl_ext_key_t key, unsigned *item) {
	struct state state;
	if (*item >= 3) return -EINVAL;
	load(ext->private_data, &state);
	state.value[key][0] = *item;
	return store(ext->private_data, &state);
}

/* Nobody is told of changes: who wants to know reads. */
static int sim_event(snd_ctl_ext_t *ext, snd_ctl_elem_id_t *id, unsigned *mask) {
	(void)ext, (void)id, (void)mask;
	return -EAGAIN;
}

static void sim_close(snd_ctl_ext_t *ext) {
	struct sim *s = ext->private_data;
	close(ext->poll_fd);
	free(s->path);
	free(s);
}

static const snd_ctl_ext_callback_t callbacks = {
	.close = sim_close, .elem_count = sim_count, .elem_list = sim_list, .find_elem = sim_find,
	.get_attribute = sim_attribute, .get_integer_info = sim_range,
	.get_enumerated_info = sim_items, .get_enumerated_name = sim_item,
	.read_integer = sim_read, .read_enumerated = sim_read_item,
	.write_integer = sim_write, .write_enumerated = sim_write_item, .read_event = sim_event,
};

SND_CTL_PLUGIN_DEFINE_FUNC(boothsim) {
	snd_config_t *field;
	const char *path = NULL;
	char gone[4096];
	struct sim *s;
	int err;
	(void)root;
	if (snd_config_search(conf, "state", &field) < 0 || snd_config_get_string(field, &path) < 0)
		return -ENODEV;
	snprintf(gone, sizeof gone, "%s.gone", path);
	if (access(gone, F_OK) == 0) {
		SNDERR("boothsim: the mixer is gone");
		return -ENODEV;
	}
	if (!(s = calloc(1, sizeof *s))) return -ENOMEM;
	s->path = strdup(path);
	s->ext.version = SND_CTL_EXT_VERSION;
	strcpy(s->ext.id, "boothsim");
	strcpy(s->ext.driver, "boothsim");
	strcpy(s->ext.name, "boothsim");
	strcpy(s->ext.longname, "boothsim");
	strcpy(s->ext.mixername, "boothsim");
	s->ext.poll_fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
	s->ext.callback = &callbacks;
	s->ext.private_data = s;
	if ((err = snd_ctl_ext_create(&s->ext, name, mode)) < 0) {
		close(s->ext.poll_fd);
		free(s->path);
		free(s);
		return err;
	}
	*handlep = s->ext.handle;
	return 0;
}
SND_CTL_PLUGIN_SYMBOL(boothsim);
