/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * For the bad_pointers_* tests: each call of a table is made with every pointer argument bad in every way in turn, the
 * others valid; then with all pointers bad and each plain argument -1 in turn, which shows what is checked first. A line
 * of output for each argument; answers that are alike are joined.
 */
#ifndef ABI_BAD_POINTERS_H
#define ABI_BAD_POINTERS_H

#include "abi.h"
#include <sys/mman.h>

#define PAGE 4096ul

enum kind { END, VALUE, INPUT, OUTPUT, INOUT, STRING };

struct argument {
    enum kind kind;
    long value;       /* VALUE; of a pointer 1: NULL is the valid value */
    const void *data; /* INPUT, INOUT, STRING: its content */
    size_t size;
};

struct call {
    const char *name;
    long number;
    struct argument a[7];
    int flags;
};

enum {
    EXACT = 1,       /* print what it returns; otherwise 0, or "some" for more than that */
    NEW_FD = 2,      /* returns a descriptor, which is closed again */
    NO_MINUS_1 = 4,  /* plain arguments are not tried as -1 */
    NO_NULL = 8,     /* NULL is another call: it would block or change something */
};

#define V(x)       {VALUE, (long)(x), NULL, 0}
#define IN(x)      {INPUT, 0, &(x), sizeof(x)}
#define OUT(n)     {OUTPUT, 0, NULL, n}
#define IO(x)      {INOUT, 0, &(x), sizeof(x)}
#define S(x)       {STRING, 0, x, sizeof(x)}
#define NULL_OR(k, n) {k, 1, NULL, n}

static char *slots[6], *read_only;

/* The page of slot i, with nothing accessible behind it. */
static inline void bad_pointers_init(void)
{
    for (int i = 0; i < 6; i++) {
        slots[i] = mmap(NULL, 2 * PAGE, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
        mprotect(slots[i] + PAGE, PAGE, PROT_NONE);
    }
    read_only = mmap(NULL, 2 * PAGE, PROT_READ, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
}

/* Puts the argument's content where it ends `short_of` bytes behind the end of slot i, and says where it starts. */
static inline long place(const struct argument *a, int i, size_t short_of)
{
    char *p = slots[i] + PAGE - a->size + short_of;
    memset(slots[i], 0x5a, PAGE);
    if (a->data)
        memcpy(p, a->data, a->size - short_of);
    else
        memset(p, 0, a->size - short_of);
    return (long)p;
}

static inline long valid_value(const struct argument *a, int i)
{
    if (a->kind == VALUE)
        return a->value;
    return a->value ? 0 : place(a, i, 0);
}

static void (*prepare)(void); /* sets descriptors right before each call; may be NULL */

static inline const char *make_call(const struct call *c, const long *v)
{
    static char text[32];
    if (prepare)
        prepare();
    errno = 0;
    long r = syscall(c->number, v[0], v[1], v[2], v[3], v[4], v[5]);
    if (r == -1)
        return strerrorname_np(errno);
    if (c->flags & NEW_FD)
        close((int)r);
    if (c->flags & EXACT || r == 0)
        snprintf(text, sizeof(text), "%ld", r);
    else
        snprintf(text, sizeof(text), "some");
    return text;
}

/* Joins neighbours with the same answer. */
static char answers[16][48];
static const char *labels[16];
static int answer_count;

static inline void answer(const char *label, const char *what)
{
    labels[answer_count] = label;
    snprintf(answers[answer_count++], sizeof(answers[0]), "%s", what);
}

static inline void show_answers(void)
{
    for (int i = 0; i < answer_count; i++) {
        int seen = 0;
        for (int k = 0; k < i; k++)
            seen |= !strcmp(answers[k], answers[i]);
        if (seen)
            continue;
        int all = 1;
        for (int k = 0; k < answer_count; k++)
            all &= !strcmp(answers[k], answers[i]);
        printf(" %s", answers[i]);
        if (!all) {
            char separator = '(';
            for (int k = i; k < answer_count; k++)
                if (!strcmp(answers[k], answers[i])) {
                    printf("%c%s", separator, labels[k]);
                    separator = ' ';
                }
            printf(")");
        }
    }
    answer_count = 0;
    printf("\n");
    fflush(stdout);
}

static inline void try_pointer(const struct call *c, int which, int count)
{
    /* The last four: the kernel of the VM, the end of the program's addresses, beyond it, and the last address. */
    static const struct { const char *label; long value; } bad[] = {
        {"null", 0}, {"low", 0x10}, {"unmapped", 0x20000000}, {"none", 0}, {"readonly", 0}, {"straddle", 0},
        {"kernel", 0x680000001000}, {"kernel2", 0x6800fffff000}, {"kernelend", 0x69fffffffff8}, {"end", 0x7fffffffeff9},
        {"noncanonical", 0x800000000000}, {"high", (long)0xffff888000000000}, {"last", -1},
    };
    const struct argument *a = &c->a[which];
    printf("%s %d:", c->name, which);
    for (unsigned k = 0; k < sizeof(bad) / sizeof(bad[0]); k++) {
        long v[6] = {0};
        for (int i = 0; i < count; i++)
            v[i] = valid_value(&c->a[i], i);
        v[which] = bad[k].value;
        if (k == 0 && c->flags & NO_NULL)
            continue;
        if (k == 3)
            v[which] = (long)(slots[which] + PAGE);
        if (k == 4) {
            if (a->kind != OUTPUT && a->kind != INOUT)
                continue;
            mprotect(read_only, PAGE, PROT_READ | PROT_WRITE);
            memset(read_only, 0, PAGE);
            if (a->data)
                memcpy(read_only, a->data, a->size);
            mprotect(read_only, PAGE, PROT_READ);
            v[which] = (long)read_only;
        }
        if (k == 5) {
            if (a->size < 2)
                continue;
            v[which] = place(a, which, a->kind == STRING ? 1 : a->size / 2);
        }
        answer(bad[k].label, make_call(c, v));
    }
    show_answers();
}

static inline void try_minus_1(const struct call *c, int count)
{
    static const char *const name[] = {"0", "1", "2", "3", "4", "5"};
    int any = 0;
    for (int which = 0; which < count; which++) {
        if (c->a[which].kind != VALUE)
            continue;
        long v[6] = {0};
        for (int i = 0; i < count; i++)
            v[i] = i == which ? -1 : c->a[i].kind == VALUE ? c->a[i].value : c->a[i].value ? 0 : (long)BAD;
        if (!any++)
            printf("%s -1 at:", c->name);
        answer(name[which], make_call(c, v));
    }
    if (any)
        show_answers();
}

static inline void try_calls(const struct call *calls, int n)
{
    for (const struct call *c = calls; c < calls + n; c++) {
        int count = 0, pointers = 0;
        while (count < 6 && c->a[count].kind != END)
            pointers += c->a[count++].kind != VALUE;
        for (int i = 0; i < count; i++)
            if (c->a[i].kind != VALUE)
                try_pointer(c, i, count);
        if (!(c->flags & NO_MINUS_1))
            try_minus_1(c, count);
    }
}

#endif
