/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Requests, tags and fids of a 9P session. A thread that wants to send several requests gets all their tags at once or
 * waits: nobody waits for tags while holding some.
 */
#include "fs/ninep/client.h"
#include "kernel/heap.h"
#include "kernel/lib/string.h"
#include "kernel/log.h"

#define TAGS         128u
#define CLUNK_BATCH  16u
#define MIN_MESSAGE  8192u
#define LOG_LIMIT    8

/* ------------------------------------------------------------ calls */

struct ninep_call *ninep_call_new(struct ninep_client *c, u8 type, u32 size, u32 reply_size,
                                  const struct block_segment *data, unsigned n_data, bool data_out)
{
    u32 head = (u32)ALIGN_UP(sizeof(struct ninep_call) + (n_data + 2) * sizeof(struct block_segment), 16);
    u32 reply = ALIGN_UP(NINEP_HEADER + size, 16u);
    struct ninep_call *call = kmalloc(head + reply + reply_size);
    struct block_segment *s;
    u8 *buffer = (u8 *)call + head;

    if (!call)
        return NULL;
    memset(call, 0, sizeof(*call));
    call->client = c;
    call->type = type;
    call->reply = buffer + reply;
    call->reply_size = reply_size;
    ninep_begin(&call->message, buffer, NINEP_HEADER + size);
    s = call->segments;
    s[0].pa = virt_to_phys(buffer);
    for (unsigned i = 0; data_out && i < n_data; i++) {
        s[1 + i] = data[i];
        call->data_bytes += data[i].length;
    }
    call->request.out = s;
    call->request.n_out = data_out ? 1 + n_data : 1;
    s += call->request.n_out;
    s[0] = (struct block_segment){virt_to_phys(call->reply), reply_size};
    for (unsigned i = 0; !data_out && i < n_data; i++)
        s[1 + i] = data[i];
    call->request.in = s;
    call->request.n_in = data_out ? 1 : 1 + n_data;
    return call;
}

void ninep_call_free(struct ninep_call *call)
{
    kfree(call);
}

int ninep_malformed(const struct ninep_call *call)
{
    static int said;

    if (__atomic_fetch_add(&said, 1, __ATOMIC_RELAXED) < LOG_LIMIT)
        log_err("9p: the host's answer to request type %u makes no sense (%u bytes)", call->type,
                call->request.written);
    return -EIO;
}

/* ------------------------------------------------------------ tags */

/* Takes n tags for the calls; false: there are not so many now. Locked. */
static bool take_tags(struct ninep_client *c, struct ninep_call *const *calls, unsigned n)
{
    if (c->tags_free < n)
        return false;
    c->tags_free -= n;
    for (unsigned i = 0, tag = 0; i < n; tag++) {
        u64 bit = 1ull << tag % 64;

        if (c->tags[tag / 64] & bit)
            continue;
        c->tags[tag / 64] |= bit;
        calls[i++]->tag = (u16)tag;
    }
    return true;
}

static void free_tag(struct ninep_client *c, const struct ninep_call *call)
{
    c->tags[call->tag / 64] &= ~(1ull << call->tag % 64);
    c->tags_free++;
}

static bool try_tags(struct ninep_client *c, struct ninep_call *const *calls, unsigned n)
{
    bool ok;

    spin_lock_irq(&c->lock);
    ok = take_tags(c, calls, n);
    spin_unlock_irq(&c->lock);
    return ok;
}

/* ------------------------------------------------------------ fids */

struct ninep_fid *ninep_fid_new(struct ninep_client *c)
{
    struct ninep_fid *f;
    u32 number = 0;

    spin_lock_irq(&c->lock);
    f = c->free;
    if (f)
        c->free = f->next;
    else
        number = ++c->last_fid;
    spin_unlock_irq(&c->lock);
    if (!f) {
        f = kzalloc(sizeof(*f));
        if (!f)
            return NULL;
        f->number = number;
    }
    f->refs = 1;
    return f;
}

static void push(struct ninep_client *c, struct ninep_fid **list, struct ninep_fid *f)
{
    spin_lock_irq(&c->lock);
    f->next = *list;
    *list = f;
    spin_unlock_irq(&c->lock);
}

void ninep_fid_put(struct ninep_client *c, struct ninep_fid *f)
{
    if (f && __atomic_sub_fetch(&f->refs, 1, __ATOMIC_ACQ_REL) == 0)
        push(c, &c->unused, f);
}

void ninep_fid_discard(struct ninep_client *c, struct ninep_fid *f)
{
    if (f)
        push(c, &c->free, f);
}

/* Rclunk came, whatever it says: the number is free. Atomic. */
static void clunked(struct ninep_request *r)
{
    struct ninep_call *call = container_of(r, struct ninep_call, request);
    struct ninep_client *c = call->client;

    spin_lock_irq(&c->lock);
    free_tag(c, call);
    call->clunked->next = c->free;
    c->free = call->clunked;
    spin_unlock_irq(&c->lock);
    wait_wake_all(&c->tag_freed);
    kfree(call);
}

static struct ninep_call *clunk_call(struct ninep_client *c)
{
    struct ninep_call *call = ninep_call_new(c, NINEP_TCLUNK, 4, NINEP_DATA_HEADER, NULL, 0, false);
    struct ninep_fid *f = NULL;

    if (!call)
        return NULL;
    spin_lock_irq(&c->lock);
    if (c->unused && take_tags(c, &call, 1)) {
        f = c->unused;
        c->unused = f->next;
    }
    spin_unlock_irq(&c->lock);
    if (!f) {
        ninep_call_free(call);
        return NULL;
    }
    call->clunked = f;
    call->request.done = clunked;
    ninep_put_u32(&call->message, f->number);
    return call;
}

/* Writes the header: the call can be sent. */
static void finish(struct ninep_call *call)
{
    struct block_segment *s = call->segments;

    ninep_end(&call->message, call->type, call->tag, call->data_bytes);
    s[0].length = call->message.at;
}

/* Adds clunks to the requests r[0..n); how many there are then. */
static unsigned add_clunks(struct ninep_client *c, struct ninep_request **r, unsigned n)
{
    for (unsigned i = 0; i < CLUNK_BATCH && READ_ONCE(c->unused); i++) {
        struct ninep_call *call = clunk_call(c);

        if (!call)
            break;
        finish(call);
        r[n++] = &call->request;
    }
    return n;
}

void ninep_clunk_now(struct ninep_client *c)
{
    struct ninep_request *r[CLUNK_BATCH];
    unsigned n;

    while ((n = add_clunks(c, r, 0)))
        platform_ninep_submit(c->channel, r, n, true);
}

/* ------------------------------------------------------------ sending */

static void read_answer(struct ninep_call *call)
{
    u32 written = call->request.written;

    call->error = ninep_parse(&call->message, call->reply, call->reply_size, written, call->type, call->tag);
    /* An error of the server is one that it says; this one is ours. */
    if (call->error == -EIO && (written < NINEP_DATA_HEADER || call->reply[4] != NINEP_RLERROR))
        ninep_malformed(call);
}

static int fail_all(struct ninep_call *const *calls, unsigned n, int error)
{
    for (unsigned i = 0; i < n; i++)
        if (calls[i])
            calls[i]->error = error;
    return error;
}

int ninep_run(struct ninep_client *c, struct ninep_call *const *calls, unsigned n)
{
    struct ninep_request *r[NINEP_BATCH + CLUNK_BATCH];
    struct wait_queue done;
    struct ninep_batch batch = {.left = n, .done = &done};

    for (unsigned i = 0; i < n; i++) {
        /* A message is bad when a string is longer than its maker, or the protocol, allows. */
        int error = !calls[i] ? -ENOMEM : calls[i]->message.bad ? -ENAMETOOLONG : 0;

        if (error)
            return fail_all(calls, n, error);
    }
    wait_queue_init(&done);
    wait_event(&c->tag_freed, try_tags(c, calls, n), NSEC_NEVER, WAIT_UNINTERRUPTIBLE);
    for (unsigned i = 0; i < n; i++) {
        finish(calls[i]);
        calls[i]->request.batch = &batch;
        r[i] = &calls[i]->request;
    }
    __atomic_add_fetch(&c->requests, n, __ATOMIC_RELAXED);
    platform_ninep_submit(c->channel, r, add_clunks(c, r, n), true);
    platform_ninep_wait(c->channel, &batch);
    spin_lock_irq(&c->lock);
    for (unsigned i = 0; i < n; i++)
        free_tag(c, calls[i]);
    spin_unlock_irq(&c->lock);
    wait_wake_all(&c->tag_freed);
    for (unsigned i = 0; i < n; i++)
        read_answer(calls[i]);
    return calls[0]->error;
}

/* ------------------------------------------------------------ beginning and end */

static int agree_on_version(struct ninep_client *c, u32 wanted)
{
    struct ninep_call *call = ninep_call_new(c, NINEP_TVERSION, 32, 64, NULL, 0, false);
    struct wait_queue done;
    struct ninep_batch batch = {.left = 1, .done = &done};
    struct ninep_request *r = &call->request;
    const char *version;
    u16 length;

    if (!call)
        return -ENOMEM;
    wait_queue_init(&done);
    call->tag = NINEP_NO_TAG;
    r->batch = &batch;
    ninep_put_u32(&call->message, wanted);
    ninep_put_string(&call->message, NINEP_VERSION, strlen(NINEP_VERSION));
    finish(call);
    platform_ninep_submit(c->channel, &r, 1, true);
    platform_ninep_wait(c->channel, &batch);
    read_answer(call);
    if (!call->error) {
        c->message_size = ninep_get_u32(&call->message);
        version = ninep_get_string(&call->message, &length);
        if (call->message.bad || c->message_size > wanted || c->message_size < MIN_MESSAGE)
            call->error = ninep_malformed(call);
        else if (length != strlen(NINEP_VERSION) || memcmp(version, NINEP_VERSION, length))
            call->error = -EPROTONOSUPPORT;
    }
    int error = call->error;
    ninep_call_free(call);
    return error;
}

int ninep_connect(struct ninep_client *c, const char *tag, u32 message_size)
{
    u32 largest;
    int error;

    memset(c, 0, sizeof(*c));
    spin_init(&c->lock, LOCK_NINEP);
    wait_queue_init(&c->tag_freed);
    c->tags_free = TAGS;
    c->channel = platform_ninep_open(tag);
    if (c->channel < 0)
        return c->channel;
    /* Pages that do not lie side by side are a piece each; a request and the header of data are two more. */
    largest = (platform_ninep_max_segments(c->channel) - 2) * (u32)PAGE_SIZE + NINEP_WRITE_HEADER + 1;
    if (!message_size || message_size > largest)
        message_size = largest;
    error = agree_on_version(c, message_size);
    c->data_size = (u32)ALIGN_DOWN(c->message_size - NINEP_WRITE_HEADER, (u32)PAGE_SIZE);
    if (error)
        platform_ninep_close(c->channel);
    return error;
}

static void free_fids(struct ninep_fid *f)
{
    while (f) {
        struct ninep_fid *next = f->next;

        kfree(f);
        f = next;
    }
}

void ninep_disconnect(struct ninep_client *c)
{
    log_debug("9p: unmounted after %llu requests", (unsigned long long)c->requests);
    ninep_clunk_now(c);
    platform_ninep_close(c->channel);
    free_fids(c->free);
    free_fids(c->unused); /* no memory to say so: the next session's Tversion forgets them */
}
