/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Root, volumes and disks of the VM. Directories go by QEMU's 9p server, images as a disk or, if small,
 * in the boot archive, from which the kernel uses them in place.
 */
#include "tools/sources.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <linux/magic.h>
#include <linux/openat2.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "tools/find.h"
#include "tools/message.h"

/* An image of at most so many bytes travels in the boot archive: a disk costs more than that. */
#define SMALL_IMAGE (8 << 20)

#define MAX_DISKS   16 /* of a VM */
#define DISK_QUEUES 8  /* most that the kernel uses */

/* ---------------------------------------------------------------- images */

/* The fields of EROFS's superblock that are looked at, little-endian, from byte 1024 on. */
#define SUPERBLOCK_OFFSET 1024
struct superblock {
    uint32_t magic, checksum, features;
    uint8_t block_bits, extra[19];
    uint32_t build_nanoseconds, blocks;
};

/* What a file that is no EROFS image looks like, or NULL. */
static const char *recognize(const unsigned char *head, size_t size)
{
    static const struct {
        size_t offset;
        const char *magic;
        size_t length;
        const char *what;
    } known[] = {
        {0, "hsqs", 4, "a squashfs image"},
        {0, "\x7f" "ELF", 4, "an ELF file"},
        {0, "\x1f\x8b", 2, "gzip-compressed"},
        {0, "\xfd" "7zXZ", 5, "xz-compressed"},
        {0, "\x28\xb5\x2f\xfd", 4, "zstd-compressed"},
        {0, "QFI\xfb", 4, "a qcow2 disk"},
        {0, "XFSB", 4, "an XFS image"},
        {0, "070701", 6, "a cpio archive"},
        {257, "ustar", 5, "a tar archive"},
        {510, "\x55\xaa", 2, "a partitioned disk"},
        {1080, "\x53\xef", 2, "an ext2, ext3 or ext4 image"},
    };

    for (size_t i = 0; i < sizeof(known) / sizeof(known[0]); i++)
        if (known[i].offset + known[i].length <= size &&
            memcmp(head + known[i].offset, known[i].magic, known[i].length) == 0)
            return known[i].what;
    return NULL;
}

static void check_image(const char *path, const struct stat *status)
{
    unsigned char head[2048];
    struct superblock super;
    int file = open(path, O_RDONLY | O_CLOEXEC);
    ssize_t size = file < 0 ? -1 : pread(file, head, sizeof(head), 0);
    const char *what;

    if (size < 0)
        die(STATUS_FAILED, "--root %s: %s", path, strerror(errno));
    close(file);
    if (size < (ssize_t)(SUPERBLOCK_OFFSET + sizeof(super)))
        die(STATUS_FAILED, "--root %s: no EROFS image: it has only %lld bytes", path,
            (long long)status->st_size);
    memcpy(&super, head + SUPERBLOCK_OFFSET, sizeof(super));
    if (super.magic != EROFS_SUPER_MAGIC_V1) {
        what = recognize(head, (size_t)size);
        die(STATUS_FAILED, "--root %s: no EROFS image (%s%s); mkfs.erofs makes one", path,
            what ? "it looks like " : "its magic number is another", what ? what : "");
    }
    if (super.block_bits < 9 || super.block_bits > 24 ||
        (uint64_t)super.blocks << super.block_bits > (uint64_t)status->st_size)
        die(STATUS_FAILED, "--root %s: the image is truncated: it says %llu bytes and has %lld",
            path, (unsigned long long)super.blocks << (super.block_bits & 31),
            (long long)status->st_size);
}

/* ---------------------------------------------------------------- root and volumes */

static void open_directory(struct sources *sources)
{
    sources->root = ROOT_DIRECTORY;
    sources->directory = open(sources->path, O_PATH | O_DIRECTORY | O_CLOEXEC);
    if (sources->directory < 0 || faccessat(sources->directory, ".", R_OK | X_OK, AT_EACCESS) < 0)
        die(STATUS_FAILED, "--root %s: %s", sources->path, strerror(errno));
}

static void open_root(struct sources *sources, const char *wanted, const char *cwd)
{
    struct stat status;

    if (strcmp(wanted, "none") == 0)
        return;
    sources->path = absolute_path(cwd, wanted);
    sources->host = strcmp(sources->path, "/") == 0;
    if (stat(sources->path, &status) < 0)
        die(STATUS_FAILED, "--root %s: %s", wanted, strerror(errno));
    if (S_ISDIR(status.st_mode)) {
        open_directory(sources);
        return;
    }
    if (!S_ISREG(status.st_mode))
        die(STATUS_FAILED, "--root %s: neither a directory nor an image file", wanted);
    check_image(sources->path, &status);
    sources->root = status.st_size <= SMALL_IMAGE ? ROOT_MEMORY : ROOT_DISK;
}

/* One -v HOST:GUEST[:ro|:rw]. A HOST with a colon is possible, a GUEST is not. */
static struct volume parse_volume(const char *text, const char *cwd)
{
    struct volume volume = {0};
    char *host = duplicate(text), *colon = strrchr(host, ':');
    struct stat status;

    if (colon && (strcmp(colon, ":ro") == 0 || strcmp(colon, ":rw") == 0)) {
        volume.read_only = colon[2] == 'o';
        *colon = '\0';
        colon = strrchr(host, ':');
    }
    if (!colon || colon == host || colon[1] == '\0')
        die(STATUS_FAILED, "-v wants HOST:GUEST or HOST:GUEST:ro, not '%s' (see 'aril run --help')",
            text);
    *colon = '\0';
    if (colon[1] != '/')
        die(STATUS_FAILED, "-v %s: %s, the place in the VM, must be an absolute path", text, colon + 1);
    volume.host = absolute_path(cwd, host);
    volume.guest = absolute_path("/", colon + 1);
    if (strcmp(volume.guest, "/") == 0)
        die(STATUS_FAILED, "-v %s: a volume cannot be the VM's root; --root can", text);
    if (strchr(volume.guest, '\n'))
        die(STATUS_FAILED, "-v %s: a path in the VM with a line break", text);
    if (stat(volume.host, &status) < 0)
        die(STATUS_FAILED, "-v %s: %s: %s", text, host, strerror(errno));
    if (!S_ISDIR(status.st_mode))
        die(STATUS_FAILED,
            "-v %s: %s is not a directory, and only directories can be volumes; --file %s:%s "
            "copies it into the VM",
            text, host, host, volume.guest);
    if (access(volume.host, R_OK | X_OK) < 0)
        die(STATUS_FAILED, "-v %s: %s: %s", text, host, strerror(errno));
    free(host);
    return volume;
}

/* One --disk FILE[:ro]. */
static struct disk parse_disk(const char *text, const char *cwd)
{
    struct disk disk = {0};
    size_t length = strlen(text);
    struct stat status;
    off_t size;
    char *file;
    int fd;

    disk.read_only = length > 3 && strcmp(text + length - 3, ":ro") == 0;
    if (length == 0)
        die(STATUS_FAILED, "--disk wants a disk image FILE or FILE:ro (see 'aril run --help')");
    file = format_string("%.*s", (int)(length - (disk.read_only ? 3 : 0)), text);
    disk.path = absolute_path(cwd, file);
    fd = open(disk.path, (disk.read_only ? O_RDONLY : O_RDWR) | O_CLOEXEC | O_NONBLOCK);
    if (fd < 0)
        die(STATUS_FAILED, "--disk %s: %s%s", file, strerror(errno),
            !disk.read_only && (errno == EACCES || errno == EROFS) ? " (with :ro it need not be writable)" : "");
    if (fstat(fd, &status) < 0)
        die(STATUS_FAILED, "--disk %s: %s", file, strerror(errno));
    if (S_ISDIR(status.st_mode))
        die(STATUS_FAILED, "--disk %s: a directory; -v shows it to the VM", file);
    if (!S_ISREG(status.st_mode) && !S_ISBLK(status.st_mode))
        die(STATUS_FAILED, "--disk %s: neither a file nor a block device", file);
    size = lseek(fd, 0, SEEK_END);
    if (size <= 0 || size % 512 != 0)
        die(STATUS_FAILED, "--disk %s: a raw image's size is a multiple of 512 bytes, and this has %lld", file,
            (long long)size);
    close(fd);
    free(file);
    return disk;
}

void sources_open(struct sources *sources, const struct run_options *options, const char *cwd)
{
    *sources = (struct sources){.directory = -1};
    open_root(sources, options->root ? options->root : "/", cwd);
    sources->volume_count = options->volumes.count;
    sources->volumes = allocate((options->volumes.count + 1) * sizeof(struct volume));
    for (size_t i = 0; i < options->volumes.count; i++)
        sources->volumes[i] = parse_volume(options->volumes.items[i], cwd);
    sources->disk_count = options->disks.count;
    sources->disks = allocate((options->disks.count + 1) * sizeof(struct disk));
    for (size_t i = 0; i < options->disks.count; i++)
        sources->disks[i] = parse_disk(options->disks.items[i], cwd);
    if (sources->disk_count + (sources->root == ROOT_DISK) > MAX_DISKS)
        die(STATUS_FAILED, "a VM can have %d disks, and these are %zu", MAX_DISKS,
            sources->disk_count + (sources->root == ROOT_DISK));
}

void sources_close(struct sources *sources)
{
    for (size_t i = 0; i < sources->volume_count; i++) {
        free(sources->volumes[i].host);
        free(sources->volumes[i].guest);
    }
    free(sources->volumes);
    for (size_t i = 0; i < sources->disk_count; i++)
        free(sources->disks[i].path);
    free(sources->disks);
    free(sources->path);
    if (sources->directory >= 0)
        close(sources->directory);
}

/* ---------------------------------------------------------------- names */

/* Absolute path in the root of what `path` leads to, or NULL when that is no directory there. */
static char *real_directory(const struct sources *sources, const char *path)
{
    struct open_how how = {.flags = O_PATH | O_DIRECTORY | O_CLOEXEC, .resolve = RESOLVE_IN_ROOT};
    char real[PATH_MAX], link[64];
    size_t root = sources->host ? 0 : strlen(sources->path);
    int fd = (int)syscall(SYS_openat2, sources->directory, path, &how, sizeof(how));
    ssize_t length;

    if (fd < 0)
        return NULL;
    snprintf(link, sizeof(link), "/proc/self/fd/%d", fd);
    length = readlink(link, real, sizeof(real) - 1);
    close(fd);
    if (length < 0)
        return NULL;
    real[length] = '\0';
    if (strncmp(real, sources->path, root) != 0)
        return NULL;
    return duplicate(real[root] ? real + root : "/");
}

char *sources_resolve(const struct sources *sources, const char *path)
{
    char *directory = duplicate(path), *real = NULL, *result;
    size_t length = strlen(path);

    if (sources->root != ROOT_DIRECTORY)
        return directory;
    /* Shortened at each slash till what is left exists; the root always does. */
    do {
        while (length > 0 && directory[--length] != '/')
            ;
        directory[length] = '\0';
        real = real_directory(sources, length ? directory : "/");
    } while (!real && length > 0);
    result = real ? format_string("%s%s", strcmp(real, "/") == 0 ? "" : real, path + length)
                  : duplicate(path);
    free(real);
    free(directory);
    return result;
}

/* ---------------------------------------------------------------- for the kernel and for QEMU */

const char *sources_parameters(const struct sources *sources)
{
    switch (sources->root) {
    case ROOT_DIRECTORY:
        return " root=9p:root";
    case ROOT_MEMORY:
        return " root=erofs";
    case ROOT_DISK:
        return " root=erofs:vda";
    default:
        return "";
    }
}

/* A path as a value of a QEMU option, where a comma ends it. */
static char *quote_commas(const char *path)
{
    char *quoted = allocate(2 * strlen(path) + 1), *to = quoted;

    for (; *path; path++) {
        if (*path == ',')
            *to++ = ',';
        *to++ = *path;
    }
    *to = '\0';
    return quoted;
}

static void add_directory(struct strings *command, const char *tag, const char *path, bool read_only)
{
    char *quoted = quote_commas(path);

    strings_add(command, duplicate("-fsdev"));
    strings_add(command,
                format_string("local,id=%s,path=%s,security_model=none,multidevs=remap%s", tag,
                              quoted, read_only ? ",readonly=on" : ""));
    strings_add(command, duplicate("-device"));
    strings_add(command, format_string("virtio-9p-device,fsdev=%s,mount_tag=%s", tag, tag));
    free(quoted);
}

static void add_disk(struct strings *command, const char *id, const char *path, bool read_only, unsigned cpus)
{
    char *quoted = quote_commas(path);

    strings_add(command, duplicate("-drive"));
    strings_add(command, format_string("file=%s,format=raw,if=none,id=%s,%s", quoted, id,
                                       read_only ? "readonly=on" : "discard=unmap"));
    strings_add(command, duplicate("-device"));
    strings_add(command, format_string("virtio-blk-device,drive=%s,num-queues=%u,rerror=report,werror=report", id,
                                       cpus < DISK_QUEUES ? cpus : DISK_QUEUES));
    free(quoted);
}

void sources_add_devices(const struct sources *sources, unsigned cpus, struct strings *command)
{
    if (sources->root == ROOT_DIRECTORY)
        add_directory(command, "root", sources->path, true);
    if (sources->root == ROOT_DISK)
        add_disk(command, "root", sources->path, true, cpus);
    for (size_t i = 0; i < sources->disk_count; i++) {
        char *id = format_string("disk%zu", i);

        add_disk(command, id, sources->disks[i].path, sources->disks[i].read_only, cpus);
        free(id);
    }
    for (size_t i = 0; i < sources->volume_count; i++) {
        char *tag = format_string("volume%zu", i);

        add_directory(command, tag, sources->volumes[i].host, sources->volumes[i].read_only);
        free(tag);
    }
}

char *sources_volumes(const struct sources *sources)
{
    char *text = NULL;

    for (size_t i = 0; i < sources->volume_count; i++) {
        const struct volume *volume = &sources->volumes[i];
        char *longer = format_string("%s9p volume%zu %s %s\n", text ? text : "", i,
                                     volume->read_only ? "ro" : "rw", volume->guest);

        free(text);
        text = longer;
    }
    return text;
}
