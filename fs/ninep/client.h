/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * A session with a 9P server: requests, tags and fids.
 *
 * A fid is the server's handle on an object, or on an open file. When its last reference goes it is put on a list, and its
 * Tclunk travels with the next request: nobody waits for it, and putting a fid never sleeps.
 */
#ifndef FS_NINEP_CLIENT_H
#define FS_NINEP_CLIENT_H

#include "fs/ninep/message.h"
#include "kernel/lock.h"
#include "kernel/wait.h"
#include "platform/platform.h"

#define NINEP_BATCH 32u /* requests that one thread waits for at once */

struct ninep_fid {
    u32 number;
    u32 refs;               /* atomic */
    struct ninep_fid *next; /* in one of the client's lists */
};

struct ninep_client {
    int channel;
    u32 message_size;      /* negotiated */
    u32 data_size;         /* bytes of one read or write: whole pages */
    struct spinlock lock;  /* LOCK_NINEP: all below but requests */
    u64 tags[2];           /* bits of those in use */
    u32 tags_free;
    struct wait_queue tag_freed;
    struct ninep_fid *free;   /* number not known to the server */
    struct ninep_fid *unused; /* to be clunked */
    u32 last_fid;
    u64 requests;             /* atomic: sent so far */
};

/* One request, from its making to the reading of its answer. */
struct ninep_call {
    struct ninep_request request; /* first */
    struct ninep_client *client;
    struct ninep_message message; /* the request while it is written, then the answer */
    struct ninep_fid *clunked;
    u32 data_bytes;               /* of a request with data after it */
    u32 reply_size;
    u16 tag;
    u8 type;
    int error;                    /* of the answer */
    u8 *reply;
    struct block_segment segments[]; /* out, then in */
};

/*
 * Opens the device with this mount tag and agrees on the version; message_size: what is wished for, 0 for the largest.
 * -ENODEV: no such tag; -EBUSY: mounted already; -EPROTONOSUPPORT: not 9P2000.L; -ENOMEM, -EIO.
 */
int ninep_connect(struct ninep_client *c, const char *tag, u32 message_size);
void ninep_disconnect(struct ninep_client *c);

/* A fid of refs 1 whose number the server does not know yet; NULL: out of memory. */
struct ninep_fid *ninep_fid_new(struct ninep_client *c);
static inline void ninep_fid_get(struct ninep_fid *f)
{
    __atomic_add_fetch(&f->refs, 1, __ATOMIC_RELAXED);
}
void ninep_fid_put(struct ninep_client *c, struct ninep_fid *f); /* NULL is fine */
/* The same for a fid that the server does not know: it was to be made by a request that failed. */
void ninep_fid_discard(struct ninep_client *c, struct ninep_fid *f);
/* Sends what is to be clunked now, without waiting for it. */
void ninep_clunk_now(struct ninep_client *c);

/*
 * A request with room for size bytes of fields and an answer of up to reply_size bytes, header included. Data after the
 * one (out) or the other is in n_data pieces. NULL: out of memory.
 */
struct ninep_call *ninep_call_new(struct ninep_client *c, u8 type, u32 size, u32 reply_size,
                                  const struct block_segment *data, unsigned n_data, bool data_out);
/*
 * Sends n calls (at most NINEP_BATCH) and sleeps until all are answered; NULL entries count as out of memory. Each
 * one's error is in it, its message at the first field of the answer. Returns the first one's.
 */
int ninep_run(struct ninep_client *c, struct ninep_call *const *calls, unsigned n);
void ninep_call_free(struct ninep_call *call); /* NULL is fine */
/* Says in the log, a few times, that an answer made no sense; -EIO. */
int ninep_malformed(const struct ninep_call *call);

#endif
