/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Ports of this host that lead into the VM. QEMU listens on them; here they are listened on for a moment before, since what QEMU says of
 * one that is taken helps nobody.
 */
#include "tools/forward.h"

#include <arpa/inet.h>
#include <dirent.h>
#include <errno.h>
#include <netinet/in.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "tools/message.h"

#define TCP_LISTEN 10 /* state, in /proc/net/tcp */

struct forward {
    const char *text; /* as given */
    bool udp;
    struct in_addr address; /* of this host */
    uint16_t host, guest;
};

static void __attribute__((noreturn)) malformed(const char *text)
{
    die(STATUS_FAILED, "-p wants [ADDRESS:]PORT:PORT[/tcp|/udp], such as 8080:80, not '%s' (see 'aril run --help')", text);
}

static uint16_t parse_port(const char *text, const char *word)
{
    char *end;
    unsigned long port = strtoul(word, &end, 10);

    if (*word < '0' || *word > '9' || *end || port < 1 || port > 65535)
        malformed(text);
    return (uint16_t)port;
}

static struct forward parse(const char *text)
{
    struct forward f = {.text = text};
    char *copy = duplicate(text), *slash = strchr(copy, '/'), *guest, *host;

    if (slash) {
        *slash = '\0';
        f.udp = strcmp(slash + 1, "udp") == 0;
        if (!f.udp && strcmp(slash + 1, "tcp") != 0)
            malformed(text);
    }
    if (*copy == '[')
        die(STATUS_FAILED, "-p %s: only IPv4 addresses can be forwarded", text);
    guest = strrchr(copy, ':');
    if (!guest)
        malformed(text);
    *guest++ = '\0';
    host = strrchr(copy, ':');
    if (host) {
        *host++ = '\0';
        if (inet_pton(AF_INET, copy, &f.address) != 1)
            malformed(text);
    } else {
        host = copy;
    }
    f.host = parse_port(text, host);
    f.guest = parse_port(text, guest);
    free(copy);
    return f;
}

/* ---------------------------------------------------------------- who has a port */

/* Inode of the socket that has the port, from a table in /proc/net; 0: none. */
static unsigned long find_socket(const char *table, const struct forward *f)
{
    unsigned long inode = 0;
    char line[512];
    FILE *stream = fopen(table, "re");

    while (!inode && stream && fgets(line, sizeof(line), stream)) {
        unsigned port, state;
        unsigned long number;

        if (sscanf(line, " %*d: %*[0-9A-F]:%x %*[0-9A-F]:%*x %x %*s %*s %*s %*d %*d %lu", &port, &state, &number) == 3 &&
            port == f->host && (f->udp || state == TCP_LISTEN))
            inode = number;
    }
    if (stream)
        fclose(stream);
    return inode;
}

static bool has_socket(const char *process, unsigned long inode)
{
    char path[64 + sizeof(((struct dirent *)0)->d_name)], link[64], want[64];
    struct dirent *entry;
    bool found = false;
    DIR *descriptors;

    snprintf(want, sizeof(want), "socket:[%lu]", inode);
    snprintf(path, sizeof(path), "/proc/%s/fd", process);
    descriptors = opendir(path);
    while (descriptors && !found && (entry = readdir(descriptors))) {
        ssize_t n = readlinkat(dirfd(descriptors), entry->d_name, link, sizeof(link) - 1);

        link[n > 0 ? n : 0] = '\0';
        found = strcmp(link, want) == 0;
    }
    if (descriptors)
        closedir(descriptors);
    return found;
}

/* " by NAME (process N)", or nothing when that is not to be known; malloc'ed. */
static char *describe_holder(const struct forward *f)
{
    unsigned long inode = find_socket(f->udp ? "/proc/net/udp" : "/proc/net/tcp", f);
    char *text = NULL, name[64] = "", path[64];
    struct dirent *entry;
    DIR *processes;
    FILE *stream;

    if (!inode)
        inode = find_socket(f->udp ? "/proc/net/udp6" : "/proc/net/tcp6", f);
    processes = inode ? opendir("/proc") : NULL;
    while (processes && !text && (entry = readdir(processes))) {
        long process = strtol(entry->d_name, NULL, 10);

        if (process <= 0 || !has_socket(entry->d_name, inode))
            continue;
        snprintf(path, sizeof(path), "/proc/%ld/comm", process);
        stream = fopen(path, "re");
        if (!stream || !fgets(name, sizeof(name), stream))
            strcpy(name, "?");
        if (stream)
            fclose(stream);
        name[strcspn(name, "\n")] = '\0';
        text = process == getpid() ? duplicate(": it is given twice") : format_string(" by %s (process %ld)", name, process);
    }
    if (processes)
        closedir(processes);
    return text ? text : duplicate("");
}

/* Takes the port; returns the socket. */
static int reserve(const struct forward *f)
{
    struct sockaddr_in address = {.sin_family = AF_INET, .sin_port = htons(f->host), .sin_addr = f->address};
    int fd = socket(AF_INET, (f->udp ? SOCK_DGRAM : SOCK_STREAM) | SOCK_CLOEXEC, 0), on = 1;

    if (fd < 0)
        die(STATUS_FAILED, "-p %s: cannot make a socket: %s", f->text, strerror(errno));
    if (!f->udp)
        setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof(on));
    if (bind(fd, (struct sockaddr *)&address, sizeof(address)) == 0 && (f->udp || listen(fd, 1) == 0))
        return fd;
    switch (errno) {
    case EADDRINUSE:
        die(STATUS_FAILED, "-p %s: port %u is in use here%s", f->text, f->host, describe_holder(f));
    case EADDRNOTAVAIL:
        die(STATUS_FAILED, "-p %s: %s is no address of this host", f->text, inet_ntoa(f->address));
    case EACCES:
        die(STATUS_FAILED, "-p %s: no permission to listen on port %u; those from 1024 on are free for all", f->text, f->host);
    default:
        die(STATUS_FAILED, "-p %s: %s", f->text, strerror(errno));
    }
}

char *forward_options(const struct strings *requests, const char *guest)
{
    int *reserved = allocate((requests->count + 1) * sizeof(*reserved));
    char *options = duplicate("");

    for (size_t i = 0; i < requests->count; i++) {
        struct forward f = parse(requests->items[i]);
        char *longer;

        reserved[i] = reserve(&f);
        longer = format_string("%s,hostfwd=%s:%s:%u-%s:%u", options, f.udp ? "udp" : "tcp", inet_ntoa(f.address), f.host, guest,
                               f.guest);
        free(options);
        options = longer;
    }
    for (size_t i = 0; i < requests->count; i++)
        close(reserved[i]);
    free(reserved);
    return options;
}
