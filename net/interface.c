/* SPDX-License-Identifier: BSD-2-Clause */
/* The ioctls of netdevice(7) for the one interface there is: lo, index 1, 127.0.0.1/8, always up. */
#include <linux/in.h>
#include <linux/sockios.h>
#include "kernel/lib/string.h"
#include "kernel/user.h"
#include "net/interface.h"
#include "net/socket.h"

/* struct ifreq of netdevice(7). <linux/if.h> and <linux/if_arp.h> would bring the C library's headers in. */
struct interface_request {
    char name[16];
    union {
        struct sockaddr_in address;
        struct {
            u16 family;
            u8 bytes[14];
        } hardware;
        s16 flags;
        int number;
        u8 bytes[24];
    };
};

#define ARPHRD_LOOPBACK 772

#define FLAG_UP       0x1
#define FLAG_LOOPBACK 0x8
#define FLAG_RUNNING  0x40

static long list_interfaces(unsigned long arg)
{
    struct {
        int length, pad;
        struct interface_request *requests;
    } conf;
    if (copy_from_user(&conf, (void *)arg, sizeof(conf)))
        return -EFAULT;
    struct interface_request r = {.name = "lo"};
    r.address.sin_family = AF_INET;
    r.address.sin_addr.s_addr = LOOPBACK_IPV4;
    if (!conf.requests) {
        conf.length = sizeof(r);
    } else if (conf.length < (int)sizeof(r)) {
        conf.length = 0;
    } else {
        if (copy_to_user(conf.requests, &r, sizeof(r)))
            return -EFAULT;
        conf.length = sizeof(r);
    }
    return copy_to_user((void *)arg, &conf, sizeof(conf));
}

static void set_address(struct interface_request *r, u32 address)
{
    memset(&r->address, 0, sizeof(r->address));
    r->address.sin_family = AF_INET;
    r->address.sin_addr.s_addr = address;
}

/* Fills the answer for lo. 0, or -ENOTTY for a request that is not served. */
static long answer(unsigned cmd, struct interface_request *r)
{
    switch (cmd) {
    case SIOCGIFFLAGS:
        r->flags = FLAG_UP | FLAG_LOOPBACK | FLAG_RUNNING;
        return 0;
    case SIOCGIFADDR:
        set_address(r, LOOPBACK_IPV4);
        return 0;
    case SIOCGIFNETMASK:
        set_address(r, 0x000000ff);
        return 0;
    case SIOCGIFBRDADDR:
    case SIOCGIFDSTADDR:
        set_address(r, cmd == SIOCGIFDSTADDR ? LOOPBACK_IPV4 : 0);
        return 0;
    case SIOCGIFINDEX:
        r->number = LOOPBACK_INDEX;
        return 0;
    case SIOCGIFMTU:
        r->number = LOOPBACK_MTU;
        return 0;
    case SIOCGIFMETRIC:
        r->number = 0;
        return 0;
    case SIOCGIFTXQLEN:
        r->number = 1000;
        return 0;
    case SIOCGIFHWADDR:
        memset(&r->hardware, 0, sizeof(r->hardware));
        r->hardware.family = ARPHRD_LOOPBACK;
        return 0;
    default:
        return -ENOTTY;
    }
}

long interface_ioctl(unsigned cmd, unsigned long arg)
{
    struct interface_request r;
    if (cmd == SIOCGIFCONF)
        return list_interfaces(arg);
    if (cmd != SIOCGIFNAME) {
        memset(&r, 0, sizeof(r));
        if (answer(cmd, &r) == -ENOTTY)
            return -ENOTTY;
    }
    if (copy_from_user(&r, (void *)arg, sizeof(r)))
        return -EFAULT;
    if (cmd == SIOCGIFNAME) {
        if (r.number != LOOPBACK_INDEX)
            return -ENODEV;
        memset(r.name, 0, sizeof(r.name));
        memcpy(r.name, "lo", 3);
    } else {
        r.name[15] = 0;
        if (strcmp(r.name, "lo"))
            return -ENODEV;
        long error = answer(cmd, &r);
        if (error)
            return error;
    }
    return copy_to_user((void *)arg, &r, sizeof(r));
}
