/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Talking: AF_UNIX sockets of all three types, paired and named, with descriptors and credentials on the way, System V semaphores, queues
 * and segments, POSIX message queues, FIFOs. Nothing waits; ids that the system chooses are numbered by slots.
 */
#include <mqueue.h>
#include <signal.h>
#include <sys/ipc.h>
#include <sys/msg.h>
#include <sys/sem.h>
#include <sys/shm.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/un.h>
#include "sequence.h"

#define OBJECTS 3

static __thread int types[SLOTS];  /* of sockets, 0: something else */
static __thread bool sent[SLOTS];  /* something may have been sent through it: its name is the one at the time it is received */
static __thread int queues[OBJECTS], sems[OBJECTS], segments[OBJECTS];
static __thread char *attached[OBJECTS];
static __thread int null; /* /dev/null */

static const char *const names[] = {"s", "t", "u", "@one", "@two", ""};

static void put_socket(unsigned i, int fd, int type)
{
    if (fd >= 0)
        types[i] = type, sent[i] = false;
    put(i, fd);
}

/* The address with that name: '@' is an abstract one, "" none. Its length. */
static socklen_t address_of(const char *name, struct sockaddr_un *a)
{
    memset(a, 0, sizeof(*a));
    a->sun_family = rarely(30) ? AF_INET : AF_UNIX;
    strcpy(a->sun_path, name);
    if (name[0] == '@')
        a->sun_path[0] = '\0';
    return (socklen_t)(offsetof(struct sockaddr_un, sun_path) + strlen(name) + (name[0] && name[0] != '@'));
}

static void show_address(const struct sockaddr_un *a, socklen_t length)
{
    if (length <= offsetof(struct sockaddr_un, sun_path))
        note(" unnamed %u", length);
    else if (a->sun_path[0])
        note(" \"%s\" %u", a->sun_path, length);
    else if (length == offsetof(struct sockaddr_un, sun_path) + 6) /* five digits that the system chose */
        note(" autobound");
    else
        note(" @%.*s", (int)(length - offsetof(struct sockaddr_un, sun_path) - 1), a->sun_path + 1);
}

static void step_make(void)
{
    static const struct named kinds[] = {NAMED(SOCK_STREAM), NAMED(SOCK_DGRAM), NAMED(SOCK_SEQPACKET), NAMED(SOCK_RAW)};
    unsigned i = pick(SLOTS), j = (i + 1) % SLOTS;
    const struct named *k = rarely(30) ? &kinds[3] : &kinds[pick(3)];
    int two[2], type = k->value == SOCK_RAW ? SOCK_DGRAM : (int)k->value;

    if (rarely(5)) {
        call("%u: open(fifo)", i);
        put_socket(i, (int)result(open("fifo", PICK(((int[]){O_RDONLY, O_WRONLY, O_RDWR})) | O_NONBLOCK)), 0);
    } else if (rarely(2)) {
        call("%u %u: socketpair(%s)", i, j, k->name);
        if (result(socketpair(AF_UNIX, (int)k->value | SOCK_NONBLOCK, rarely(20) ? 1 : 0, two)) == 0)
            put_socket(i, two[0], type), put_socket(j, two[1], type);
    } else {
        call("%u: socket(%s)", i, k->name);
        put_socket(i, (int)result(socket(AF_UNIX, (int)k->value | SOCK_NONBLOCK, 0)), type);
    }
}

static void step_close(void)
{
    unsigned i = used();

    call("close(%d)", slots[i]);
    result(close(slots[i]));
    slots[i] = -1;
}

static void step_connect(void)
{
    struct sockaddr_un a;
    const char *name = PICK(names);
    unsigned i = used(), j = pick(SLOTS);
    socklen_t n = address_of(name, &a);
    int how = (int)pick(4);
    struct sockaddr_un own;
    socklen_t own_length = sizeof(own);

    switch (pick(6)) {
    case 0:
    case 1:
        /* Of what is bound already and a name that is taken, Linuxes do not agree which comes first. */
        if (getsockname(slots[i], (struct sockaddr *)&own, &own_length) == 0 && own_length > 2)
            n = address_of(name = "", &a);
        if (sent[i])
            n = address_of(name = "t", &a), a.sun_family = AF_INET;
        call("bind(%d, \"%s\", %u)", slots[i], name, a.sun_family);
        result(bind(slots[i], (struct sockaddr *)&a, n));
        break;
    case 2:
        call("listen(%d, %d)", slots[i], how);
        result(listen(slots[i], how));
        break;
    case 3:
        call("%u: accept4(%d)", j, slots[i]);
        put_socket(j, (int)result(accept4(slots[i], NULL, NULL, rarely(20) ? 1 : SOCK_NONBLOCK)), types[i]);
        break;
    default:
        if (rarely(6))
            a.sun_family = AF_UNSPEC;
        /* When one that is left behind for another is told of it, Linuxes do not agree. */
        if (types[i] == SOCK_DGRAM && getpeername(slots[i], (struct sockaddr *)&own, &own_length) == 0)
            a.sun_family = AF_INET;
        call("connect(%d, \"%s\", %u)", slots[i], name, a.sun_family);
        result(connect(slots[i], (struct sockaddr *)&a, n));
    }
}

static void step_look(void)
{
    unsigned i = used();
    struct sockaddr_un a;
    socklen_t n = sizeof(a);
    int how = (int)pick(4);
    const char *name = PICK(names);
    long r;

    memset(&a, 0, sizeof(a));
    switch (pick(4)) {
    case 0:
    case 1:
        call("%s(%d)", how & 1 ? "getsockname" : "getpeername", slots[i]);
        r = how & 1 ? getsockname(slots[i], (struct sockaddr *)&a, &n) : getpeername(slots[i], (struct sockaddr *)&a, &n);
        if (r == 0)
            show_address(&a, n);
        result(r);
        break;
    case 2:
        call("unlink(%s)", name);
        result(unlink(name));
        break;
    default:
        if (types[i] == SOCK_DGRAM) /* Linuxes look at that before or after the address */
            how = 0;
        call("shutdown(%d, %d)", slots[i], how);
        result(shutdown(slots[i], how));
    }
}

static const struct named send_flags[] = {NAMED(0), NAMED(0), NAMED(0), NAMED(MSG_NOSIGNAL), NAMED(MSG_EOR), NAMED(MSG_MORE), NAMED(MSG_DONTROUTE)};
static const struct named receive_flags[] = {NAMED(0), NAMED(0), NAMED(0), NAMED(MSG_PEEK), NAMED(MSG_TRUNC), NAMED(MSG_CMSG_CLOEXEC), NAMED(MSG_PEEK | MSG_TRUNC), NAMED(MSG_WAITALL)};
static const size_t lengths[] = {1, 2, 10, 100, 100, 1000, 4096, 20000};

/* What a message may carry. Not sockets: when Linux finds those that only their own queues hold is open. */
static int passable(void)
{
    unsigned i = used();

    return types[i] > 0 ? null : slots[i];
}

static void step_send(void)
{
    static char bytes[20000];
    unsigned i = used(), kind = pick(8);
    const struct named *f = &PICK(send_flags);
    const char *name = PICK(names);
    struct sockaddr_un a;
    socklen_t alen = address_of(name, &a);
    size_t n = PICK(lengths);
    union {
        struct cmsghdr header;
        char room[200];
    } control;
    struct iovec v[2] = {{bytes, n / 2}, {bytes + 100, n - n / 2}};
    struct msghdr m = {.msg_iov = v, .msg_iovlen = 2};
    struct cmsghdr *c = &control.header;

    sent[i] = true;
    for (size_t k = 0; !chaos && k < sizeof(bytes); k++)
        bytes[k] = (char)(k * 7 + step_number);
    if (types[i] == SOCK_DGRAM && rarely(2) && name[0]) {
        call("sendto(%d, %zu, %s, \"%s\")", slots[i], n, f->name, name);
        result(sendto(slots[i], bytes, n, (int)f->value, (struct sockaddr *)&a, alen));
        return;
    }
    call("sendmsg(%d, %zu, %s", slots[i], n, f->name);
    memset(&control, 0, sizeof(control));
    m.msg_control = &control;
    c->cmsg_level = SOL_SOCKET;
    if (kind == 0) {
        int fds[2] = {passable(), passable()}, count = 1 + (int)pick(2);
        if (n > 4096) /* a read ends at the next piece */
            v[0].iov_len = n = 4096, m.msg_iovlen = 1;
        c->cmsg_type = SCM_RIGHTS;
        c->cmsg_len = CMSG_LEN(sizeof(int) * (size_t)count);
        memcpy(CMSG_DATA(c), fds, sizeof(int) * (size_t)count);
        m.msg_controllen = CMSG_SPACE(sizeof(int) * (size_t)count);
        note(", SCM_RIGHTS %d %d", fds[0], count > 1 ? fds[1] : -2);
    } else if (kind == 1) {
        struct ucred cred = {.pid = getpid(), .uid = rarely(4) ? 1000 : 0};
        c->cmsg_type = SCM_CREDENTIALS;
        c->cmsg_len = CMSG_LEN(sizeof(cred));
        memcpy(CMSG_DATA(c), &cred, sizeof(cred));
        m.msg_controllen = CMSG_SPACE(sizeof(cred));
        note(", SCM_CREDENTIALS %u", cred.uid);
    } else if (kind == 2 && types[i] != SOCK_SEQPACKET && getpeername(slots[i], (struct sockaddr *)&a, &alen) == 0) {
        c->cmsg_type = PICK(((int[]){SCM_RIGHTS, SCM_CREDENTIALS, 99}));
        c->cmsg_len = PICK(((size_t[]){0, 16, 17, 1000}));
        m.msg_controllen = 40;
        note(", control %d %zu", c->cmsg_type, (size_t)c->cmsg_len);
    }
    note(")");
    result(sendmsg(slots[i], &m, (int)f->value));
}

static void step_receive(void)
{
    static __thread char bytes[20000];
    unsigned i = used(), j = pick(SLOTS);
    const struct named *f = &PICK(receive_flags);
    struct sockaddr_un a;
    size_t n = PICK(lengths);
    char control[200];
    struct iovec v = {bytes, n};
    struct msghdr m = {.msg_name = &a, .msg_namelen = sizeof(a), .msg_iov = &v, .msg_iovlen = 1, .msg_control = control, .msg_controllen = PICK(((size_t[]){200, 200, 200, 0, 20, 24}))};
    size_t room = m.msg_controllen;
    int passed = -1;

    memset(&a, 0, sizeof(a));
    call("recvmsg(%d, %zu, %s, room %zu)", slots[i], n, f->name, room);
    long r = recvmsg(slots[i], &m, (int)f->value | MSG_DONTWAIT);
    if (r < 0) {
        result(r);
        return;
    }
    /* On Linux credentials of nobody may come with the end of a stream, and the next message's descriptors with a look at this one. */
    bool open_what_comes = types[i] == SOCK_STREAM && (r == 0 || f->value & MSG_PEEK);
    if (open_what_comes)
        m.msg_flags &= ~MSG_CTRUNC;
    note(" flags %x", m.msg_flags);
    if (r > 0)
        note(" {%08x}", digest(bytes, (size_t)r > n ? n : (size_t)r));
    /* Whether a sender without a name gets one for a receiver with SO_PASSCRED depends on the release. */
    if (m.msg_namelen == offsetof(struct sockaddr_un, sun_path) + 6 && !a.sun_path[0])
        m.msg_namelen = 0;
    if (types[i] != SOCK_STREAM) /* whose name comes with a stream depends on whether its other end is there still */
        show_address(&a, m.msg_namelen);
    for (struct cmsghdr *c = CMSG_FIRSTHDR(&m); c; c = CMSG_NXTHDR(&m, c)) {
        if (open_what_comes) {
            for (size_t k = 0; c->cmsg_type == SCM_RIGHTS && CMSG_LEN((k + 1) * sizeof(int)) <= c->cmsg_len; k++)
                close(((int *)CMSG_DATA(c))[k]);
            continue;
        }
        note(" [%d %zu", c->cmsg_type, (size_t)c->cmsg_len);
        if (c->cmsg_type == SCM_RIGHTS) {
            for (size_t k = 0; CMSG_LEN((k + 1) * sizeof(int)) <= c->cmsg_len; k++) {
                int fd;
                memcpy(&fd, CMSG_DATA(c) + k * sizeof(int), sizeof(fd));
                if (passed >= 0)
                    close(passed);
                passed = fd;
                note(" %d%s", fd, fcntl(fd, F_GETFD) ? " cloexec" : "");
            }
        } else if (c->cmsg_type == SCM_CREDENTIALS && c->cmsg_len >= CMSG_LEN(sizeof(struct ucred))) {
            struct ucred cred;
            memcpy(&cred, CMSG_DATA(c), sizeof(cred));
            note(" %s %d:%d", cred.pid == getpid() ? "self" : cred.pid ? "other" : "0", (int)cred.uid, (int)cred.gid);
        }
        note("]");
    }
    result(r);
    if (passed >= 0) {
        struct sockaddr_un own;
        socklen_t length = sizeof(own), size = sizeof(int);
        int type = 0;
        if (getsockname(passed, (struct sockaddr *)&own, &length) == 0)
            getsockopt(passed, SOL_SOCKET, SO_TYPE, &type, &size);
        put_socket(j, passed, type);
        sent[j] = true;
    }
}

static void step_option(void)
{
    static const struct named options[] = {NAMED(SO_TYPE), NAMED(SO_ERROR), NAMED(SO_ACCEPTCONN), NAMED(SO_PASSCRED), NAMED(SO_PASSCRED), NAMED(SO_SNDBUF), NAMED(SO_RCVBUF), NAMED(SO_DOMAIN), NAMED(SO_PROTOCOL), NAMED(SO_REUSEADDR), NAMED(SO_KEEPALIVE), NAMED(SO_LINGER), NAMED(SO_RCVLOWAT), NAMED(SO_RCVTIMEO), NAMED(SO_PASSSEC), NAMED(SO_BROADCAST), NAMED(SO_OOBINLINE), NAMED(SO_TIMESTAMP), NAMED(999)};
    const struct named *o = &PICK(options);
    unsigned i = used();
    unsigned char value[64];
    socklen_t n = PICK(((socklen_t[]){4, 4, 4, 8, 16, 0, 1, 3}));
    int number = PICK(((int[]){0, 1, 1, -1, 5000, 100000}));
    long r;

    memset(value, 0xee, sizeof(value));
    if (rarely(2)) {
        call("getsockopt(%d, %s, %u)", slots[i], o->name, n);
        r = getsockopt(slots[i], SOL_SOCKET, (int)o->value, value, &n);
        if (r == 0)
            note(" %u {%08x}", n, digest(value, sizeof(value)));
        result(r);
        return;
    }
    memset(value, 0, sizeof(value));
    if (o->value == SO_RCVBUF && number < 0) /* as much as a setting allows */
        number = 1;
    memcpy(value, &number, sizeof(number));
    if (o->value == SO_SNDBUF) /* Linuxes look at the room before or after the address */
        o = &options[0];
    call("setsockopt(%d, %s, %d, %u)", slots[i], o->name, number, n);
    result(setsockopt(slots[i], SOL_SOCKET, (int)o->value, value, n));
}

static void step_stream(void)
{
    char bytes[3000];
    unsigned i = used();
    size_t n = 1 + pick(sizeof(bytes) - 1);
    long r;

    memset(bytes, (int)step_number, n);
    if (rarely(2)) {
        sent[i] = true;
        call("write(%d, %zu)", slots[i], n);
        result(write(slots[i], bytes, n));
        return;
    }
    call("read(%d, %zu)", slots[i], n);
    r = read(slots[i], bytes, n);
    if (r > 0)
        note(" {%08x}", digest(bytes, (size_t)r));
    result(r);
}

/* ------------------------------------------------------------ System V */

static int key_of(unsigned i)
{
    return rarely(3) ? IPC_PRIVATE : 0x4a0000 + (int)i;
}

static const struct named get_flags[] = {NAMED(IPC_CREAT | 0600), NAMED(IPC_CREAT | 0600), NAMED(IPC_CREAT | IPC_EXCL | 0600), NAMED(0), NAMED(0400)};

static void step_queue(void)
{
    struct {
        long type;
        char text[200];
    } m = {.type = PICK(((long[]){1, 2, 3, 0, -1}))};
    unsigned i = pick(OBJECTS), j = pick(OBJECTS);
    const struct named *f = &PICK(get_flags);
    size_t n = PICK(((size_t[]){0, 10, 100, 200}));
    long wanted = PICK(((long[]){0, 0, 1, 2, -2, -3}));
    int flags = IPC_NOWAIT | PICK(((int[]){0, 0, MSG_NOERROR, MSG_EXCEPT})), id;
    struct msqid_ds ds;
    long r;

    memset(m.text, (int)step_number, sizeof(m.text));
    switch (pick(8)) {
    case 0:
    case 1:
        call("queue %u: msgget(%u, %s)", i, j, f->name);
        id = msgget(key_of(j), (int)f->value);
        result(id < 0 ? -1 : 0);
        if (id >= 0)
            queues[i] = id;
        break;
    case 2:
    case 3:
        call("msgsnd(%u, %ld, %zu)", i, m.type, n);
        result(msgsnd(queues[i], &m, n, IPC_NOWAIT));
        break;
    case 4:
    case 5:
        call("msgrcv(%u, %zu, %ld, %x)", i, n, wanted, (unsigned)flags);
        r = msgrcv(queues[i], &m, n, wanted, flags);
        if (r >= 0)
            note(" %ld {%08x}", m.type, digest(m.text, (size_t)r));
        result(r);
        break;
    case 6:
        call("msgctl(%u, IPC_STAT)", i);
        r = msgctl(queues[i], IPC_STAT, &ds);
        if (r == 0)
            note(" %lu messages %lu bytes %o", (unsigned long)ds.msg_qnum, (unsigned long)ds.__msg_cbytes, ds.msg_perm.mode);
        result(r);
        break;
    default:
        if (!rarely(3)) {
            call("getpid");
            result(0);
            break;
        }
        call("msgctl(%u, IPC_RMID)", i);
        result(msgctl(queues[i], IPC_RMID, NULL));
    }
}

static void step_semaphore(void)
{
    static const struct named commands[] = {NAMED(GETVAL), NAMED(GETPID), NAMED(GETNCNT), NAMED(GETZCNT), NAMED(SETVAL), NAMED(SETVAL), NAMED(GETALL), NAMED(IPC_STAT), NAMED(IPC_RMID), NAMED(99)};
    struct sembuf ops[3];
    unsigned i = pick(OBJECTS), j = pick(OBJECTS), n = 1 + pick(3);
    const struct named *f = &PICK(get_flags), *c = &PICK(commands);
    int count = PICK(((int[]){3, 3, 1, 0, -1, 100000})), value = PICK(((int[]){0, 1, 5, 32767, 32768, -1})), id;
    unsigned short all[8] = {0};
    struct semid_ds ds;
    long r;

    switch (pick(5)) {
    case 0:
        call("semaphores %u: semget(%u, %d, %s)", i, j, count, f->name);
        id = semget(key_of(j), count, (int)f->value);
        result(id < 0 ? -1 : 0);
        if (id >= 0)
            sems[i] = id;
        break;
    case 1:
    case 2:
        for (unsigned k = 0; k < n; k++)
            ops[k] = (struct sembuf){.sem_num = (unsigned short)(rarely(20) ? 5 : pick(3)), .sem_op = PICK(((short[]){1, 1, 2, -1, -2, 0, 32767})), .sem_flg = IPC_NOWAIT | (rarely(4) ? SEM_UNDO : 0)};
        call("semop(%u, %u: %d %d)", i, n, ops[0].sem_num, ops[0].sem_op);
        result(semop(sems[i], ops, n));
        break;
    default:
        call("semctl(%u, %u, %s, %d)", i, j, c->name, value);
        if (c->value == GETALL)
            r = semctl(sems[i], 0, GETALL, all);
        else if (c->value == IPC_STAT)
            r = semctl(sems[i], 0, IPC_STAT, &ds);
        else
            r = semctl(sems[i], (int)j, (int)c->value, value);
        if (c->value == GETALL && r == 0)
            note(" %u %u %u", all[0], all[1], all[2]);
        if (c->value == GETPID && r > 0)
            r = 1;
        result(r);
    }
}

static void step_segment(void)
{
    unsigned i = pick(OBJECTS), j = pick(OBJECTS), k = pick(OBJECTS);
    const struct named *f = &PICK(get_flags);
    size_t n = PICK(((size_t[]){4096, 4096, 10000, 0, 100}));
    struct shmid_ds ds;
    unsigned char byte = (unsigned char)step_number;
    int id, signo, code;
    char *p;
    long r;

    switch (pick(7)) {
    case 0:
    case 1:
        call("segment %u: shmget(%u, %zu, %s)", i, j, n, f->name);
        id = shmget(key_of(j), n, (int)f->value);
        result(id < 0 ? -1 : 0);
        if (id >= 0)
            segments[i] = id;
        break;
    case 2:
        if (attached[k])
            shmdt(attached[k]);
        attached[k] = NULL;
        call("%u: shmat(%u)", k, i);
        p = shmat(segments[i], NULL, rarely(4) ? SHM_RDONLY : 0);
        if (result(p == (void *)-1 ? -1 : 0) == 0)
            attached[k] = p;
        break;
    case 3:
        call("shmdt(%u)", k);
        result(shmdt(attached[k] ? attached[k] : (void *)4096));
        attached[k] = NULL;
        break;
    case 4:
        call("shmctl(%u, IPC_STAT)", i);
        r = shmctl(segments[i], IPC_STAT, &ds);
        if (r == 0)
            note(" %zu bytes %lu attached %o", ds.shm_segsz, (unsigned long)ds.shm_nattch, ds.shm_perm.mode);
        result(r);
        break;
    case 5:
        call("shmctl(%u, IPC_RMID)", i);
        result(shmctl(segments[i], IPC_RMID, NULL));
        break;
    default:
        call("%s %u", byte & 1 ? "store" : "load", k);
        if (!attached[k])
            result(0);
        else if (touch((unsigned char *)attached[k] + 50, byte & 1, &byte, &signo, &code))
            result(byte);
        else
            note(" signal %d code %d", signo, code), result(0);
    }
}

/* ------------------------------------------------------------ POSIX message queues */

static void step_mqueue(void)
{
    static const struct named flags[] = {NAMED(O_RDWR), NAMED(O_RDWR | O_CREAT), NAMED(O_RDWR | O_CREAT), NAMED(O_WRONLY | O_CREAT | O_EXCL), NAMED(O_RDONLY)};
    const struct named *f = &PICK(flags);
    const char *name = PICK(((const char *[]){"q", "r", "", "a/b"}));
    struct mq_attr a = {.mq_maxmsg = PICK(((long[]){3, 3, 5, 0, 100000})), .mq_msgsize = PICK(((long[]){100, 100, 10, 0}))};
    struct timespec zero = {0};
    unsigned i = pick(SLOTS), k = used(), priority = PICK(((unsigned[]){0, 1, 5, 40000}));
    size_t n = PICK(((size_t[]){0, 10, 50, 100, 200}));
    char bytes[200];
    long r;

    memset(bytes, (int)step_number, sizeof(bytes));
    switch (pick(8)) {
    case 0:
    case 1:
        call("%u: mq_open(%s, %s, %ld, %ld)", i, name, f->name, a.mq_maxmsg, a.mq_msgsize);
        put_socket(i, (int)result(syscall(SYS_mq_open, name, (int)f->value | O_NONBLOCK, 0600, rarely(10) ? NULL : &a)), -1);
        break;
    case 2:
        call("mq_unlink(%s)", name);
        result(syscall(SYS_mq_unlink, name));
        break;
    case 3:
        call("mq_getsetattr(%d)", slots[k]);
        memset(&a, 0, sizeof(a));
        r = syscall(SYS_mq_getsetattr, slots[k], NULL, &a);
        if (r == 0)
            note(" %ld %ld %ld %lo", a.mq_maxmsg, a.mq_msgsize, a.mq_curmsgs, a.mq_flags);
        result(r);
        break;
    default:
        for (unsigned l = 0; l < SLOTS && types[k] != -1; l++)
            k = (k + 1) % SLOTS;
        if (rarely(2)) {
            call("mq_timedsend(%d, %zu, %u)", slots[k], n, priority);
            result(syscall(SYS_mq_timedsend, slots[k], bytes, n, priority, &zero));
        } else {
            call("mq_timedreceive(%d, %zu)", slots[k], n);
            r = syscall(SYS_mq_timedreceive, slots[k], bytes, n, &priority, &zero);
            if (r >= 0)
                note(" %u {%08x}", priority, digest(bytes, (size_t)r));
            result(r);
        }
    }
}

static void step(void)
{
    static const struct {
        unsigned below;
        void (*step)(void);
    } steps[] = {{12, step_make}, {16, step_close}, {32, step_connect}, {40, step_look}, {54, step_send}, {68, step_receive}, {75, step_option}, {81, step_stream}, {86, step_queue}, {91, step_semaphore}, {95, step_segment}, {100, step_mqueue}};
    unsigned kind = pick(100), i = 0;

    while (kind >= steps[i].below)
        i++;
    steps[i].step();
}

static void begin(void)
{
    memset(types, 0, sizeof(types));
    for (unsigned i = 0; i < OBJECTS; i++) {
        queues[i] = sems[i] = segments[i] = -1;
        attached[i] = NULL;
    }
    null = open_device(DEVICE_NULL);
    mkfifo("fifo", 0644);
}

/* All IPC objects of the namespace are ours. */
static void end(void)
{
    struct seminfo info;
    struct shmid_ds shm;
    struct msqid_ds msg;
    struct semid_ds sem;
    int id, last;

    for (unsigned i = 0; i < OBJECTS; i++)
        if (attached[i])
            shmdt(attached[i]);
    last = semctl(0, 0, SEM_INFO, &info);
    for (int i = 0; i <= last; i++)
        if ((id = semctl(i, 0, SEM_STAT, &sem)) >= 0)
            semctl(id, 0, IPC_RMID);
    last = msgctl(0, MSG_INFO, &msg);
    for (int i = 0; i <= last; i++)
        if ((id = msgctl(i, MSG_STAT, &msg)) >= 0)
            msgctl(id, IPC_RMID, NULL);
    last = shmctl(0, SHM_INFO, &shm);
    for (int i = 0; i <= last; i++)
        if ((id = shmctl(i, SHM_STAT, &shm)) >= 0)
            shmctl(id, IPC_RMID, NULL);
    syscall(SYS_mq_unlink, "q");
    syscall(SYS_mq_unlink, "r");
}

const struct family family_ipc = {.name = "ipc", .begin = begin, .step = step, .end = end};
