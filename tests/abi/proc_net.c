/* SPDX-License-Identifier: BSD-2-Clause */
/* /proc/net about sockets of this program, which are found by inode, and counters that rise by what it does. */
#include "sock.h"
#include <stdbool.h>
#include <sys/stat.h>

/* The first line of a file, up to where Linux's versions differ; blanks at its end shown. */
static void head(const char *name)
{
    char path[64], line[400];
    snprintf(path, sizeof path, "/proc/net/%s", name);
    FILE *f = fopen(path, "r");
    if (f && fgets(line, sizeof line, f))
        printf("%s: %s", name, line);
    else
        printf("%s: none\n", name);
    if (f)
        fclose(f);
}

/* The leaves of lo's addresses in the tree of routes. */
static void leaves(void)
{
    char line[200];
    bool wanted = false;
    FILE *f = fopen("/proc/net/fib_trie", "r");
    while (f && fgets(line, sizeof line, f)) {
        char *start = line + strspn(line, " ");
        if (*start != '/')
            wanted = !strncmp(start, "|-- 127.", 8);
        if (wanted || start == line)
            printf("fib_trie: %s", start);
    }
    if (f)
        fclose(f);
}

static unsigned long inode_of(int fd)
{
    struct stat st;
    return fstat(fd, &st) ? 0 : st.st_ino;
}

/* Prints the words from..to of the socket's line, whose inode is the word `inode`. */
static void line_of(const char *what, const char *name, int fd, int inode, int from, int to)
{
    char path[64], line[500], copy[500];
    snprintf(path, sizeof path, "/proc/net/%s", name);
    FILE *f = fopen(path, "r");
    printf("%s:", what);
    while (f && fgets(line, sizeof line, f)) {
        char *words[40] = {0}, *save;
        int n = 0;
        strcpy(copy, line);
        for (char *w = strtok_r(copy, " \n", &save); w && n < 40; w = strtok_r(NULL, " \n", &save))
            words[n++] = w;
        if (n <= inode || strtoul(words[inode], NULL, 10) != inode_of(fd))
            continue;
        for (int i = from; i <= to && i < n; i++)
            printf(" %s", words[i]);
        bool padded = !strcmp(name, "tcp") || !strcmp(name, "udp"); /* whatever the inode's number */
        printf(padded ? " (line of %zu)\n" : "\n", strlen(line));
        fclose(f);
        return;
    }
    printf(" none\n");
    if (f)
        fclose(f);
}

/* The value of a counter of the group, in a file of two lines for each group. */
static long counter(const char *file, const char *group, const char *name)
{
    char path[64], names[6000], values[6000];
    long found = -1;
    snprintf(path, sizeof path, "/proc/net/%s", file);
    FILE *f = fopen(path, "r");
    while (f && fgets(names, sizeof names, f) && fgets(values, sizeof values, f)) {
        if (strncmp(names, group, strlen(group)) || names[strlen(group)] != ':')
            continue;
        char *a, *b, *n = strtok_r(names, " \n", &a), *v = strtok_r(values, " \n", &b);
        for (; n && v; n = strtok_r(NULL, " \n", &a), v = strtok_r(NULL, " \n", &b)) {
            if (!strcmp(n, name))
                found = atol(v);
        }
    }
    if (f)
        fclose(f);
    return found;
}

static long loopback_bytes(void)
{
    char line[400];
    unsigned long long bytes = 0;
    FILE *f = fopen("/proc/net/dev", "r");
    while (f && fgets(line, sizeof line, f))
        sscanf(line, " lo: %llu", &bytes);
    if (f)
        fclose(f);
    return (long)bytes;
}

static void tcp(void)
{
    int v[2], l = tcp_listener(4), waiting = socket(AF_INET, SOCK_STREAM, 0);
    struct sockaddr_in a = local_name(l);
    long opens = counter("snmp", "Tcp", "ActiveOpens"), got = counter("snmp", "Tcp", "PassiveOpens"), in = counter("snmp", "Tcp", "InSegs");
    long bytes = loopback_bytes();
    connect(waiting, (void *)&a, sizeof a);
    tcp_pair(v);
    send(v[0], "0123456789", 10, 0);
    settle();
    line_of("listener", "tcp", l, 9, 3, 9 - 1);
    line_of("sender", "tcp", v[0], 9, 3, 9 - 1);
    line_of("receiver", "tcp", v[1], 9, 3, 9 - 1);
    shutdown(v[0], SHUT_WR);
    sleep_ms(150); /* Linux may delay the acknowledgement */
    line_of("half closed", "tcp", v[0], 9, 3, 3);
    line_of("the other end", "tcp", v[1], 9, 3, 3);
    printf("opens %d %d segments %d bytes %d\n", counter("snmp", "Tcp", "ActiveOpens") >= opens + 2,
           counter("snmp", "Tcp", "PassiveOpens") >= got + 2, counter("snmp", "Tcp", "InSegs") >= in + 4, loopback_bytes() > bytes + 10);
    long failed = counter("snmp", "Tcp", "AttemptFails");
    int c = socket(AF_INET, SOCK_STREAM, 0);
    close(l);
    SHOW(connect(c, (void *)&a, sizeof a));
    printf("failed %d\n", counter("snmp", "Tcp", "AttemptFails") > failed);
    line_of("refused", "tcp", c, 9, 3, 3);
    int unbound = socket(AF_INET6, SOCK_STREAM, 0), l6 = socket(AF_INET6, SOCK_STREAM, 0);
    struct sockaddr_in6 a6 = at6("::1", 0);
    bind(l6, (void *)&a6, sizeof a6);
    listen(l6, 1);
    line_of("unbound", "tcp6", unbound, 9, 3, 3);
    line_of("listener", "tcp6", l6, 9, 2, 9 - 1);
    close(v[0]);
    close(v[1]);
    close(c);
    close(waiting);
    close(unbound);
    close(l6);
}

static void udp(void)
{
    int a = socket(AF_INET, SOCK_DGRAM, 0), b = socket(AF_INET6, SOCK_DGRAM, 0);
    struct sockaddr_in to = at("127.0.0.1", 0);
    bind(a, (void *)&to, sizeof to);
    to = local_name(a);
    long in = counter("snmp", "Udp", "InDatagrams"), out = counter("snmp", "Udp", "OutDatagrams"), nobody = counter("snmp", "Udp", "NoPorts");
    SHOW(sendto(a, "hello", 5, 0, (void *)&to, sizeof to));
    settle();
    line_of("udp", "udp", a, 9, 3, 3);
    line_of("and", "udp", a, 9, 5, 9 - 1); /* what a datagram takes of the buffer differs among Linuxes */
    char c[8];
    SHOW(recv(a, c, sizeof c, 0));
    printf("sent %d taken %d\n", counter("snmp", "Udp", "OutDatagrams") > out, counter("snmp", "Udp", "InDatagrams") > in);
    SHOW(connect(a, (void *)&to, sizeof to));
    line_of("connected", "udp", a, 9, 3, 9 - 1);
    line_of("unbound", "udp6", b, 9, 3, 9 - 1);
    close(a);
    struct sockaddr_in6 any = at6("::", 0);
    bind(b, (void *)&any, sizeof any);
    line_of("any", "udp6", b, 9, 2, 9 - 1);
    int sender = socket(AF_INET, SOCK_DGRAM, 0);
    SHOW(sendto(sender, "x", 1, 0, (void *)&to, sizeof to));
    printf("nobody %d\n", counter("snmp", "Udp", "NoPorts") > nobody);
    /* A socket whose buffer is full drops, and says so. */
    int full = socket(AF_INET, SOCK_DGRAM, 0);
    to = at("127.0.0.1", 0);
    bind(full, (void *)&to, sizeof to);
    to = local_name(full);
    SHOW(set_int(full, SOL_SOCKET, SO_RCVBUF, 0));
    long lost = counter("snmp", "Udp", "RcvbufErrors");
    for (int i = 0; i < 20; i++)
        sendto(sender, "0123456789", 10, 0, (void *)&to, sizeof to);
    settle();
    printf("lost %d\n", counter("snmp", "Udp", "RcvbufErrors") > lost);
    close(full);
    close(sender);
    close(b);
}

static void unix_sockets(void)
{
    int v[2], d[2], l = socket(AF_UNIX, SOCK_STREAM, 0), s = socket(AF_UNIX, SOCK_SEQPACKET, 0), none = socket(AF_UNIX, SOCK_DGRAM, 0);
    struct sockaddr_un a = {.sun_family = AF_UNIX};
    socketpair(AF_UNIX, SOCK_STREAM, 0, v);
    socketpair(AF_UNIX, SOCK_DGRAM, 0, d);
    memcpy(a.sun_path, "\0ab\0proc_net", 12);
    bind(l, (void *)&a, 2 + 12);
    listen(l, 1);
    line_of("pair", "unix", v[0], 6, 1, 5);
    line_of("datagrams", "unix", d[0], 6, 2, 5);
    line_of("listener", "unix", l, 6, 1, 5);
    line_of("named", "unix", l, 6, 7, 7);
    unlink("proc_net.s");
    strcpy(a.sun_path, "proc_net.s");
    bind(s, (void *)&a, sizeof a);
    line_of("path", "unix", s, 6, 1, 5);
    line_of("path", "unix", s, 6, 7, 7);
    line_of("unbound", "unix", none, 6, 1, 5);
    unlink("proc_net.s");
    close(v[1]);
    line_of("other end closed", "unix", v[0], 6, 3, 4);
}

int main(void)
{
    static const char *const files[] = {"tcp", "tcp6", "udp", "udp6", "raw", "raw6", "icmp", "icmp6", "unix", "packet", "netlink", "protocols",
                                        "arp", "dev", "route", "rt_cache", "ptype", "psched", "nosuch"};
    for (unsigned i = 0; i < sizeof files / sizeof *files; i++)
        head(files[i]);
    tcp();
    udp();
    unix_sockets();
    int n = socket(AF_NETLINK, SOCK_RAW, 0);
    struct sockaddr_nl {
        unsigned short family, pad;
        unsigned pid, groups;
    } a = {.family = AF_NETLINK, .groups = 5};
    SHOW(bind(n, (void *)&a, sizeof a));
    line_of("netlink", "netlink", n, 9, 1, 1);
    line_of("netlink", "netlink", n, 9, 3, 8);
    leaves();
    return 0;
}
