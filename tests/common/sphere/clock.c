/* The wall clock of a sphere, which jumps: LD_PRELOADed into everything that runs there, it adds the
 * seconds in the file SPHERE_CLOCK (a 64-bit integer, shared memory) to what the processes are told of
 * CLOCK_REALTIME, and takes them off the deadlines that they set by it. Time since boot stays. */
#define _GNU_SOURCE
#include <dlfcn.h>
#include <fcntl.h>
#include <pthread.h>
#include <semaphore.h>
#include <stdint.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/time.h>
#include <time.h>
#include <unistd.h>

#define REAL(name) ((__typeof__(&name))dlsym(RTLD_NEXT, #name))

static const volatile int64_t *ahead_s;

__attribute__((constructor)) static void look(void) {
	const char *path = getenv("SPHERE_CLOCK");
	int fd = path ? open(path, O_RDONLY | O_CLOEXEC) : -1;
	if (fd < 0) return;
	void *at = mmap(NULL, sizeof *ahead_s, PROT_READ, MAP_SHARED, fd, 0);
	if (at != MAP_FAILED) ahead_s = at;
	close(fd);
}

static time_t ahead(void) {
	return ahead_s ? *ahead_s : 0;
}

int clock_gettime(clockid_t clock, struct timespec *now) {
	static __typeof__(&clock_gettime) real;
	if (!real) real = REAL(clock_gettime);
	int done = real(clock, now);
	if (!done && (clock == CLOCK_REALTIME || clock == CLOCK_REALTIME_COARSE)) now->tv_sec += ahead();
	return done;
}

int gettimeofday(struct timeval *restrict now, void *restrict zone) {
	int done = REAL(gettimeofday)(now, zone);
	if (!done) now->tv_sec += ahead();
	return done;
}

time_t time(time_t *out) {
	struct timespec now;
	clock_gettime(CLOCK_REALTIME_COARSE, &now);
	if (out) *out = now.tv_sec;
	return now.tv_sec;
}

/* A deadline of the time since boot is small; it is left as it is. */
static struct timespec real_deadline(const struct timespec *until) {
	struct timespec real = *until;
	if (real.tv_sec > 1000000000) real.tv_sec -= ahead();
	return real;
}

int pthread_cond_timedwait(pthread_cond_t *restrict condition, pthread_mutex_t *restrict mutex,
			   const struct timespec *restrict until) {
	struct timespec real = real_deadline(until);
	return REAL(pthread_cond_timedwait)(condition, mutex, &real);
}

int sem_timedwait(sem_t *restrict semaphore, const struct timespec *restrict until) {
	struct timespec real = real_deadline(until);
	return REAL(sem_timedwait)(semaphore, &real);
}
