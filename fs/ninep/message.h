/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Messages of 9P2000.L: what stands in them and how it is written and read. Nothing here knows of the kernel beyond its
 * basic types, so that it runs under fuzzers on the host. Sources: intro(5) of Plan 9's manual, and the notes on
 * 9P2000.L of the diod project (protocol.md).
 *
 * A message is SIZE[4] TYPE[1] TAG[2] and fields, all little endian; a string is LENGTH[2] and bytes. Writing past the
 * end, or reading past it, sets bad and does nothing; it is asked for once, after the last field.
 */
#ifndef FS_NINEP_MESSAGE_H
#define FS_NINEP_MESSAGE_H

#include "kernel/types.h"

/* Types of requests; the answer's is one more, or NINEP_RLERROR. */
enum ninep_type {
    NINEP_RLERROR = 7,
    NINEP_TSTATFS = 8,
    NINEP_TLOPEN = 12,
    NINEP_TLCREATE = 14,
    NINEP_TSYMLINK = 16,
    NINEP_TMKNOD = 18,
    NINEP_TREADLINK = 22,
    NINEP_TGETATTR = 24,
    NINEP_TSETATTR = 26,
    NINEP_TXATTRWALK = 30,
    NINEP_TXATTRCREATE = 32,
    NINEP_TREADDIR = 40,
    NINEP_TFSYNC = 50,
    NINEP_TLINK = 70,
    NINEP_TMKDIR = 72,
    NINEP_TRENAMEAT = 74,
    NINEP_TUNLINKAT = 76,
    NINEP_TVERSION = 100,
    NINEP_TATTACH = 104,
    NINEP_TWALK = 110,
    NINEP_TREAD = 116,
    NINEP_TWRITE = 118,
    NINEP_TCLUNK = 120,
};

#define NINEP_VERSION     "9P2000.L"
#define NINEP_NO_TAG      0xffffu
#define NINEP_NO_FID      0xffffffffu
#define NINEP_HEADER      7u
#define NINEP_DATA_HEADER 11u /* of Rread and Rreaddir: the count follows the header */
#define NINEP_WRITE_HEADER 23u /* of Twrite */
#define NINEP_MAX_WALK    16u
#define NINEP_ENTRY_HEADER 24u /* of an entry of Rreaddir, before its name */

/* What an object is, as far as its qid says. */
#define NINEP_QID_DIRECTORY 0x80u
#define NINEP_QID_SYMLINK   0x02u
struct ninep_qid {
    u8 type;
    u32 version;
    u64 path;
};

#define NINEP_GETATTR_BASIC 0x7ffull /* all that stat(2) has */
struct ninep_attr {
    u64 valid;
    struct ninep_qid qid;
    u32 mode, uid, gid;
    u64 nlink, rdev, size, block_size, blocks;
    s64 atime, mtime, ctime, btime; /* ns since 1970 */
};

#define NINEP_SETATTR_MODE      1u
#define NINEP_SETATTR_UID       2u
#define NINEP_SETATTR_GID       4u
#define NINEP_SETATTR_SIZE      8u
#define NINEP_SETATTR_ATIME     0x10u
#define NINEP_SETATTR_MTIME     0x20u
#define NINEP_SETATTR_ATIME_SET 0x80u  /* to the value given, not to the server's time */
#define NINEP_SETATTR_MTIME_SET 0x100u

struct ninep_statfs {
    u32 type, block_size, name_length;
    u64 blocks, free, available, files, files_free, id;
};

struct ninep_entry {
    struct ninep_qid qid;
    u64 offset;         /* where the entry after it is found */
    u8 type;            /* DT_* */
    u16 length;
    const char *name;   /* in the message, no NUL */
};

struct ninep_message {
    u8 *data;
    u32 size, at;
    bool bad;
};

/* ------------------------------------------------------------ writing a request */

/* Leaves room for the header; ninep_end() fills it in. False: it did not fit. */
void ninep_begin(struct ninep_message *m, void *data, u32 size);
bool ninep_end(struct ninep_message *m, u8 type, u16 tag, u32 data_bytes);
void ninep_put_u16(struct ninep_message *m, u16 v);
void ninep_put_u32(struct ninep_message *m, u32 v);
void ninep_put_u64(struct ninep_message *m, u64 v);
void ninep_put_string(struct ninep_message *m, const char *s, size_t n);

/* ------------------------------------------------------------ reading an answer */

/*
 * Begins to read: n bytes have come (of them `size` in data, the rest elsewhere). 0, the error the server gives, or -EIO: too
 * short, not the length it says, another tag, another type than the request's, an errno that is none.
 */
int ninep_parse(struct ninep_message *m, void *data, u32 size, u32 n, u8 request, u16 tag);
u8 ninep_get_u8(struct ninep_message *m);
u16 ninep_get_u16(struct ninep_message *m);
u32 ninep_get_u32(struct ninep_message *m);
u64 ninep_get_u64(struct ninep_message *m);
void ninep_get_qid(struct ninep_message *m, struct ninep_qid *q);
/* The bytes of a string, in the message; *n 0 and bad when it is not whole. */
const char *ninep_get_string(struct ninep_message *m, u16 *n);

/* Whole answers: 0 or -EIO. */
int ninep_get_attr(struct ninep_message *m, struct ninep_attr *a);
int ninep_get_statfs(struct ninep_message *m, struct ninep_statfs *s);
/* qids of a walk of n names; how many, or -EIO. */
int ninep_get_walk(struct ninep_message *m, unsigned n, struct ninep_qid *qids);
/* The count before the data of Rread or Rreaddir (room bytes asked for; n bytes came in all): bytes, or -EIO. */
ssize ninep_get_count(struct ninep_message *m, u32 n, u32 room);
/*
 * The next entry of directory data. 1; 0 at the end; -EIO: cut off, or a name that no directory can have (empty, with
 * '/' or NUL, too long).
 */
int ninep_get_entry(struct ninep_message *m, struct ninep_entry *e);

#endif
