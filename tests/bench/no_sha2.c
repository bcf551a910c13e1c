/* An arm64 processor without a unit for SHA-256, as those of the Raspberry Pi 3 and 4: preloaded, it takes
 * the unit out of what the kernel says of the processor. */
#define _GNU_SOURCE
#include <dlfcn.h>
#include <sys/auxv.h>

unsigned long getauxval(unsigned long type) {
	unsigned long said = ((unsigned long (*)(unsigned long))dlsym(RTLD_NEXT, "getauxval"))(type);
	return type == AT_HWCAP ? said & ~(unsigned long)HWCAP_SHA2 : said;
}
