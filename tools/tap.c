/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Tap interfaces. Opened here and not by QEMU, so that what is wrong with one is said in words.
 */
#include "tools/tap.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/if_tun.h>
#include <net/if.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <unistd.h>

#include "tools/message.h"

#define DEFAULT_MTU 1500

static void __attribute__((noreturn)) cannot_open(const char *name)
{
    switch (errno) {
    case EPERM:
        die(STATUS_FAILED, "--net tap=%s: it belongs to another user; 'ip tuntap add %s mode tap user NAME' says whose it is", name, name);
    case EBUSY:
        die(STATUS_FAILED, "--net tap=%s: another process has it", name);
    case EINVAL:
        die(STATUS_FAILED, "--net tap=%s: that interface is no tap", name);
    default:
        die(STATUS_FAILED, "--net tap=%s: %s", name, strerror(errno));
    }
}

/* Its MTU; says so when it is down. */
static unsigned examine(const char *name)
{
    struct ifreq request = {0};
    int fd = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
    unsigned mtu = DEFAULT_MTU;

    if (fd < 0)
        return mtu;
    strcpy(request.ifr_name, name);
    if (ioctl(fd, SIOCGIFFLAGS, &request) == 0 && !(request.ifr_flags & IFF_UP))
        say("--net tap=%s: the interface is down; 'ip link set %s up' changes that", name, name);
    if (ioctl(fd, SIOCGIFMTU, &request) == 0 && request.ifr_mtu >= 68)
        mtu = (unsigned)request.ifr_mtu;
    close(fd);
    return mtu;
}

int tap_open(const char *name, unsigned *mtu)
{
    struct ifreq request = {.ifr_flags = IFF_TAP | IFF_NO_PI | IFF_VNET_HDR};
    int fd;

    /* Root would make a new one by opening it. */
    if (strlen(name) >= IFNAMSIZ || *name == '\0' || if_nametoindex(name) == 0)
        die(STATUS_FAILED, "--net tap=%s: there is no such interface; 'ip tuntap add %s mode tap user NAME' makes one", name, name);
    fd = open("/dev/net/tun", O_RDWR | O_CLOEXEC | O_NONBLOCK);
    if (fd < 0)
        die(STATUS_FAILED, "--net tap=%s: /dev/net/tun: %s", name, strerror(errno));
    strcpy(request.ifr_name, name);
    if (ioctl(fd, TUNSETIFF, &request) < 0) {
        request.ifr_flags |= IFF_MULTI_QUEUE;
        if (errno != EINVAL || ioctl(fd, TUNSETIFF, &request) < 0)
            cannot_open(name);
    }
    *mtu = examine(name);
    return fd;
}

static void mix(uint64_t *hash, const char *text)
{
    for (; *text; text++)
        *hash = (*hash ^ (unsigned char)*text) * 0x100000001b3;
}

void tap_make_address(const char *name, unsigned char address[6])
{
    uint64_t hash = 0xcbf29ce484222325;
    char machine[64] = "";
    FILE *stream = fopen("/etc/machine-id", "re");

    if (stream && !fgets(machine, sizeof(machine), stream))
        *machine = '\0';
    if (stream)
        fclose(stream);
    mix(&hash, machine);
    mix(&hash, name);
    address[0] = 2; /* of one station, given locally */
    for (int i = 1; i < 6; i++)
        address[i] = (unsigned char)(hash >> (8 * i));
}
