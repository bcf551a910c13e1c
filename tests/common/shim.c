/* A disk that misbehaves, for one process: LD_PRELOADed, it stands between the C library and the
 * program for every file below FAULT_BELOW (only paths that contain FAULT_MATCH, if set).
 *
 * FAULT_STALL PATH: while the file exists, each write, sync, truncation and rename waits.
 * FAULT_SLOW MS: each sync takes so much longer.
 * FAULT_FAIL PATH: while the file exists, they fail with the error that it names (ENOSPC EROFS EIO).
 * FAULT_SHORT PATH: while the file exists, every other write is interrupted (EINTR) and the others
 *   write half of their bytes.
 * FAULT_HANG PATH: while the file exists, the thread that it names does not come back from its next
 *   wait for another (a futex).
 * FAULT_HOLD N: the N-th write, sync, allocation, truncation or rename of the thread FAULT_THREAD stops the
 *   process before it is done.
 * FAULT_ROOM N: no file grows beyond N bytes; the write that would is cut there, the next ENOSPC.
 * FAULT_DISK FOLDER: what a power cut would leave: FOLDER/INODE holds of each file exactly the
 *   bytes that a completed sync has brought to the disk.
 * FAULT_TIMES PATH: two numbers of 64 bits: the longest write or sync, ns, and since when one is
 *   under way, CLOCK_MONOTONIC in ns or 0. */
#define _GNU_SOURCE
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <pthread.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

#define REAL(name) ((__typeof__(&name))dlsym(RTLD_NEXT, #name))

static const char *below, *match, *stall, *fail, *shorten, *disk, *hang, *held;
static int hold;
static off_t room;
static int slow;
static int64_t *times;

__attribute__((constructor)) static void look(void) {
	below = getenv("FAULT_BELOW");
	match = getenv("FAULT_MATCH");
	stall = getenv("FAULT_STALL");
	fail = getenv("FAULT_FAIL");
	shorten = getenv("FAULT_SHORT");
	disk = getenv("FAULT_DISK");
	hang = getenv("FAULT_HANG");
	held = getenv("FAULT_THREAD");
	hold = getenv("FAULT_HOLD") ? atoi(getenv("FAULT_HOLD")) : 0;
	slow = getenv("FAULT_SLOW") ? atoi(getenv("FAULT_SLOW")) : 0;
	room = getenv("FAULT_ROOM") ? atoll(getenv("FAULT_ROOM")) : 0;
	int fd = getenv("FAULT_TIMES") ? open(getenv("FAULT_TIMES"), O_RDWR | O_CREAT | O_CLOEXEC, 0666) : -1;
	if (fd < 0) return;
	if (REAL(ftruncate)(fd, 2 * sizeof *times) == 0)
		times = mmap(NULL, 2 * sizeof *times, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
	if (times == MAP_FAILED) times = NULL;
	close(fd);
}

static int64_t now_ns(void) {
	struct timespec t;
	clock_gettime(CLOCK_MONOTONIC, &t);
	return t.tv_sec * 1000000000LL + t.tv_nsec;
}

static int concerns(const char *path) {
	return below && !strncmp(path, below, strlen(below)) && (!match || strstr(path, match));
}

static int concerns_fd(int fd) {
	char link[32], path[PATH_MAX];
	if (!below) return 0;
	snprintf(link, sizeof link, "/proc/self/fd/%d", fd);
	ssize_t length = readlink(link, path, sizeof path - 1);
	path[length < 0 ? 0 : length] = 0;
	return concerns(path);
}

static int named_error(void) {
	char name[16] = "";
	int fd = fail ? open(fail, O_RDONLY | O_CLOEXEC) : -1;
	if (fd < 0) return 0;
	ssize_t length = read(fd, name, sizeof name - 1);
	close(fd);
	if (length < 0) return EIO;
	return !strncmp(name, "ENOSPC", 6) ? ENOSPC : !strncmp(name, "EROFS", 5) ? EROFS : EIO;
}

static int is_named(const char *name) {
	char own[16] = "";
	prctl(PR_GET_NAME, own);
	return name && !strcmp(name, own);
}

static void stop_at_its_call(void) {
	static int calls;
	if (hold && is_named(held) && __atomic_add_fetch(&calls, 1, __ATOMIC_RELAXED) == hold) kill(getpid(), SIGSTOP);
}

/* Waits out a stall; the error that the call is to fail with, or 0. */
static int gate(int concerned) {
	if (!concerned) return 0;
	stop_at_its_call();
	while (stall && access(stall, F_OK) == 0) usleep(1000);
	return named_error();
}

/* What was written and not yet synced, by file. */
struct range { ino_t file; off_t from, to; };
static struct range dirty[4096];
static int dirty_count;
static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;

static void soil(int fd, off_t from, ssize_t bytes) {
	struct stat s;
	if (!disk || bytes <= 0 || fstat(fd, &s) < 0) return;
	pthread_mutex_lock(&lock);
	struct range *last = dirty_count ? &dirty[dirty_count - 1] : NULL;
	if (last && last->file == s.st_ino && last->to == from) last->to += bytes;
	else if (dirty_count < 4096) dirty[dirty_count++] = (struct range){ s.st_ino, from, from + bytes };
	else abort();
	pthread_mutex_unlock(&lock);
}

static int shadow(ino_t file) {
	char path[PATH_MAX];
	snprintf(path, sizeof path, "%s/%lu", disk, (unsigned long)file);
	return open(path, O_RDWR | O_CREAT | O_CLOEXEC, 0666);
}

static void copy(int from, int to, off_t at, off_t end) {
	static char bytes[1 << 16];
	while (at < end) {
		size_t left = end - at, want = left < sizeof bytes ? left : sizeof bytes;
		ssize_t got = pread(from, bytes, want, at);
		if (got <= 0 || REAL(pwrite)(to, bytes, got, at) != got) return;
		at += got;
	}
}

/* After a sync: what was dirty, and the length, are on the disk. */
static void bring(int fd) {
	struct stat s;
	char link[32];
	if (!disk || fstat(fd, &s) < 0 || !S_ISREG(s.st_mode)) return;
	snprintf(link, sizeof link, "/proc/self/fd/%d", fd);
	pthread_mutex_lock(&lock);
	int from = open(link, O_RDONLY | O_CLOEXEC), to = shadow(s.st_ino), kept = 0;
	for (int i = 0; i < dirty_count; i++) {
		if (dirty[i].file == s.st_ino) copy(from, to, dirty[i].from, dirty[i].to);
		else dirty[kept++] = dirty[i];
	}
	dirty_count = kept;
	if (REAL(ftruncate)(to, s.st_size) < 0) abort();
	close(from);
	close(to);
	pthread_mutex_unlock(&lock);
}

static int64_t begins(void) {
	int64_t now = now_ns();
	if (times) times[1] = now;
	return now;
}

static void took(int64_t since) {
	if (!times) return;
	int64_t ns = now_ns() - since;
	if (ns > times[0]) times[0] = ns;
	times[1] = 0;
}

/* The bytes of a write at `at` that are let through: those that still fit, half of them while writes are
 * short; -1 with ENOSPC if none fits, with EINTR if it is interrupted. */
static ssize_t fitting(off_t at, size_t bytes) {
	static unsigned writes;
	if (shorten && bytes > 1 && access(shorten, F_OK) == 0) {
		bytes /= 2;
		if (__atomic_add_fetch(&writes, 1, __ATOMIC_RELAXED) % 2) {
			errno = EINTR;
			return -1;
		}
	}
	if (!room || at + (off_t)bytes <= room) return bytes;
	if (at < room) return room - at;
	errno = ENOSPC;
	return -1;
}

#define REFUSE(concerned) do { \
	int error = gate(concerned); \
	if (error) { errno = error; return -1; } \
} while (0)

ssize_t pwrite64(int fd, const void *bytes, size_t count, off64_t at) {
	int concerned = concerns_fd(fd);
	REFUSE(concerned);
	if (!concerned) return REAL(pwrite64)(fd, bytes, count, at);
	ssize_t fits = fitting(at, count);
	if (fits < 0) return -1;
	int64_t since = begins();
	ssize_t done = REAL(pwrite64)(fd, bytes, fits, at);
	took(since);
	soil(fd, at, done);
	return done;
}

ssize_t pwrite(int fd, const void *bytes, size_t count, off_t at) {
	return pwrite64(fd, bytes, count, at);
}

ssize_t write(int fd, const void *bytes, size_t count) {
	int concerned = concerns_fd(fd);
	REFUSE(concerned);
	if (!concerned) return REAL(write)(fd, bytes, count);
	struct stat s;
	off_t at = lseek(fd, 0, SEEK_CUR);
	if ((fcntl(fd, F_GETFL) & O_APPEND) && fstat(fd, &s) == 0) at = s.st_size;
	ssize_t fits = fitting(at, count);
	if (fits < 0) return -1;
	int64_t since = begins();
	ssize_t done = REAL(write)(fd, bytes, fits);
	took(since);
	soil(fd, at, done);
	return done;
}

#define SYNC(name) int name(int fd) { \
	int concerned = concerns_fd(fd); \
	REFUSE(concerned); \
	int64_t since = concerned ? begins() : 0; \
	if (concerned) usleep(slow * 1000); \
	int done = REAL(name)(fd); \
	if (concerned) took(since); \
	if (concerned && done == 0) bring(fd); \
	return done; \
}
SYNC(fsync)
SYNC(fdatasync)

int ftruncate64(int fd, off64_t length) {
	REFUSE(concerns_fd(fd));
	return REAL(ftruncate64)(fd, length);
}

int fallocate(int fd, int mode, off_t at, off_t length) {
	REFUSE(concerns_fd(fd));
	if (room && at + length > room) { errno = ENOSPC; return -1; }
	return REAL(fallocate)(fd, mode, at, length);
}

int rename(const char *from, const char *to) {
	REFUSE(concerns(from) || concerns(to));
	return REAL(rename)(from, to);
}

int renameat2(int from_at, const char *from, int to_at, const char *to, unsigned flags) {
	REFUSE(concerns(from) || concerns(to));
	return REAL(renameat2)(from_at, from, to_at, to, flags);
}

static int is_hung(void) {
	char named[16] = "";
	int fd = hang ? open(hang, O_RDONLY | O_CLOEXEC) : -1;
	if (fd < 0) return 0;
	ssize_t length = read(fd, named, sizeof named - 1);
	close(fd);
	return length > 0 && is_named(named);
}

long syscall(long number, ...) {
	static __typeof__(&syscall) real;
	long a[6];
	va_list list;
	va_start(list, number);
	for (int i = 0; i < 6; i++) a[i] = va_arg(list, long);
	va_end(list);
	if (!real) real = REAL(syscall);
	long done = real(number, a[0], a[1], a[2], a[3], a[4], a[5]);
	int error = errno;
	while (number == SYS_futex && is_hung()) usleep(1000);
	errno = error;
	return done;
}
