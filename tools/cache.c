/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * An entry is one file: a line of sizes and checksum, the key, the data.
 */
#include "tools/cache.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "tools/copy.h"
#include "tools/message.h"

#define KEPT_SECONDS (30 * 86400L)
#define WORK_SECONDS 86400L /* no build takes longer */
/* Bytes of the first line. */
#define HEADER_SIZE 64
#define HEADER_FORM "aril-cache 1 %16zu %16zu %016llx\n"

/* Makes `path` and the directories that lead to it, for this user alone. */
static bool make_directories(char *path)
{
    for (char *slash = path; (slash = strchr(slash + 1, '/')) != NULL; *slash = '/') {
        *slash = '\0';
        if (mkdir(path, 0700) < 0 && errno != EEXIST && errno != EROFS && errno != EACCES)
            return false;
    }
    return mkdir(path, 0700) == 0 || errno == EEXIST;
}

/* Removes what nobody has used for long, and what a killed build has left. */
static void prune(const char *cache)
{
    DIR *directory = opendir(cache);
    time_t now = time(NULL);
    struct dirent *entry;
    struct stat status;

    while (directory && (entry = readdir(directory)) != NULL) {
        bool kept = strstr(entry->d_name, ".image") || strstr(entry->d_name, ".record");
        bool in_work = strncmp(entry->d_name, "stage.", 6) == 0 || strncmp(entry->d_name, "new.", 4) == 0;
        char *path = format_string("%s/%s", cache, entry->d_name);

        if ((kept || in_work) && lstat(path, &status) == 0 &&
            now - status.st_mtime > (kept ? KEPT_SECONDS : WORK_SECONDS))
            remove_all(path);
        free(path);
    }
    if (directory)
        closedir(directory);
}

char *cache_open(void)
{
    const char *base = getenv("XDG_CACHE_HOME"), *home = getenv("HOME");
    char *path = NULL;

    if (base && *base == '/')
        path = format_string("%s/aril", base);
    else if (home && *home == '/')
        path = format_string("%s/.cache/aril", home);
    if (path && (!make_directories(path) || access(path, W_OK | X_OK) < 0)) {
        free(path);
        path = NULL;
    }
    if (path)
        prune(path);
    return path;
}

static char *entry_path(const char *cache, const char *key, const char *kind)
{
    return format_string("%s/%016llx.%s", cache,
                         (unsigned long long)checksum_add(CHECKSUM_START, key, strlen(key)), kind);
}

/* Opens the entry of `key` at its data; -1 if there is none, or another's. */
static int open_entry(const char *path, const char *key, size_t *size, uint64_t *checksum)
{
    char header[HEADER_SIZE + 1] = {0}, *there;
    int file = open(path, O_RDONLY | O_CLOEXEC | O_NOFOLLOW);
    unsigned long long sum;
    size_t key_size;
    struct stat status;
    bool same;

    if (file < 0)
        return -1;
    if (read(file, header, HEADER_SIZE) == HEADER_SIZE && sscanf(header, HEADER_FORM, &key_size, size, &sum) == 3 &&
        key_size == strlen(key) && fstat(file, &status) == 0 &&
        (uint64_t)status.st_size == HEADER_SIZE + key_size + *size) {
        there = allocate(key_size + 1);
        same = read(file, there, key_size) == (ssize_t)key_size && memcmp(there, key, key_size) == 0;
        free(there);
        *checksum = sum;
        if (same) {
            futimens(file, NULL);
            return file;
        }
    }
    close(file);
    return -1;
}

bool cache_fetch_image(const char *cache, const char *key, int to)
{
    char *path = entry_path(cache, key, "image");
    uint64_t wanted, sum;
    size_t size;
    int file = open_entry(path, key, &size, &wanted);
    bool done = file >= 0 && copy_data(file, to, &sum);

    cleanup_check();
    if (file >= 0 && !done)
        die(STATUS_FAILED, "cannot copy the image from the cache %s: %s", path, strerror(errno));
    if (done && sum != wanted) {
        unlink(path);
        if (ftruncate(to, 0) < 0 || lseek(to, 0, SEEK_SET) < 0)
            die(STATUS_FAILED, "cannot write the image: %s", strerror(errno));
        done = false;
    }
    if (file >= 0)
        close(file);
    free(path);
    return done;
}

/* Writes an entry beside its place and moves it there. `from`: data, or -1 and text. False with errno. */
static bool write_entry(const char *cache, const char *path, const char *key, int from, const char *text)
{
    char *temporary = cleanup_add(format_string("%s/new.XXXXXX", cache));
    int file = mkostemp(temporary, O_CLOEXEC);
    char header[HEADER_SIZE + 1] = {0};
    uint64_t sum = CHECKSUM_START;
    struct stat status = {0};
    bool done;

    memset(header, ' ', HEADER_SIZE);
    done = file >= 0 && write_all(file, header, HEADER_SIZE) && write_all(file, key, strlen(key));
    if (done && from >= 0)
        done = fstat(from, &status) == 0 && copy_data(from, file, &sum);
    if (done && from < 0) {
        status.st_size = (off_t)strlen(text);
        sum = checksum_add(sum, text, strlen(text));
        done = write_all(file, text, strlen(text));
    }
    if (done) {
        int n = snprintf(header, sizeof(header), HEADER_FORM, strlen(key), (size_t)status.st_size,
                         (unsigned long long)sum);

        done = n == HEADER_SIZE && pwrite(file, header, HEADER_SIZE, 0) == HEADER_SIZE && rename(temporary, path) == 0;
    }
    if (file >= 0)
        close(file);
    if (!done && file >= 0)
        unlink(temporary);
    cleanup_drop(temporary);
    free(temporary);
    return done;
}

void cache_keep_image(const char *cache, const char *key, const char *image)
{
    char *path = entry_path(cache, key, "image");
    int from = open(image, O_RDONLY | O_CLOEXEC);

    if (from >= 0) {
        write_entry(cache, path, key, from, NULL);
        close(from);
    }
    free(path);
}

char *cache_fetch_text(const char *cache, const char *key)
{
    char *path = entry_path(cache, key, "record"), *text = NULL;
    uint64_t wanted;
    size_t size;
    int file = open_entry(path, key, &size, &wanted);

    if (file >= 0) {
        text = allocate(size + 1);
        text[size] = '\0';
        if (read(file, text, size) != (ssize_t)size || checksum_add(CHECKSUM_START, text, size) != wanted) {
            unlink(path);
            free(text);
            text = NULL;
        }
        close(file);
    }
    free(path);
    return text;
}

void cache_keep_text(const char *cache, const char *key, const char *text)
{
    char *path = entry_path(cache, key, "record");

    write_entry(cache, path, key, -1, text);
    free(path);
}
