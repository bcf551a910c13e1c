/* Writes frames of 32-bit samples that count: sample = 2^28 + frame * channels + channel, until
 * nobody reads them. counter CHANNELS */
#include <stdint.h>
#include <stdlib.h>
#include <unistd.h>

int main(int count, char **arguments)
{
    static uint32_t samples[64 * 480];
    uint32_t channels = count == 2 ? (uint32_t)atoi(arguments[1]) : 0, next = 1u << 28;
    if (channels < 1 || channels > 64)
        return 2;
    for (;;) {
        uint32_t many = channels * 480;
        for (uint32_t n = 0; n < many; n++)
            samples[n] = next++;
        for (size_t done = 0, all = many * sizeof *samples; done < all;) {
            ssize_t wrote = write(STDOUT_FILENO, (char *)samples + done, all - done);
            if (wrote <= 0)
                return 1;
            done += (size_t)wrote;
        }
    }
}
