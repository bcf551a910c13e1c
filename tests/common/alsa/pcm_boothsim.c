/* A capture device without a sound card: a counter on the monotonic clock, through libasound.
 *
 * Sample of channel ch in device frame f: (f * channels + ch) mod 2^24, in the low 24 bits (S16:
 * the low 16), S32 shifted left by 8, FLOAT divided by 2^23. The device clock runs on through
 * overruns, so that a gap in the counter is the loss in frames.
 *
 * Fields: free_run 1 (no clock), max_rate N (frames per second of a free run), ppm N,
 * unplug_at_ms N (after each start), unplug_file PATH (gone while the file exists),
 * freeze_file PATH (while the file exists the device neither delivers nor errs; what it would have
 * delivered meanwhile never comes), hang_file PATH (while the file exists nobody who asks the device
 * comes back, as from a driver that hangs), epoch_ms N (CLOCK_MONOTONIC of device frame 0;
 * otherwise the first start),
 * buffer_bytes_max N, period_bytes N (no other period), channels N (no other count), busy 1
 * (somebody else has it open). */
#define PIC
#include <alsa/asoundlib.h>
#include <alsa/pcm_external.h>
#include <sys/eventfd.h>
#include <sys/timerfd.h>
#include <time.h>
#include <unistd.h>

struct sim {
	snd_pcm_ioplug_t io;
	long free_run, max_rate, ppm, unplug_at_ms;
	char *unplug_file, *freeze_file, *hang_file;
	int64_t epoch_ns, started_ns;
	uint64_t base; /* device frame of this run's frame 0 */
	uint64_t made; /* frames of this run that are in the buffer or were */
	snd_pcm_uframes_t avail_min;
	int gone, frozen;
};

static int64_t now_ns(void) {
	struct timespec t;
	clock_gettime(CLOCK_MONOTONIC, &t);
	return t.tv_sec * 1000000000LL + t.tv_nsec;
}

static uint64_t frames_of(struct sim *s, int64_t ns, long rate) {
	__int128 f = (__int128)ns * rate * (1000000 + s->ppm);
	return ns < 0 ? 0 : (uint64_t)(f / 1000000 / 1000000000);
}

static int unplugged(struct sim *s) {
	if (s->unplug_file && access(s->unplug_file, F_OK) == 0) s->gone = 1;
	if (s->unplug_at_ms && s->started_ns &&
	    now_ns() - s->started_ns > s->unplug_at_ms * 1000000LL) s->gone = 1;
	return s->gone;
}

static void put(uint8_t *to, snd_pcm_format_t format, uint32_t n) {
	int32_t i;
	float f;
	switch (format) {
	case SND_PCM_FORMAT_S16_LE: to[0] = n; to[1] = n >> 8; break;
	case SND_PCM_FORMAT_S24_3LE: to[0] = n; to[1] = n >> 8; to[2] = n >> 16; break;
	case SND_PCM_FORMAT_S24_LE: i = (int32_t)(n << 8) >> 8; memcpy(to, &i, 4); break;
	case SND_PCM_FORMAT_S32_LE: n <<= 8; memcpy(to, &n, 4); break;
	default: f = (float)n / 8388608.0f; memcpy(to, &f, 4); break;
	}
}

static void fill(struct sim *s, uint64_t target) {
	const snd_pcm_channel_area_t *areas = snd_pcm_ioplug_mmap_areas(&s->io);
	for (; areas && s->made < target; s->made++) {
		uint64_t at = s->made % s->io.buffer_size, frame = s->base + s->made;
		for (unsigned ch = 0; ch < s->io.channels; ch++)
			put((uint8_t *)areas[ch].addr + (areas[ch].first + areas[ch].step * at) / 8,
			    s->io.format, (frame * s->io.channels + ch) & 0xffffff);
	}
}

/* As the kernel does, a reader is woken at the end of a period, once avail_min is there. */
static int arm(struct sim *s) {
	snd_pcm_uframes_t periods = (s->avail_min + s->io.period_size - 1) / s->io.period_size;
	int64_t frames = (periods ? periods : 1) * s->io.period_size;
	int64_t ns = frames * 1000000000LL / s->io.rate;
	struct timespec period = { ns / 1000000000, ns % 1000000000 };
	struct itimerspec t = { period, period };
	return timerfd_settime(s->io.poll_fd, 0, &t, NULL) < 0 ? -errno : 0;
}

static void disarm(struct sim *s) {
	struct itimerspec none = { { 0, 0 }, { 0, 0 } };
	timerfd_settime(s->io.poll_fd, 0, &none, NULL);
}

/* A frozen card wakes nobody; one that thaws goes on with what it hears now. */
static int frozen(struct sim *s) {
	int now = s->freeze_file && access(s->freeze_file, F_OK) == 0;
	if (now && !s->frozen) disarm(s);
	if (!now && s->frozen) {
		uint64_t device = frames_of(s, now_ns() - s->epoch_ns, s->io.rate);
		s->base = device - s->made;
		arm(s);
	}
	return s->frozen = now;
}

static snd_pcm_sframes_t sim_pointer(snd_pcm_ioplug_t *io) {
	struct sim *s = io->private_data;
	while (s->hang_file && access(s->hang_file, F_OK) == 0) usleep(1000);
	if (unplugged(s)) {
		snd_pcm_ioplug_set_state(io, SND_PCM_STATE_DISCONNECTED);
		return s->made;
	}
	if (frozen(s)) return s->made;
	uint64_t target;
	if (s->free_run) {
		target = io->appl_ptr + io->buffer_size;
		if (s->max_rate) {
			uint64_t most = frames_of(s, now_ns() - s->started_ns, s->max_rate);
			if (most < target) target = most;
		}
	} else {
		uint64_t device = frames_of(s, now_ns() - s->epoch_ns, io->rate);
		target = device > s->base ? device - s->base : 0;
		/* Any error from here becomes an overrun; this is the only one meant. */
		if (target > io->appl_ptr + io->buffer_size) return -EPIPE;
	}
	fill(s, target);
	return s->made;
}

static int sim_prepare(snd_pcm_ioplug_t *io) {
	struct sim *s = io->private_data;
	if (unplugged(s)) return -ENODEV;
	if (s->free_run) s->base += s->made;
	s->made = 0;
	return 0;
}

static int sim_start(snd_pcm_ioplug_t *io) {
	struct sim *s = io->private_data;
	if (unplugged(s)) return -ENODEV;
	s->started_ns = now_ns();
	if (!s->epoch_ns) s->epoch_ns = s->started_ns;
	if (s->free_run) return 0;
	s->base = frames_of(s, s->started_ns - s->epoch_ns, io->rate);
	s->frozen = 0;
	return arm(s);
}

static int sim_stop(snd_pcm_ioplug_t *io) {
	struct sim *s = io->private_data;
	/* A device that is gone keeps waking its reader. */
	if (!s->free_run && !s->gone) disarm(s);
	return 0;
}

static int sim_sw_params(snd_pcm_ioplug_t *io, snd_pcm_sw_params_t *params) {
	struct sim *s = io->private_data;
	return snd_pcm_sw_params_get_avail_min(params, &s->avail_min);
}

/* Asked at the start of each wait: the only place where a thaw is noticed. */
static int sim_poll_descriptors(snd_pcm_ioplug_t *io, struct pollfd *pfd, unsigned space) {
	struct sim *s = io->private_data;
	if (space < 1) return 0;
	if (io->state == SND_PCM_STATE_RUNNING) frozen(s);
	pfd->fd = io->poll_fd;
	pfd->events = POLLIN;
	return 1;
}

static int sim_poll_revents(snd_pcm_ioplug_t *io, struct pollfd *pfd, unsigned n,
			    unsigned short *revents) {
	struct sim *s = io->private_data;
	uint64_t count;
	(void)n;
	if (!s->free_run && (pfd->revents & POLLIN) && read(io->poll_fd, &count, 8) < 0) count = 0;
	snd_pcm_sframes_t avail = snd_pcm_avail_update(io->pcm);
	*revents = 0;
	if (s->gone) *revents = POLLERR | POLLIN;
	else if (io->state != SND_PCM_STATE_RUNNING || avail < 0 ||
		 (snd_pcm_uframes_t)avail >= s->avail_min) *revents = POLLIN;
	else if (s->free_run) usleep(1000);
	return 0;
}

static int sim_close(snd_pcm_ioplug_t *io) {
	struct sim *s = io->private_data;
	close(io->poll_fd);
	free(s->unplug_file);
	free(s->freeze_file);
	free(s->hang_file);
	free(s);
	return 0;
}

static const snd_pcm_ioplug_callback_t callbacks = {
	.start = sim_start, .stop = sim_stop, .pointer = sim_pointer, .prepare = sim_prepare,
	.sw_params = sim_sw_params, .poll_descriptors = sim_poll_descriptors,
	.poll_revents = sim_poll_revents, .close = sim_close,
};

static int constrain(snd_pcm_ioplug_t *io, long buffer_bytes_max, long period_bytes, long channels) {
	static const unsigned access[] = { SND_PCM_ACCESS_MMAP_INTERLEAVED, SND_PCM_ACCESS_RW_INTERLEAVED };
	static const unsigned formats[] = { SND_PCM_FORMAT_S16_LE, SND_PCM_FORMAT_S24_LE,
		SND_PCM_FORMAT_S24_3LE, SND_PCM_FORMAT_S32_LE, SND_PCM_FORMAT_FLOAT_LE };
	int err;
	if ((err = snd_pcm_ioplug_set_param_list(io, SND_PCM_IOPLUG_HW_ACCESS, 2, access)) < 0 ||
	    (err = snd_pcm_ioplug_set_param_list(io, SND_PCM_IOPLUG_HW_FORMAT, 5, formats)) < 0 ||
	    (err = snd_pcm_ioplug_set_param_minmax(io, SND_PCM_IOPLUG_HW_CHANNELS,
						 channels ? channels : 1, channels ? channels : 64)) < 0 ||
	    (err = snd_pcm_ioplug_set_param_minmax(io, SND_PCM_IOPLUG_HW_RATE, 8000, 192000)) < 0 ||
	    (err = snd_pcm_ioplug_set_param_minmax(io, SND_PCM_IOPLUG_HW_PERIODS, 2, 1024)) < 0)
		return err;
	if (period_bytes && (err = snd_pcm_ioplug_set_param_minmax(io, SND_PCM_IOPLUG_HW_PERIOD_BYTES,
								   period_bytes, period_bytes)) < 0)
		return err;
	return snd_pcm_ioplug_set_param_minmax(io, SND_PCM_IOPLUG_HW_BUFFER_BYTES, 64, buffer_bytes_max);
}

SND_PCM_PLUGIN_DEFINE_FUNC(boothsim) {
	snd_config_iterator_t i, next;
	long buffer_bytes_max = 16 << 20, period_bytes = 0, epoch_ms = 0, channels = 0, busy = 0;
	struct sim *s;
	int err = -EINVAL;
	(void)root;
	if (stream != SND_PCM_STREAM_CAPTURE) return -EINVAL;
	if (!(s = calloc(1, sizeof *s))) return -ENOMEM;
	snd_config_for_each(i, next, conf) {
		snd_config_t *n = snd_config_iterator_entry(i);
		const char *id, *text;
		if (snd_config_get_id(n, &id) < 0) continue;
		if (!strcmp(id, "comment") || !strcmp(id, "type") || !strcmp(id, "hint")) continue;
		if (!strcmp(id, "free_run")) snd_config_get_integer(n, &s->free_run);
		else if (!strcmp(id, "max_rate")) snd_config_get_integer(n, &s->max_rate);
		else if (!strcmp(id, "ppm")) snd_config_get_integer(n, &s->ppm);
		else if (!strcmp(id, "unplug_at_ms")) snd_config_get_integer(n, &s->unplug_at_ms);
		else if (!strcmp(id, "epoch_ms")) snd_config_get_integer(n, &epoch_ms);
		else if (!strcmp(id, "buffer_bytes_max")) snd_config_get_integer(n, &buffer_bytes_max);
		else if (!strcmp(id, "period_bytes")) snd_config_get_integer(n, &period_bytes);
		else if (!strcmp(id, "channels")) snd_config_get_integer(n, &channels);
		else if (!strcmp(id, "busy")) snd_config_get_integer(n, &busy);
		else if (!strcmp(id, "unplug_file")) {
			if (snd_config_get_string(n, &text) >= 0) s->unplug_file = strdup(text);
		} else if (!strcmp(id, "freeze_file")) {
			if (snd_config_get_string(n, &text) >= 0) s->freeze_file = strdup(text);
		} else if (!strcmp(id, "hang_file")) {
			if (snd_config_get_string(n, &text) >= 0) s->hang_file = strdup(text);
		} else {
			SNDERR("boothsim: unknown field %s", id);
			goto fail;
		}
	}
	err = busy ? -EBUSY : -ENODEV;
	if (busy || unplugged(s)) goto fail;
	s->epoch_ns = epoch_ms * 1000000LL;
	s->io.version = SND_PCM_IOPLUG_VERSION;
	s->io.name = "boothsim";
	s->io.flags = SND_PCM_IOPLUG_FLAG_MONOTONIC | SND_PCM_IOPLUG_FLAG_BOUNDARY_WA;
	s->io.callback = &callbacks;
	s->io.private_data = s;
	s->io.mmap_rw = 1;
	s->io.poll_events = POLLIN;
	s->io.poll_fd = s->free_run ? eventfd(1, EFD_CLOEXEC | EFD_NONBLOCK)
				    : timerfd_create(CLOCK_MONOTONIC, TFD_CLOEXEC | TFD_NONBLOCK);
	if ((err = snd_pcm_ioplug_create(&s->io, name, stream, mode)) < 0) {
		close(s->io.poll_fd);
		goto fail;
	}
	if ((err = constrain(&s->io, buffer_bytes_max, period_bytes, channels)) < 0) {
		snd_pcm_ioplug_delete(&s->io);
		return err;
	}
	*pcmp = s->io.pcm;
	return 0;
fail:
	free(s->unplug_file);
	free(s->freeze_file);
	free(s->hang_file);
	free(s);
	return err;
}
SND_PCM_PLUGIN_SYMBOL(boothsim);
