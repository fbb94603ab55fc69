/* SPDX-License-Identifier: BSD-2-Clause */
/* lookup NAME...: prints each name's addresses as this C library's getaddrinfo() finds them, sorted, or the error. */
#include <arpa/inet.h>
#include <netdb.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define MOST 5000

static int order(const void *a, const void *b)
{
    return strcmp(a, b);
}

int main(int argc, char **argv)
{
    static char found[MOST][INET6_ADDRSTRLEN];
    struct addrinfo hints = {.ai_socktype = SOCK_STREAM}, *list;
    for (int i = 1; i < argc; i++) {
        int error = getaddrinfo(argv[i], "80", &hints, &list), n = 0;
        printf("%s", argv[i]);
        if (error) {
            printf(" error %d\n", error);
            continue;
        }
        for (struct addrinfo *a = list; a && n < MOST; a = a->ai_next, n++) {
            void *address = a->ai_family == AF_INET6 ? (void *)&((struct sockaddr_in6 *)a->ai_addr)->sin6_addr : (void *)&((struct sockaddr_in *)a->ai_addr)->sin_addr;
            inet_ntop(a->ai_family, address, found[n], sizeof(found[n]));
        }
        freeaddrinfo(list);
        qsort(found, (size_t)n, sizeof(found[0]), order);
        for (int j = 0; j < n; j++)
            printf(" %s", found[j]);
        printf("\n");
    }
    return 0;
}
