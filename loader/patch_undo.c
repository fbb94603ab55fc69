/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * What becomes of patched sites when their memory changes, and where the program thinks it is inside of one: patch_ops
 * (kernel/patch.h). A site is restored when the program makes its page writable or moves it, or when trampolines cannot be
 * used any more, and forgotten when it is unmapped. A page that is dropped (MADV_DONTNEED) takes site and hole with it, as
 * they are in one page; the site stays recorded as patched, for a thread may still be in the hole, till it traps again.
 */
#include "kernel/heap.h"
#include "kernel/init.h"
#include "kernel/lib/string.h"
#include "kernel/process.h"
#include "loader/patch_internal.h"

struct patch_table *patch_table_of(struct address_space *as)
{
    if (likely(as->patches))
        return as->patches;
    struct patch_table *t = kzalloc(sizeof(*t)), *none = NULL;
    if (t && !__atomic_compare_exchange_n(&as->patches, &none, t, false, __ATOMIC_ACQ_REL, __ATOMIC_ACQUIRE))
        kfree(t);
    return as->patches;
}

/* ---------------------------------------------------------------- sites of a range */

struct range {
    vaddr_t start, end, at; /* at: what bucket comes next, by a page of it; all page-aligned */
    struct patch_site *next;
};

/* The next site in the range; NULL: no more. A bucket is visited once, however large the range is. */
static struct patch_site *next_site(struct patch_table *t, struct range *r)
{
    vaddr_t stop = MIN(r->end, r->start + SITE_BUCKETS * PAGE_SIZE);

    for (;;) {
        while (r->next) {
            struct patch_site *s = r->next;
            r->next = s->next;
            if (s->call >= r->start && s->call < r->end)
                return s;
        }
        if (r->at >= stop)
            return NULL;
        r->next = *site_bucket(t, r->at);
        r->at += PAGE_SIZE;
    }
}

/* ---------------------------------------------------------------- undoing */

#define BATCH 16u /* sites restored in one go: others are stopped for each */

struct undo_batch {
    struct patch_write writes[BATCH * PATCH_EDITS];
    struct patch_site *sites[BATCH];
    unsigned write_count, site_count;
};

static void undo_flush(struct address_space *as, struct undo_batch *b)
{
    if (b->write_count)
        patch_write(as, b->writes, b->write_count);
    for (unsigned i = 0; i < b->site_count; i++)
        WRITE_ONCE(b->sites[i]->state, SITE_PLAIN);
    __atomic_add_fetch(&patch_counts.undone, b->site_count, __ATOMIC_RELAXED);
    b->write_count = b->site_count = 0;
}

/* The site first, then the hole. What is no longer there (the page was dropped) is not restored. */
static void undo_site(struct address_space *as, struct undo_batch *b, struct patch_site *s)
{
    u8 jumps[PATCH_EDITS][PATCH_EDIT_SIZE];
    u8 *page = patch_private_page(as, s->call);

    platform_patch_jumps(&s->plan, s->call, s->trampoline, jumps);
    for (unsigned i = s->plan.count; page && i-- > 0;) {
        u8 *code = page + (s->call & ~PAGE_MASK) + s->plan.edits[i].offset;
        size_t size = s->plan.edits[i].size;
        if (memcmp(code, jumps[i], size) != 0)
            continue;
        struct patch_write *w = &b->writes[b->write_count++];
        w->to = code;
        w->size = (u8)size;
        memcpy(w->bytes, s->original[i], size);
    }
    b->sites[b->site_count++] = s;
    if (b->site_count == BATCH)
        undo_flush(as, b);
}

static void undo(struct address_space *as, vaddr_t start, vaddr_t end)
{
    struct patch_table *t = as->patches;
    struct range range = {.start = start, .end = end, .at = start};
    struct undo_batch b = {.write_count = 0};

    for (struct patch_site *s; (s = next_site(t, &range));) {
        if (s->state == SITE_REFUSED)
            s->state = SITE_PLAIN; /* there may be other code soon */
        else if (s->state == SITE_PATCHED)
            undo_site(as, &b, s);
    }
    undo_flush(as, &b);
}

static void forget(struct address_space *as, vaddr_t start, vaddr_t end)
{
    struct patch_table *t = as->patches;
    struct range range = {.start = start, .end = end, .at = start};

    for (struct patch_site *s; (s = next_site(t, &range));) {
        if (s->state == SITE_PATCHED)
            __atomic_add_fetch(&patch_counts.forgotten, 1, __ATOMIC_RELAXED);
        WRITE_ONCE(s->state, SITE_PLAIN);
    }
}

static void disable(struct address_space *as)
{
    struct patch_table *t = patch_table_of(as);

    if (!t || t->off)
        return;
    rwlock_write_lock(&as->lock);
    undo(as, 0, USER_SPACE_END);
    t->off = true;
    rwlock_write_unlock(&as->lock);
}

/* ---------------------------------------------------------------- where the program is */

/*
 * A thread in a hole or a trampoline is put back to the site: nothing but RCX has changed, or RAX by the mov, and the site will
 * do that again. So no thread stays inside, and undoing needs to look for none.
 */
static vaddr_t program_ip(struct address_space *as, vaddr_t ip)
{
    struct patch_table *t = as->patches;
    u64 offset;
    struct patch_site *s = trampoline_site(t, ip, &offset);

    if (s)
        return s->call + (vaddr_t)platform_patch_position(&s->plan, offset);
    for (s = __atomic_load_n(site_bucket(t, ip), __ATOMIC_ACQUIRE); s; s = s->next)
        if (READ_ONCE(s->state) == SITE_PATCHED && s->plan.form == PATCH_HOLE && s->call + (vaddr_t)s->plan.edits[0].offset == ip)
            return s->call;
    return ip;
}

/* The space has no mappings any more. */
static void release(struct address_space *as)
{
    struct patch_table *t = as->patches;

    for (unsigned i = 0; i < SITE_BUCKETS; i++)
        while (t->buckets[i]) {
            struct patch_site *s = t->buckets[i];
            t->buckets[i] = s->next;
            kfree(s);
        }
    trampolines_free(t);
    kfree(t);
}

static const struct patch_ops ops = {
    .undo = undo,
    .forget = forget,
    .disable = disable,
    .program_ip = program_ip,
    .release = release,
};

static void patch_init(void)
{
    patch_ops = &ops;
}
INIT_CALL(INIT_FILES, patch_init);
