/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * `aril build`: what belongs into the image is found out, the cache asked for one with just that, and else it is made.
 */
#include "tools/build.h"

#include <errno.h>
#include <fcntl.h>
#include <libgen.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "tools/build_options.h"
#include "tools/cache.h"
#include "tools/copy.h"
#include "tools/find.h"
#include "tools/message.h"
#include "tools/programs.h"
#include "tools/record.h"
#include "tools/stage.h"
#include "tools/tree.h"
#include "tools/version.h"

/* Raised when the same input gives another image. */
#define IMAGE_FORMAT 1

/* One --file HOST:GUEST. */
static void add_requested(struct tree *tree, const char *request, const char *cwd)
{
    const char *colon = strrchr(request, ':');
    char *host, *guest, *real;

    if (!colon || colon == request || colon[1] == '\0')
        die(STATUS_FAILED, "--file wants HOST:GUEST, not '%s' (see 'aril build --help')", request);
    host = format_string("%.*s", (int)(colon - request), request);
    guest = absolute_path(cwd, colon + 1);
    free(tree_add_copy(tree, host, guest));
    real = realpath(host, NULL);
    if (real && access(real, X_OK) == 0)
        programs_add_needs(tree, real);
    free(real);
    free(host);
    free(guest);
}

/* All that the image is to hold; `record` is what a run has looked at, or NULL. */
static void collect(struct tree *tree, const struct build_options *options, const char *record)
{
    tree_create(tree, options->output);
    programs_add_common_files(tree);
    for (size_t i = 0; i < options->programs.count; i++)
        programs_add(tree, options->programs.items[i]);
    if (record)
        record_add(tree, record);
    for (size_t i = 0; i < options->files.count; i++)
        add_requested(tree, options->files.items[i], options->cwd);
    tree_sort(tree);
    cleanup_check();
}

/* What an image depends on. */
static char *image_key(const struct tree *tree, const struct build_options *options)
{
    char *manifest = tree_manifest(tree);
    char *key = format_string("aril %s, image %d%s%s\n%s", ARIL_VERSION, IMAGE_FORMAT, options->compress ? ", lz4" : "",
                              geteuid() == 0 ? "" : ", all root's", manifest);

    free(manifest);
    return key;
}

static uint64_t fingerprint(const struct tree *tree)
{
    char *manifest = tree_manifest(tree);
    uint64_t sum = checksum_add(CHECKSUM_START, manifest, strlen(manifest));

    free(manifest);
    return sum;
}

/* What a recorded run depends on, as far as that can be told: command, environment, directory and files. */
static char *record_key(const struct tree *tree, const struct build_options *options)
{
    char *manifest = tree_manifest(tree), *key = format_string("aril %s\n%s", ARIL_VERSION, manifest), *longer;

    free(manifest);
    for (size_t i = 0; i < options->run.count; i++, free(key), key = longer)
        longer = format_string("%sargument %s\n", key, options->run.items[i]);
    for (char **entry = environ; *entry; entry++) {
        if (strncmp(*entry, "_=", 2) == 0 || strncmp(*entry, "OLDPWD=", 7) == 0)
            continue;
        longer = format_string("%senvironment %s\n", key, *entry);
        free(key);
        key = longer;
    }
    longer = format_string("%sdirectory %s\n", key, options->cwd);
    free(key);
    return longer;
}

/* True, and the tree collected, if all that the record of `key` was made of is still what it was. */
static bool use_kept_record(struct tree *tree, const struct build_options *options, const char *cache, const char *key)
{
    char *kept = cache ? cache_fetch_text(cache, key) : NULL, *end = kept ? strchr(kept, '\n') : NULL;
    bool valid = false;

    if (end) {
        collect(tree, options, end + 1);
        valid = strtoull(kept, NULL, 16) == fingerprint(tree);
        if (!valid)
            tree_destroy(tree);
    }
    free(kept);
    return valid;
}

static void keep_record(const struct tree *tree, const char *cache, const char *key, const char *record)
{
    char *text = format_string("%016llx\n%s", (unsigned long long)fingerprint(tree), record);

    if (cache)
        cache_keep_text(cache, key, text);
    free(text);
}

/* The recorded run. Without its status 0 there is no image, unless that is said not to matter. */
static char *record_or_end(const struct build_options *options)
{
    int status;
    char *record = record_run(&options->run, &status);

    if (status != 0 && !options->any_status) {
        say("the recorded run of %s ended with status %d: no image was made (--any-status makes it all the same)",
            options->programs.items[0], status);
        exit(status);
    }
    return record;
}

/* The file that becomes the image, beside its place; its path is in `temporary`. */
static int open_output(const char *output, char **temporary)
{
    mode_t mask = umask(0);
    int file;

    umask(mask);
    *temporary = cleanup_add(format_string("%s.XXXXXX", output));
    file = mkostemp(*temporary, O_CLOEXEC);
    if (file < 0 || fchmod(file, 0666 & ~mask) < 0)
        die(STATUS_FAILED, "-o %s: %s", output, strerror(errno));
    return file;
}

static void close_output(int file, char *temporary, const struct build_options *options)
{
    struct stat status;

    if (fstat(file, &status) < 0 || close(file) < 0 || rename(temporary, options->output) < 0)
        die(STATUS_FAILED, "-o %s: %s", options->output, strerror(errno));
    cleanup_drop(temporary);
    free(temporary);
    if (options->verbose)
        say("%s: %lld bytes", options->output, (long long)status.st_size);
}

/* Before the work begins: can the image be written at all? */
static void check_output(const char *output)
{
    char *copy = duplicate(output), *directory = dirname(copy);
    struct stat status;

    if (stat(output, &status) == 0 && !S_ISREG(status.st_mode))
        die(STATUS_FAILED, "-o %s: there is %s of that name", output,
            S_ISDIR(status.st_mode) ? "a directory" : "no ordinary file");
    if (access(directory, W_OK | X_OK) < 0)
        die(STATUS_FAILED, "-o %s: %s: %s", output, directory, strerror(errno));
    free(copy);
}

/* Puts the image of `tree` into the open output if the cache has it. */
static bool take_from_cache(const char *cache, const struct tree *tree, const struct build_options *options)
{
    char *key, *temporary;
    bool found;
    int file;

    if (!cache)
        return false;
    key = image_key(tree, options);
    file = open_output(options->output, &temporary);
    found = cache_fetch_image(cache, key, file);
    if (found) {
        if (options->verbose)
            say("%zu files and directories, an image of which was in the cache", tree->count);
        close_output(file, temporary, options);
    } else {
        close(file);
        unlink(temporary);
        cleanup_drop(temporary);
        free(temporary);
    }
    free(key);
    return found;
}

static void make_image(const char *cache, struct tree *tree, const struct build_options *options)
{
    const char *place = getenv("TMPDIR");
    char *key = image_key(tree, options), *stage, *image, *temporary;
    int from, to;

    if (cache)
        stage = format_string("%s/stage.XXXXXX", cache);
    else
        stage = format_string("%s/aril-build.XXXXXX", place && *place ? place : "/tmp");
    if (!mkdtemp(stage))
        die(STATUS_FAILED, "cannot make a directory %s: %s", stage, strerror(errno));
    cleanup_add(stage);
    image = format_string("%s/image", stage);
    if (options->verbose)
        say("an image of %zu files and directories is made", tree->count);
    stage_make_image(tree, stage, image, options->compress);
    to = open_output(options->output, &temporary);
    from = open(image, O_RDONLY | O_CLOEXEC);
    if (from < 0 || !copy_data(from, to, NULL)) {
        cleanup_check();
        die(STATUS_FAILED, "-o %s: %s", options->output, strerror(errno));
    }
    close(from);
    if (cache)
        cache_keep_image(cache, key, image);
    cleanup_check();
    close_output(to, temporary, options);
    free(image);
    free(key);
}

/* Collects the tree with what the program looks at: from an earlier record, or from one made now. */
static void collect_recorded(struct tree *tree, const struct build_options *options, const char *cache)
{
    char *key, *record;

    collect(tree, options, NULL);
    key = record_key(tree, options);
    tree_destroy(tree);
    if (!use_kept_record(tree, options, cache, key)) {
        record = record_or_end(options);
        collect(tree, options, record);
        keep_record(tree, cache, key, record);
        free(record);
    }
    free(key);
}

int command_build(int argc, char **argv)
{
    struct build_options options;
    struct tree tree;
    char *cache;

    build_options_parse(&options, argc, argv);
    check_output(options.output);
    cleanup_start();
    cache = options.no_cache ? NULL : cache_open();
    if (options.record)
        collect_recorded(&tree, &options, cache);
    else
        collect(&tree, &options, NULL);
    if (!take_from_cache(cache, &tree, &options))
        make_image(cache, &tree, &options);
    return 0;
}
