/* Starts a program as systemd starts a service of Type=notify, and says on standard error, in seconds
 * since the kernel's start, when it was executed, when its first line of output came, and each word to
 * the service manager. service PROGRAM ARGUMENT... ; exits as the program does. */
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

static void say(const char *what)
{
    struct timespec now;
    clock_gettime(CLOCK_BOOTTIME, &now);
    fprintf(stderr, "service: %ld.%03ld %s\n", (long)now.tv_sec, now.tv_nsec / 1000000, what);
}

int main(int count, char **arguments)
{
    struct sockaddr_un address = { .sun_family = AF_UNIX, .sun_path = "/run/notify" };
    int words = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0), output[2], status;
    unlink(address.sun_path);
    if (count < 2 || bind(words, (struct sockaddr *)&address, sizeof address) || pipe(output)) {
        perror("service");
        return 2;
    }
    setenv("NOTIFY_SOCKET", address.sun_path, 1);
    setenv("WATCHDOG_USEC", "20000000", 1);
    say("executed");
    if (fork() == 0) {
        dup2(output[1], STDOUT_FILENO);
        close(output[0]);
        close(output[1]);
        execvp(arguments[1], arguments + 1);
        perror(arguments[1]);
        _exit(127);
    }
    close(output[1]);
    struct pollfd waits[] = { { output[0], POLLIN, 0 }, { words, POLLIN, 0 } };
    for (int shown = 0;;) {
        char text[4096];
        poll(waits, 2, -1);
        if (waits[1].revents & POLLIN) {
            ssize_t size = recv(words, text, sizeof text - 1, 0);
            text[size > 0 ? size : 0] = 0;
            say(text);
            continue;
        }
        if (!(waits[0].revents & (POLLIN | POLLHUP)))
            continue;
        ssize_t size = read(output[0], text, sizeof text);
        if (size <= 0)
            break;
        if (!shown++)
            say("first picture");
        if (write(STDOUT_FILENO, text, (size_t)size) < 0)
            break;
    }
    wait(&status);
    return WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
}
