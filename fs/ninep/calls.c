/* SPDX-License-Identifier: BSD-2-Clause */
/* The requests of 9P2000.L (calls.h). Each makes a call, puts its fields in, runs it, and reads the answer. */
#include <linux/limits.h>
#include "fs/ninep/calls.h"
#include "kernel/heap.h"
#include "kernel/lib/string.h"

#define QID_REPLY 32u  /* enough for an answer of a qid and a number, or of less */
#define MAX_SEGMENTS 64u

/* A call whose first field is f. */
static struct ninep_call *call_on(struct ninep_client *c, u8 type, struct ninep_fid *f, u32 size, u32 reply_size)
{
    struct ninep_call *call = ninep_call_new(c, type, 4 + size, reply_size, NULL, 0, false);

    if (call)
        ninep_put_u32(&call->message, f->number);
    return call;
}

static void put_name(struct ninep_call *call, struct ninep_name name)
{
    ninep_put_string(&call->message, name.s, name.length);
}

/* Runs a call whose answer has nothing of interest. */
static int run_only(struct ninep_call *call)
{
    int error = call ? ninep_run(call->client, &call, 1) : -ENOMEM;

    ninep_call_free(call);
    return error;
}

struct ninep_fid *ninep_attach(struct ninep_client *c, const char *user, u32 uid, const char *aname)
{
    struct ninep_fid *f = ninep_fid_new(c);
    struct ninep_call *call;
    int error;

    if (!f)
        return ERR_PTR(-ENOMEM);
    call = call_on(c, NINEP_TATTACH, f, (u32)(12 + strlen(user) + strlen(aname)), QID_REPLY);
    if (call) {
        ninep_put_u32(&call->message, NINEP_NO_FID);
        ninep_put_string(&call->message, user, strlen(user));
        ninep_put_string(&call->message, aname, strlen(aname));
        ninep_put_u32(&call->message, uid);
    }
    error = run_only(call);
    if (!error)
        return f;
    ninep_fid_discard(c, f);
    return ERR_PTR(error);
}

/* ------------------------------------------------------------ finding */

struct ninep_call *ninep_walk_call(struct ninep_client *c, struct ninep_fid *from, struct ninep_fid *to,
                                   const struct ninep_name *names, unsigned n)
{
    u32 size = 6;
    struct ninep_call *call;

    for (unsigned i = 0; i < n; i++)
        size += (u32)(2 + names[i].length);
    call = call_on(c, NINEP_TWALK, from, size, NINEP_HEADER + 2 + n * 13 + 4);
    if (!call)
        return NULL;
    ninep_put_u32(&call->message, to->number);
    ninep_put_u16(&call->message, (u16)n);
    for (unsigned i = 0; i < n; i++)
        put_name(call, names[i]);
    return call;
}

int ninep_walk_result(struct ninep_call *call, unsigned n, struct ninep_qid *qids)
{
    int got = call->error ? call->error : ninep_get_walk(&call->message, n, qids);

    if (call->error)
        return got;
    /* Not even the first step: the server must say why. */
    return got < 0 || (got == 0 && n) ? ninep_malformed(call) : got;
}

struct ninep_fid *ninep_walk(struct ninep_client *c, struct ninep_fid *from, const struct ninep_name *names,
                             unsigned n, struct ninep_qid *qid)
{
    struct ninep_qid qids[NINEP_MAX_WALK];
    struct ninep_fid *to = ninep_fid_new(c);
    struct ninep_call *call;
    int got;

    if (!to)
        return ERR_PTR(-ENOMEM);
    call = ninep_walk_call(c, from, to, names, n);
    got = ninep_run(c, &call, 1);
    if (!got)
        got = ninep_walk_result(call, n, qids);
    ninep_call_free(call);
    if (got == (int)n) {
        if (n)
            *qid = qids[n - 1];
        return to;
    }
    ninep_fid_discard(c, to);
    return ERR_PTR(got < 0 ? got : -ENOENT);
}

/* ------------------------------------------------------------ attributes */

struct ninep_call *ninep_getattr_call(struct ninep_client *c, struct ninep_fid *f)
{
    struct ninep_call *call = call_on(c, NINEP_TGETATTR, f, 8, 160);

    if (call)
        ninep_put_u64(&call->message, NINEP_GETATTR_BASIC);
    return call;
}

int ninep_getattr_result(struct ninep_call *call, struct ninep_attr *a)
{
    if (call->error)
        return call->error;
    return ninep_get_attr(&call->message, a) ? ninep_malformed(call) : 0;
}

int ninep_getattr(struct ninep_client *c, struct ninep_fid *f, struct ninep_attr *a)
{
    struct ninep_call *call = ninep_getattr_call(c, f);
    int error = ninep_run(c, &call, 1);

    if (!error)
        error = ninep_getattr_result(call, a);
    ninep_call_free(call);
    return error;
}

static void put_time(struct ninep_call *call, s64 ns)
{
    s64 seconds = ns / (s64)NSEC_PER_SEC, rest = ns % (s64)NSEC_PER_SEC;

    if (rest < 0) {
        seconds--;
        rest += (s64)NSEC_PER_SEC;
    }
    ninep_put_u64(&call->message, (u64)seconds);
    ninep_put_u64(&call->message, (u64)rest);
}

int ninep_setattr(struct ninep_client *c, struct ninep_fid *f, u32 valid, const struct ninep_attr *a)
{
    struct ninep_call *call = call_on(c, NINEP_TSETATTR, f, 56, QID_REPLY);

    if (call) {
        ninep_put_u32(&call->message, valid);
        ninep_put_u32(&call->message, a->mode);
        ninep_put_u32(&call->message, a->uid);
        ninep_put_u32(&call->message, a->gid);
        ninep_put_u64(&call->message, a->size);
        put_time(call, a->atime);
        put_time(call, a->mtime);
    }
    return run_only(call);
}

int ninep_statfs(struct ninep_client *c, struct ninep_fid *f, struct ninep_statfs *s)
{
    struct ninep_call *call = call_on(c, NINEP_TSTATFS, f, 0, 80);
    int error = ninep_run(c, &call, 1);

    if (!error && ninep_get_statfs(&call->message, s))
        error = ninep_malformed(call);
    ninep_call_free(call);
    return error;
}

/* ------------------------------------------------------------ opening and making */

int ninep_open(struct ninep_client *c, struct ninep_fid *f, u32 flags)
{
    struct ninep_call *call = call_on(c, NINEP_TLOPEN, f, 4, QID_REPLY);

    if (call)
        ninep_put_u32(&call->message, flags);
    return run_only(call);
}

int ninep_create(struct ninep_client *c, struct ninep_fid *f, struct ninep_name name, u32 flags, u32 mode, u32 gid)
{
    struct ninep_call *call = call_on(c, NINEP_TLCREATE, f, (u32)(14 + name.length), QID_REPLY);

    if (call) {
        put_name(call, name);
        ninep_put_u32(&call->message, flags);
        ninep_put_u32(&call->message, mode);
        ninep_put_u32(&call->message, gid);
    }
    return run_only(call);
}

int ninep_mknod(struct ninep_client *c, struct ninep_fid *dir, struct ninep_name name, u32 mode, u64 rdev, u32 gid)
{
    struct ninep_call *call = call_on(c, NINEP_TMKNOD, dir, (u32)(18 + name.length), QID_REPLY);

    if (call) {
        put_name(call, name);
        ninep_put_u32(&call->message, mode);
        ninep_put_u32(&call->message, (u32)(rdev >> 8 & 0xfff)); /* the inverse of device_number() */
        ninep_put_u32(&call->message, (u32)((rdev & 0xff) | (rdev >> 12 & 0xffffff00)));
        ninep_put_u32(&call->message, gid);
    }
    return run_only(call);
}

int ninep_mkdir(struct ninep_client *c, struct ninep_fid *dir, struct ninep_name name, u32 mode, u32 gid)
{
    struct ninep_call *call = call_on(c, NINEP_TMKDIR, dir, (u32)(10 + name.length), QID_REPLY);

    if (call) {
        put_name(call, name);
        ninep_put_u32(&call->message, mode);
        ninep_put_u32(&call->message, gid);
    }
    return run_only(call);
}

int ninep_symlink(struct ninep_client *c, struct ninep_fid *dir, struct ninep_name name, const char *target, u32 gid)
{
    size_t n = strlen(target);
    struct ninep_call *call = call_on(c, NINEP_TSYMLINK, dir, (u32)(8 + name.length + n), QID_REPLY);

    if (call) {
        put_name(call, name);
        ninep_put_string(&call->message, target, n);
        ninep_put_u32(&call->message, gid);
    }
    return run_only(call);
}

int ninep_link(struct ninep_client *c, struct ninep_fid *dir, struct ninep_name name, struct ninep_fid *target)
{
    struct ninep_call *call = call_on(c, NINEP_TLINK, dir, (u32)(6 + name.length), QID_REPLY);

    if (call) {
        ninep_put_u32(&call->message, target->number);
        put_name(call, name);
    }
    return run_only(call);
}

int ninep_rename(struct ninep_client *c, struct ninep_fid *from, struct ninep_name old, struct ninep_fid *to,
                 struct ninep_name name)
{
    struct ninep_call *call = call_on(c, NINEP_TRENAMEAT, from, (u32)(8 + old.length + name.length), QID_REPLY);

    if (call) {
        put_name(call, old);
        ninep_put_u32(&call->message, to->number);
        put_name(call, name);
    }
    return run_only(call);
}

int ninep_unlink(struct ninep_client *c, struct ninep_fid *dir, struct ninep_name name, u32 flags)
{
    struct ninep_call *call = call_on(c, NINEP_TUNLINKAT, dir, (u32)(6 + name.length), QID_REPLY);

    if (call) {
        put_name(call, name);
        ninep_put_u32(&call->message, flags);
    }
    return run_only(call);
}

struct ninep_call *ninep_readlink_call(struct ninep_client *c, struct ninep_fid *f)
{
    return call_on(c, NINEP_TREADLINK, f, 0, NINEP_HEADER + 2 + PATH_MAX);
}

/* Bytes of the target, which stands at *target in the answer; or the error. */
static ssize target_of(struct ninep_call *call, const char **target)
{
    u16 length;

    if (call->error)
        return call->error;
    *target = ninep_get_string(&call->message, &length);
    if (call->message.bad || length >= PATH_MAX || memchr(*target, '\0', length))
        return ninep_malformed(call);
    return length;
}

char *ninep_readlink_result(struct ninep_call *call)
{
    const char *target;
    ssize n = target_of(call, &target);
    char *copy = n < 0 ? NULL : kmalloc((size_t)n + 1);

    if (copy) {
        memcpy(copy, target, (size_t)n);
        copy[n] = '\0';
    }
    return copy;
}

ssize ninep_readlink(struct ninep_client *c, struct ninep_fid *f, char *buf, size_t n)
{
    struct ninep_call *call = ninep_readlink_call(c, f);
    const char *target;
    ssize result = ninep_run(c, &call, 1);

    if (!result)
        result = target_of(call, &target);
    if (result > 0) {
        result = MIN(result, (ssize)n);
        memcpy(buf, target, (size_t)result);
    }
    ninep_call_free(call);
    return result;
}

int ninep_fsync(struct ninep_client *c, struct ninep_fid *f, bool data_only)
{
    struct ninep_call *call = call_on(c, NINEP_TFSYNC, f, 4, QID_REPLY);

    if (call)
        ninep_put_u32(&call->message, data_only);
    return run_only(call);
}

/* ------------------------------------------------------------ data */

ssize ninep_transfer(struct ninep_client *c, u8 type, struct ninep_fid *f, u64 offset, u32 bytes,
                     const struct block_segment *data, unsigned n)
{
    bool out = type == NINEP_TWRITE;
    struct ninep_call *call = ninep_call_new(c, type, 16, out ? NINEP_HEADER + 4 : NINEP_DATA_HEADER, data, n, out);
    ssize result;

    if (call) {
        ninep_put_u32(&call->message, f->number);
        ninep_put_u64(&call->message, offset);
        ninep_put_u32(&call->message, bytes);
    }
    result = ninep_run(c, &call, 1);
    if (!result && out) {
        u32 count = ninep_get_u32(&call->message);

        result = call->message.bad || count > bytes ? ninep_malformed(call) : (ssize)count;
    } else if (!result) {
        result = ninep_get_count(&call->message, call->request.written, bytes);
        if (result < 0)
            ninep_malformed(call);
    }
    ninep_call_free(call);
    return result;
}

/* The memory of bytes [from, from + n) of the pages, in pieces that lie side by side. */
static unsigned describe(struct block_segment *s, void *const pages[], u64 from, u64 n)
{
    unsigned count = 0;

    while (n) {
        u64 in_page = from & (PAGE_SIZE - 1), part = MIN(n, PAGE_SIZE - in_page);
        paddr_t pa = virt_to_phys(pages[from >> PAGE_SHIFT]) + in_page;

        if (count && s[count - 1].pa + s[count - 1].length == pa)
            s[count - 1].length += (u32)part;
        else
            s[count++] = (struct block_segment){pa, (u32)part};
        from += part;
        n -= part;
    }
    return count;
}

ssize ninep_transfer_pages(struct ninep_client *c, u8 type, struct ninep_fid *f, u64 offset, u64 bytes,
                           void *const pages[])
{
    struct block_segment s[MAX_SEGMENTS];
    u64 done = 0;
    ssize got;

    do {
        u64 n = MIN(MIN(bytes - done, (u64)c->data_size),
                    (MAX_SEGMENTS << PAGE_SHIFT) - (done & (PAGE_SIZE - 1)));

        got = ninep_transfer(c, type, f, offset + done, (u32)n, s, describe(s, pages, done, n));
        if (got > 0)
            done += (u64)got;
    } while (got > 0 && done < bytes);
    return done ? (ssize)done : got;
}

/* ------------------------------------------------------------ extended attributes */

struct ninep_fid *ninep_xattr_walk(struct ninep_client *c, struct ninep_fid *f, const char *name, u64 *size)
{
    struct ninep_fid *to = ninep_fid_new(c);
    struct ninep_call *call;
    int error;

    if (!to)
        return ERR_PTR(-ENOMEM);
    call = call_on(c, NINEP_TXATTRWALK, f, (u32)(6 + strlen(name)), QID_REPLY);
    if (call) {
        ninep_put_u32(&call->message, to->number);
        ninep_put_string(&call->message, name, strlen(name));
    }
    error = ninep_run(c, &call, 1);
    if (!error) {
        *size = ninep_get_u64(&call->message);
        if (call->message.bad) {
            ninep_fid_put(c, to); /* the server has it */
            to = ERR_PTR(ninep_malformed(call));
        }
    } else {
        ninep_fid_discard(c, to);
        to = ERR_PTR(error);
    }
    ninep_call_free(call);
    return to;
}

int ninep_xattr_create(struct ninep_client *c, struct ninep_fid *f, const char *name, u64 size, u32 flags)
{
    struct ninep_call *call = call_on(c, NINEP_TXATTRCREATE, f, (u32)(14 + strlen(name)), QID_REPLY);

    if (call) {
        ninep_put_string(&call->message, name, strlen(name));
        ninep_put_u64(&call->message, size);
        ninep_put_u32(&call->message, flags);
    }
    return run_only(call);
}

int ninep_clunk(struct ninep_client *c, struct ninep_fid *f)
{
    int error = run_only(call_on(c, NINEP_TCLUNK, f, 0, QID_REPLY));

    if (error == -ENOMEM)
        ninep_fid_put(c, f);
    else
        ninep_fid_discard(c, f);
    return error;
}
