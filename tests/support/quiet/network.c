/* Preloaded into a process and all that it starts: whatever asks for a name or calls an address is
 * written down and refused, whichever thread or library does so. Unix sockets pass. */
#define _GNU_SOURCE
#include <arpa/inet.h>
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <netdb.h>
#include <netinet/in.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

static void note(const char *what, const char *whom) {
    char line[512];
    const char *path = getenv("QUIET_RECORD");
    int length = snprintf(line, sizeof line, "%s %s\n", what, whom ? whom : "?");
    int file = path ? open(path, O_WRONLY | O_APPEND | O_CREAT | O_CLOEXEC, 0600) : -1;
    if (file >= 0) {
        if (write(file, line, (size_t)length) < 0) abort();
        close(file);
    }
}

static int refused(const char *what, const struct sockaddr *to) {
    char text[INET6_ADDRSTRLEN] = "?";
    if (!to || (to->sa_family != AF_INET && to->sa_family != AF_INET6)) return 0;
    if (to->sa_family == AF_INET)
        inet_ntop(AF_INET, &((const struct sockaddr_in *)to)->sin_addr, text, sizeof text);
    else
        inet_ntop(AF_INET6, &((const struct sockaddr_in6 *)to)->sin6_addr, text, sizeof text);
    note(what, text);
    errno = ENETUNREACH;
    return 1;
}

static int is_number(const char *name) {
    unsigned char address[16];
    return inet_pton(AF_INET, name, address) == 1 || inet_pton(AF_INET6, name, address) == 1;
}

int connect(int socket, const struct sockaddr *to, socklen_t size) {
    int (*real)(int, const struct sockaddr *, socklen_t) = dlsym(RTLD_NEXT, "connect");
    return refused("connect", to) ? -1 : real(socket, to, size);
}

ssize_t sendto(int socket, const void *data, size_t length, int flags, const struct sockaddr *to,
               socklen_t size) {
    ssize_t (*real)(int, const void *, size_t, int, const struct sockaddr *, socklen_t) =
        dlsym(RTLD_NEXT, "sendto");
    return refused("sendto", to) ? -1 : real(socket, data, length, flags, to, size);
}

ssize_t sendmsg(int socket, const struct msghdr *message, int flags) {
    ssize_t (*real)(int, const struct msghdr *, int) = dlsym(RTLD_NEXT, "sendmsg");
    return refused("sendmsg", message->msg_name) ? -1 : real(socket, message, flags);
}

int getaddrinfo(const char *node, const char *service, const struct addrinfo *hints,
                struct addrinfo **found) {
    int (*real)(const char *, const char *, const struct addrinfo *, struct addrinfo **) =
        dlsym(RTLD_NEXT, "getaddrinfo");
    if (!node || is_number(node)) return real(node, service, hints, found);
    note("getaddrinfo", node);
    return EAI_AGAIN;
}

struct hostent *gethostbyname(const char *name) {
    note("gethostbyname", name);
    h_errno = TRY_AGAIN;
    return NULL;
}

int gethostbyname_r(const char *name, struct hostent *result, char *buffer, size_t size,
                    struct hostent **found, int *error) {
    (void)result, (void)buffer, (void)size;
    note("gethostbyname_r", name);
    *found = NULL;
    *error = TRY_AGAIN;
    return EAGAIN;
}
