/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Copying, and leaving nothing behind.
 */
#include "tools/copy.h"

#include <errno.h>
#include <ftw.h>
#include <linux/fs.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/sendfile.h>
#include <unistd.h>

#include "tools/message.h"

#define PIECE (1 << 20)

static volatile sig_atomic_t caught;
static char *pending[4];

uint64_t checksum_add(uint64_t sum, const void *bytes, size_t size)
{
    const char *at = bytes;

    while (size) {
        uint64_t word = 0;
        size_t n = size < sizeof(word) ? size : sizeof(word);

        memcpy(&word, at, n);
        sum = (sum ^ word ^ n) * UINT64_C(0x9e3779b97f4a7c15);
        sum ^= sum >> 29;
        at += n;
        size -= n;
    }
    return sum;
}

bool write_all(int file, const void *bytes, size_t size)
{
    const char *at = bytes;

    while (size) {
        ssize_t n = write(file, at, size);

        if (n < 0 && errno == EINTR)
            continue;
        if (n < 0)
            return false;
        at += n;
        size -= (size_t)n;
    }
    return true;
}

static bool copy_through_memory(int from, int to, uint64_t *checksum)
{
    char *piece = allocate(PIECE);
    uint64_t sum = CHECKSUM_START;
    bool done = true;
    ssize_t n;

    while (done && (n = read(from, piece, PIECE)) != 0) {
        size_t length;

        if (caught)
            errno = ECANCELED, n = -1;
        if (n < 0 && errno == EINTR)
            continue;
        /* Whole pieces but for the last, so that the checksum does not depend on how they came. */
        for (length = n < 0 ? 0 : (size_t)n; n > 0 && length < PIECE; length += (size_t)n)
            if ((n = read(from, piece + length, PIECE - length)) <= 0)
                break;
        done = n >= 0 && write_all(to, piece, length);
        if (checksum)
            sum = checksum_add(sum, piece, length);
    }
    if (checksum)
        *checksum = sum;
    free(piece);
    return done;
}

bool copy_data(int from, int to, uint64_t *checksum)
{
    ssize_t n;

    if (checksum || lseek(from, 0, SEEK_CUR) != 0)
        return copy_through_memory(from, to, checksum);
    if (ioctl(to, FICLONE, from) == 0)
        return true;
    do {
        n = caught ? 0 : copy_file_range(from, NULL, to, NULL, 1 << 30, 0);
    } while (n > 0);
    if (caught)
        errno = ECANCELED;
    if (n < 0 && errno == ENOSPC)
        return false;
    /* Another file system, or one that has no such call: what is left goes by memory. */
    return !caught && copy_through_memory(from, to, NULL);
}

/* ---------------------------------------------------------------- what must not stay */

static int remove_one(const char *path, const struct stat *status, int kind, struct FTW *place)
{
    (void)status;
    (void)place;
    if (kind == FTW_DP || kind == FTW_DNR)
        rmdir(path);
    else
        unlink(path);
    return 0;
}

/* Directories without write permission would keep what is in them. */
static int open_directory(const char *path, const struct stat *status, int kind, struct FTW *place)
{
    (void)place;
    if (kind != FTW_SL && S_ISDIR(status->st_mode) && (status->st_mode & 0700) != 0700)
        chmod(path, 0700);
    return 0;
}

void remove_all(const char *path)
{
    nftw(path, open_directory, 16, FTW_PHYS);
    nftw(path, remove_one, 16, FTW_PHYS | FTW_DEPTH);
}

static void remove_pending(void)
{
    for (size_t i = 0; i < sizeof(pending) / sizeof(pending[0]); i++)
        if (pending[i])
            remove_all(pending[i]);
}

static void note_signal(int number)
{
    caught = number;
}

void cleanup_start(void)
{
    static const int numbers[] = {SIGHUP, SIGINT, SIGQUIT, SIGTERM, SIGPIPE};
    struct sigaction action = {.sa_handler = note_signal}, old;

    for (size_t i = 0; i < sizeof(numbers) / sizeof(numbers[0]); i++)
        if (sigaction(numbers[i], NULL, &old) == 0 && old.sa_handler != SIG_IGN)
            sigaction(numbers[i], &action, NULL);
    atexit(remove_pending);
}

bool cleanup_wanted(void)
{
    return caught;
}

void cleanup_check(void)
{
    if (caught)
        exit(128 + caught);
}

char *cleanup_add(char *path)
{
    for (size_t i = 0; i < sizeof(pending) / sizeof(pending[0]); i++) {
        if (pending[i])
            continue;
        pending[i] = path;
        return path;
    }
    die(STATUS_FAILED, "too many files in work");
}

void cleanup_drop(char *path)
{
    for (size_t i = 0; i < sizeof(pending) / sizeof(pending[0]); i++)
        if (pending[i] == path)
            pending[i] = NULL;
}
