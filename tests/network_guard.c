/* A library to preload into a program: it logs and refuses every use of the network, also from
 * native code.
 *
 *     gcc -shared -fPIC -o guard.so network_guard.c -ldl
 *     LD_PRELOAD=guard.so NETWORK_GUARD_LOG=calls.txt program
 *
 * The log has a line per call: the process's number, the call and its target. Sockets between
 * processes of the machine (AF_UNIX) are permitted. The C library looks up names without calling
 * `socket` through this library, so the look-up functions are intercepted, too.
 */
#define _GNU_SOURCE
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <netdb.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

static void note(const char *call, const char *what)
{
    char line[256];
    const char *path = getenv("NETWORK_GUARD_LOG");
    int length = snprintf(line, sizeof line, "%d %s %s\n", (int)getpid(), call, what ? what : "");
    int file = path ? open(path, O_WRONLY | O_CREAT | O_APPEND, 0644) : -1;

    if (length >= (int)sizeof line)
        length = (int)sizeof line - 1;
    if (file < 0 || write(file, line, (size_t)length) != length)
        abort(); /* a guard that cannot log proves nothing */
    close(file);
}

int socket(int domain, int type, int protocol)
{
    int (*next)(int, int, int) = (int (*)(int, int, int))dlsym(RTLD_NEXT, "socket");

    if (domain == AF_INET || domain == AF_INET6) {
        note("socket", domain == AF_INET ? "IPv4" : "IPv6");
        errno = EACCES;
        return -1;
    }
    return next(domain, type, protocol);
}

int getaddrinfo(const char *node, const char *service, const struct addrinfo *hints,
                struct addrinfo **result)
{
    (void)service, (void)hints, (void)result;
    note("getaddrinfo", node);
    return EAI_FAIL;
}

struct hostent *gethostbyname(const char *name)
{
    note("gethostbyname", name);
    h_errno = NO_RECOVERY;
    return NULL;
}
