/* For LD_PRELOAD: storage that stalls. While the file named by BOOTH_STALL exists, whoever writes
 * to a regular file, or syncs one, waits. Messages (descriptors 0 to 2) pass. */
#define _GNU_SOURCE
#include <dlfcn.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <sys/uio.h>
#include <unistd.h>

static void stall(int fd) {
	const char *flag = getenv("BOOTH_STALL");
	struct stat s;
	if (fd > 2 && flag && fstat(fd, &s) == 0 && S_ISREG(s.st_mode))
		while (access(flag, F_OK) == 0) usleep(2000);
}

/* stdio reaches the kernel without these symbols, so its buffered writes stall here. */
#define STALLED(type, name, fd, params, args) \
	type name params { \
		static type (*next) params; \
		if (!next) next = (type (*) params)dlsym(RTLD_NEXT, #name); \
		stall(fd); \
		return next args; \
	}

STALLED(ssize_t, write, fd, (int fd, const void *p, size_t n), (fd, p, n))
STALLED(ssize_t, pwrite, fd, (int fd, const void *p, size_t n, off_t at), (fd, p, n, at))
STALLED(ssize_t, pwrite64, fd, (int fd, const void *p, size_t n, off64_t at), (fd, p, n, at))
STALLED(ssize_t, writev, fd, (int fd, const struct iovec *v, int n), (fd, v, n))
STALLED(int, fsync, fd, (int fd), (fd))
STALLED(int, fdatasync, fd, (int fd), (fd))
STALLED(size_t, fwrite, fileno(f), (const void *p, size_t n, size_t m, FILE *f), (p, n, m, f))
STALLED(int, fflush, f ? fileno(f) : -1, (FILE *f), (f))
