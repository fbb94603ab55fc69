/* SPDX-License-Identifier: BSD-2-Clause */
/* Overlay mounts: merging, whiteouts, copying up, renames, links, attributes. Run as root. */
#include "overlay.h"
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/statfs.h>
#include <sys/sysmacros.h>
#include <sys/time.h>
#include <sys/un.h>
#include <sys/xattr.h>

#define SET(path, name, value) setxattr(path, name, value, strlen(value), 0)

static void make_layers(void)
{
    make_dir("low1"), make_dir("low2"), make_dir("up"), make_dir("work"), make_dir("m");
    /* low1 is over low2 */
    make_file("low1/both", "both of low1");
    make_file("low2/both", "both of low2");
    make_file("low1/one", "one");
    make_file("low2/two", "two");
    make_file("up/three", "three");
    make_dir("low1/dir"), make_dir("low2/dir"), make_dir("up/dir");
    make_file("low1/dir/a1", "a1");
    make_file("low2/dir/a2", "a2");
    make_file("up/dir/a3", "a3");
    make_file("low2/dir/hidden1", "");
    make_file("low2/dir/hidden2", "");
    SHOW(mknod("low1/dir/hidden1", S_IFCHR, 0));
    SHOW(mknod("up/dir/hidden2", S_IFCHR, 0));
    make_dir("low1/opaque"), make_dir("low2/opaque");
    make_file("low1/opaque/seen", "");
    make_file("low2/opaque/unseen", "");
    SHOW(SET("low1/opaque", "trusted.overlay.opaque", "y"));
    make_dir("low1/mixed");
    make_file("low1/mixed/in", "");
    make_file("up/mixed", "a file over a directory");
    make_file("low2/blocks", "");
    make_dir("low1/blocks");
    make_file("low1/blocks/in", "");
    make_dir("low2/deep"), make_dir("low2/deep/er"), make_dir("low2/deep/er/est");
    make_file("low2/deep/er/est/file", "deep");
    SHOW(chmod("low2/deep/er", 01750));
    SHOW(chown("low2/deep/er", 7, 8));
    SHOW(symlink("dir/a2", "low2/link"));
    SHOW(mkfifo("low2/fifo", 0640));
    SHOW(mknod("low2/null", S_IFCHR | 0666, makedev(1, 3)));
    make_file("low2/hard1", "hard");
    SHOW(link("low2/hard1", "low2/hard2"));
    make_file("low2/attrs", "attributes");
    SHOW(chmod("low2/attrs", 06755));
    SHOW(chown("low2/attrs", 3, 4));
    SHOW(chmod("low2/attrs", 06755));
    SHOW(SET("low2/attrs", "user.colour", "green"));
    SHOW(SET("low2/attrs", "trusted.secret", "hush"));
    make_dir("low2/empty");
    make_dir("low2/full");
    make_file("low2/full/x", "x");
    make_file("low2/program", "#!/bin/true\n");
    make_file("low2/gone", "gone"), make_file("low2/gone2", "gone2"), make_file("low2/gone3", "");
    for (int k = 0; k < 6; k++) {
        char name[20];

        sprintf(name, "low2/r%d", k);
        make_file(name, name);
    }
}

static void mounting(void)
{
    SHOW(mount("o", "m", "overlay", 0, NULL));
    SHOW(mount("o", "m", "overlay", 0, "lowerdir=low1"));
    SHOW(mount("o", "m", "overlay", 0, "lowerdir=low1,upperdir=up"));
    SHOW(mount("o", "m", "overlay", 0, "upperdir=up,workdir=work"));
    SHOW(mount("o", "m", "overlay", 0, "lowerdir=none,upperdir=up,workdir=work"));
    SHOW(mount("o", "m", "overlay", 0, "lowerdir=low1,upperdir=none,workdir=work"));
    SHOW(mount("o", "m", "overlay", 0, "lowerdir=low1,upperdir=up,workdir=none"));
    SHOW(mount("o", "m", "overlay", 0, "lowerdir=low1/one,upperdir=up,workdir=work"));
    SHOW(mount("o", "m", "overlay", 0, "lowerdir=low1,upperdir=up/three,workdir=work"));
    SHOW(mount("o", "m", "overlay", 0, "lowerdir=low1,upperdir=up,workdir=up/three"));
    SHOW(mount("o", "m", "overlay", 0, "lowerdir=low1,upperdir=up,workdir=up/dir"));
    SHOW(mount("o", "m", "overlay", 0, "lowerdir=low1,upperdir=up,workdir=up"));
    SHOW(mount("o", "m", "overlay", 0, "lowerdir=low1,upperdir=up,workdir=/dev"));
    SHOW(mount("o", "m", "overlay", 0, "lowerdir=low1,upperdir=up,workdir=work,nonsense"));
    SHOW(mount("o", "m", "overlay", 0, "lowerdir=low1,upperdir=up,workdir=work,index=maybe"));
    SHOW(mount("o", "m", "overlay", 0, "lowerdir=low1:low2"));
    show_dir("m");
    show_dir("m/dir");
    SHOW(access("m/three", F_OK));
    SHOW(open("m/one", O_RDWR));
    SHOW(open("m/new", O_RDWR | O_CREAT, 0600));
    SHOW(chmod("m/one", 0600));
    SHOW(unlink("m/one"));
    SHOW(mkdir("m/new", 0700));
    SHOW(access("m/one", W_OK));
    SHOW(mount(NULL, "m", NULL, MS_REMOUNT, NULL));
    SHOW(mkdir("m/new", 0700));
    SHOW(mount(NULL, "m", NULL, MS_REMOUNT | MS_RDONLY, NULL));
    SHOW(umount2("m", 0));
    SHOW(mount("o", "m", "overlay", 0, "lowerdir=low1:low2,upperdir=up,workdir=work"));
}

static void merged(void)
{
    struct statfs s;
    struct stat st;

    show_dir("m");
    show_dir("m/dir");
    show_dir("m/opaque");
    show_dir("m/blocks");
    show_dir("m/deep/er/est");
    show_file("m/both"), show_file("m/one"), show_file("m/two"), show_file("m/three");
    show_file("m/dir"), show_file("m/dir/a1"), show_file("m/dir/hidden1");
    show_file("m/dir/hidden2"), show_file("m/mixed"), show_file("m/mixed/in");
    show_file("m/link"), show_file("m/fifo"), show_file("m/null"), show_file("m/attrs");
    show_file("m/deep/er"), show_file("m/hard1"), show_file("m/opaque");
    SHOW(statfs("m", &s));
    printf("type %lx name %ld\n", (long)s.f_type, (long)s.f_namelen);
    SHOW(stat("m/link", &st));
    printf("%ld\n", (long)st.st_size);
    SHOW(mount(NULL, "m", NULL, MS_REMOUNT | MS_RDONLY, NULL));
    SHOW(open("m/one", O_RDWR));
    SHOW(mount(NULL, "m", NULL, MS_REMOUNT, NULL));
    SHOW(open("m/dir", O_RDWR));
    SHOW(open("m/one", O_DIRECTORY));
    SHOW(open("m/one/", O_RDONLY));
    SHOW(open("m/one/x", O_RDONLY));
    SHOW(open("m/link", O_NOFOLLOW));
    SHOW(mknod("m/whiteout", S_IFCHR | 0600, 0));
    SHOW(umount2("m", 0));
    SHOW(mount("o", "m", "overlay", 0, "lowerdir=low1:low2,upperdir=up,workdir=work"));
}

static ino_t ino(const char *path)
{
    struct stat st;

    return lstat(path, &st) ? 0 : st.st_ino;
}

static void copying_up(void)
{
    struct stat st, before;
    struct timespec times[2] = {{1000, 5}, {2000, 6}};
    char text[64], *map;
    int fd, ro;
    ino_t number = ino("m/one");

    SHOW_OK(ro = open("m/one", O_RDONLY));
    map = mmap(NULL, 4096, PROT_READ, MAP_SHARED, ro, 0);
    printf("map %.3s\n", map);
    SHOW_OK(fd = open("m/one", O_RDWR));
    show_file("up/one");
    printf("same number %d\n", ino("m/one") == number);
    SHOW(pwrite(fd, "ONE and more", 12, 0));
    show_file("m/one"), show_file("low1/one"), show_file("up/one");
    SHOW(pread(ro, text, 12, 0));
    printf("old reader %.12s\n", text);
    printf("old map %.3s\n", map);
    SHOW(fstat(ro, &st));
    printf("size %ld same number %d\n", (long)st.st_size, st.st_ino == number);
    SHOW(lseek(ro, 0, SEEK_END));
    munmap(map, 4096);
    map = mmap(NULL, 4096, PROT_READ, MAP_SHARED, fd, 0);
    printf("new map %.3s\n", map);
    SHOW(pwrite(fd, "1", 1, 0));
    printf("new map %.3s\n", map);
    munmap(map, 4096);
    map = mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
    map[1] = '#';
    munmap(map, 4096);
    show_file("m/one");
    close(fd), close(ro);

    /* Attributes come along, and directories. */
    SHOW(lstat("low2/deep/er/est/file", &before));
    SHOW(utimensat(AT_FDCWD, "low2/deep/er/est", times, 0));
    SHOW_OK(fd = open("m/deep/er/est/file", O_WRONLY | O_APPEND));
    SHOW(write(fd, "+", 1));
    close(fd);
    show_file("up/deep"), show_file("up/deep/er"), show_file("up/deep/er/est");
    show_file("up/deep/er/est/file");
    SHOW(lstat("m/deep/er/est", &st));
    printf("times %ld %ld\n", (long)st.st_atime, (long)st.st_mtime);
    SHOW(chmod("m/attrs", 0640));
    show_file("up/attrs");
    SHOW(getxattr("up/attrs", "user.colour", text, sizeof(text)));
    SHOW(getxattr("up/attrs", "trusted.secret", text, sizeof(text)));
    printf("%.4s\n", text);
    SHOW(utimensat(AT_FDCWD, "m/two", times, 0));
    SHOW(lstat("m/two", &st));
    printf("times %ld.%ld %ld.%ld\n", (long)st.st_atime, (long)st.st_atim.tv_nsec,
           (long)st.st_mtime, (long)st.st_mtim.tv_nsec);
    SHOW(truncate("m/both", 4));
    show_file("m/both"), show_file("low1/both");
    SHOW(lchown("m/link", 9, 9));
    show_file("m/link"), show_file("up/link"), show_file("low2/link");
    SHOW(chmod("m/fifo", 0600));
    show_file("up/fifo");
    SHOW(chown("m/null", 1, 1));
    show_file("up/null");
    SHOW(SET("m/r0", "user.colour", "red"));
    show_file("up/r0");
    SHOW(removexattr("m/r1", "user.none"));
    show_file("up/r1");
    SHOW_OK(fd = open("m/r2", O_RDONLY | O_TRUNC));
    show_file("up/r2");
    close(fd);
    SHOW(chmod("m/empty", 0700));
    show_file("up/empty");
    printf("%o\n", (lstat("low2/empty", &st), st.st_mode));
    SHOW(truncate("m/deep", 0));
}

static void attributes(void)
{
    char list[200];

    SHOW(SET("m/attrs", "trusted.overlay.opaque", "y"));
    SHOW(getxattr("m/attrs", "trusted.overlay.opaque", list, sizeof(list)));
    SHOW(getxattr("m/attrs", "trusted.overlay.origin", list, sizeof(list)));
    SHOW(getxattr("up/attrs", "trusted.overlay.overlay.opaque", list, sizeof(list)));
    SHOW(listxattr("m/attrs", list, 1));
    /* Linux counts what it does not show if it is asked for the size alone. */
    SHOW(listxattr("m/attrs", list, sizeof(list)));
    SHOW(listxattr("m/opaque", list, sizeof(list)));
    SHOW(removexattr("m/attrs", "trusted.overlay.opaque"));
    SHOW(listxattr("m/attrs", list, sizeof(list)));
    SHOW(setxattr("m/attrs", "user.colour", "x", 1, XATTR_CREATE));
    SHOW(setxattr("m/attrs", "user.none", "x", 1, XATTR_REPLACE));
}

static void removing(void)
{
    struct stat st;
    char text[20];
    int fd, dir;

    SHOW_OK(fd = open("m/gone", O_RDONLY));
    SHOW(unlink("m/gone"));
    SHOW(unlink("m/gone"));
    show_file("m/gone"), show_file("up/gone"), show_file("low2/gone");
    SHOW(read(fd, text, 20));
    SHOW(fstat(fd, &st));
    printf("%o nlink %ld\n", st.st_mode, (long)st.st_nlink);
    /* Not compared: fchmod(2) of it, which Linux answers with EEXIST, as it would copy it up to its old name. */
    close(fd);
    show_dir("m");
    make_file("m/gone", "again");
    show_file("up/gone");
    SHOW(unlink("m/gone"));
    show_file("up/gone");
    SHOW(unlink("m/three"));
    show_file("up/three");
    SHOW(unlink("m/dir"));
    SHOW(rmdir("m/two"));
    SHOW(rmdir("m/dir"));
    SHOW(rmdir("m/full"));
    SHOW(rmdir("m/empty"));
    show_file("up/empty");
    SHOW(mkdir("m/empty", 0711));
    show_file("up/empty");
    SHOW(getxattr("up/empty", "trusted.overlay.opaque", text, sizeof(text)));
    SHOW(unlink("m/full/x"));
    SHOW_OK(dir = open("m/full", O_RDONLY));
    SHOW(rmdir("m/full"));
    SHOW(openat(dir, "x", O_RDONLY));
    SHOW(openat(dir, "new", O_RDWR | O_CREAT, 0600));
    SHOW(mkdir("m/full", 0755));
    show_dir("m/full");
    close(dir);
    SHOW(unlink("m/dir/a1"));
    SHOW(unlink("m/dir/a2"));
    SHOW(unlink("m/dir/a3"));
    show_dir("m/dir"), show_dir("up/dir");
    SHOW(rmdir("m/dir"));
    show_file("m/dir"), show_file("up/dir");
    SHOW(symlink("somewhere", "m/dir"));
    show_file("m/dir"), show_file("up/dir");
    SHOW(unlink("m/dir"));
    SHOW(mkdir("m/dir", 0755));
    show_dir("m/dir");
    make_file("m/dir/a1", "new a1");
    show_dir("m/dir");
    SHOW_OK(fd = open("m/hard1", O_RDWR));
    SHOW(unlink("m/hard1"));
    SHOW(fstat(fd, &st));
    printf("nlink %ld\n", (long)st.st_nlink);
    SHOW(write(fd, "HARD", 4));
    show_file("m/hard2");
    close(fd);
}

static void renaming(void)
{
    show_file("m/r3");
    SHOW(rename("m/r3", "m/s3"));
    show_file("m/s3"), show_file("m/r3"), show_file("up/r3");
    SHOW(rename("m/s3", "m/r3"));
    show_file("m/r3"), show_file("up/r3"), show_file("up/s3");
    SHOW(rename("m/r3", "m/r4"));
    show_file("m/r4"), show_file("up/r3");
    SHOW(renameat2(AT_FDCWD, "m/r4", AT_FDCWD, "m/r5", RENAME_NOREPLACE));
    SHOW(renameat2(AT_FDCWD, "m/r4", AT_FDCWD, "m/r3", RENAME_NOREPLACE));
    show_file("m/r3"), show_file("up/r4");
    SHOW(renameat2(AT_FDCWD, "m/r3", AT_FDCWD, "m/r5", RENAME_EXCHANGE));
    show_file("m/r3"), show_file("m/r5");
    SHOW(renameat2(AT_FDCWD, "m/r3", AT_FDCWD, "m/none", RENAME_EXCHANGE));
    SHOW(renameat2(AT_FDCWD, "m/r3", AT_FDCWD, "m/w", RENAME_WHITEOUT));
    SHOW(rename("m/deep", "m/deeper"));
    SHOW(rename("m/blocks", "m/dir"));
    SHOW(rename("m/deep/er/est/file", "m/dir/file"));
    show_file("m/dir/file"), show_file("up/deep/er/est/file");
    show_dir("m/deep/er/est");
    SHOW(mkdir("m/pure", 0755));
    SHOW(mkdir("m/pure/sub", 0755));
    make_file("m/pure/sub/f", "f");
    SHOW(rename("m/pure", "m/deep/pure"));
    show_dir("m/deep"), show_dir("m/deep/pure"), show_dir("m/deep/pure/sub");
    SHOW(rename("m/deep/pure", "m/deep/er"));
    SHOW(rename("m/deep/pure", "m/deep/er/est"));
    show_dir("m/deep/er/est"), show_dir("m/deep");
    SHOW(renameat2(AT_FDCWD, "m/deep/er/est", AT_FDCWD, "m/r5", RENAME_EXCHANGE));
    show_file("m/deep/er/est"), show_dir("m/r5");
    SHOW(renameat2(AT_FDCWD, "m/r5", AT_FDCWD, "m/deep", RENAME_EXCHANGE));
    SHOW(rename("m/r5", "m/two"));
    SHOW(rename("m/two", "m/r5"));
    SHOW(rename("m/two", "two"));
    SHOW(rename("m/two", "m/two"));
}

static void linking(void)
{
    struct stat st;
    int fd;

    SHOW(link("m/hard2", "m/hard3"));
    show_file("m/hard2"), show_file("m/hard3"), show_file("low2/hard2");
    printf("same number %d\n", ino("m/hard2") == ino("m/hard3"));
    make_file("m/hard3", "through 3");
    show_file("m/hard2");
    SHOW(link("m/hard2", "m/gone2"));
    SHOW(unlink("m/gone2"));
    SHOW(link("m/hard2", "m/gone2"));
    show_file("m/gone2");
    SHOW(unlink("m/hard2"));
    show_file("m/hard3");
    SHOW(link("m/dir", "m/dir2"));
    SHOW(link("m/link", "m/link2"));
    show_file("m/link2");
    SHOW_OK(fd = open("m/deep", O_TMPFILE | O_RDWR, 0640));
    SHOW(write(fd, "temporary", 9));
    SHOW(fstat(fd, &st));
    printf("nlink %ld\n", (long)st.st_nlink);
    SHOW(linkat(fd, "", AT_FDCWD, "m/gone3", AT_EMPTY_PATH));
    SHOW(unlink("m/gone3"));
    SHOW(linkat(fd, "", AT_FDCWD, "m/gone3", AT_EMPTY_PATH));
    close(fd);
    SHOW_OK(fd = open("m/deep", O_TMPFILE | O_RDWR, 0640));
    SHOW(linkat(fd, "", AT_FDCWD, "m/named", AT_EMPTY_PATH));
    show_file("m/named"), show_file("up/named");
    close(fd);
}

static void special(void)
{
    char text[10];
    int in, out;

    SHOW_OK(in = open("m/fifo", O_RDONLY | O_NONBLOCK));
    SHOW(chmod("m/fifo", 0666));
    SHOW_OK(out = open("m/fifo", O_WRONLY));
    SHOW(write(out, "pipe", 4));
    SHOW(read(in, text, 10));
    close(in), close(out);
    SHOW_OK(out = open("m/null", O_RDWR));
    SHOW(write(out, "gone", 4));
    SHOW(read(out, text, 4));
    close(out);
}

/* Numbers of inodes: one of each object, the same in the listing, kept when it is copied up or moved. */
static void numbers(void)
{
    static const char *const dirs[] = {"m", "m/deep", "m/dir", "m/opaque", "m/blocks"};
    struct stat st, dir;
    ino_t number;
    int fd;

    SHOW(stat("m", &dir));
    for (unsigned k = 0; k < sizeof(dirs) / sizeof(dirs[0]); k++) {
        DIR *d = opendir(dirs[k]);
        int good = 0, bad = 0;

        for (struct dirent *e; d && (e = readdir(d));) {
            char path[300];

            snprintf(path, sizeof(path), "%s/%s", dirs[k], e->d_name);
            if (!strcmp(path, "m/.."))
                continue;
            if (lstat(path, &st) || st.st_ino != e->d_ino || st.st_dev != dir.st_dev)
                bad++, printf("  %s: listed with another number\n", path);
            else
                good++;
        }
        if (d)
            closedir(d);
        printf("%s: %d listed as they are, %d not\n", dirs[k], good, bad);
    }
    number = ino("m/full");
    SHOW(chmod("m/full", 0711));
    printf("directory kept its number %d\n", ino("m/full") == number);
    number = ino("m/program");
    SHOW_OK(fd = open("m/program", O_RDWR));
    printf("file kept its number %d\n", ino("m/program") == number);
    SHOW(fstat(fd, &st));
    printf("open file too %d\n", st.st_ino == number);
    SHOW(rename("m/program", "m/deep/program"));
    printf("moved file too %d\n", ino("m/deep/program") == number);
    SHOW(rename("m/deep/program", "m/program"));
    close(fd);
}

/* A listing begun before a change goes on; positions stay valid. */
static void listing(void)
{
    DIR *d = opendir("m/deep/er");
    struct dirent *e;
    char first[300], again[300];
    long where;
    int n = 0;

    SHOW(mkdir("m/many", 0755));
    for (int k = 0; k < 300; k++) {
        char name[40];

        sprintf(name, "m/many/file-number-%d", k);
        close(open(name, O_CREAT | O_WRONLY, 0600));
    }
    closedir(d);
    d = opendir("m/many");
    while ((e = readdir(d)) && n < 100)
        n++;
    where = telldir(d);
    e = readdir(d);
    snprintf(first, sizeof(first), "%s", e->d_name);
    while (readdir(d))
        n++;
    seekdir(d, where);
    e = readdir(d);
    snprintf(again, sizeof(again), "%s", e->d_name);
    printf("%d names more, same place %d\n", n, !strcmp(first, again));
    rewinddir(d);
    n = 0;
    while ((e = readdir(d))) {
        char name[300];

        snprintf(name, sizeof(name), "m/many/%s", e->d_name);
        if (e->d_name[0] != '.' && !unlink(name))
            n++;
    }
    closedir(d);
    printf("%d removed while listing\n", n);
    SHOW(rmdir("m/many"));
    d = opendir("m");
    n = 0;
    while ((e = readdir(d)) && n < 5)
        n++;
    where = telldir(d);
    e = readdir(d);
    snprintf(first, sizeof(first), "%s", e->d_name);
    while (readdir(d))
        n++;
    seekdir(d, where);
    e = readdir(d);
    printf("merged: same place %d\n", e && !strcmp(first, e->d_name));
    closedir(d);
}

/* The layers on two file systems, the upper one small. */
static void no_room(void)
{
    static char data[65536];
    struct stat st;
    struct statfs s;
    int fd;

    make_dir("small"), make_dir("low3"), make_dir("m2"), make_dir("low3/d");
    SHOW(mount("small", "small", "tmpfs", 0, "size=64k,nr_inodes=9"));
    make_dir("small/u"), make_dir("small/w");
    memset(data, 'x', sizeof(data));
    SHOW_OK(fd = open("low3/d/big", O_CREAT | O_WRONLY, 0644));
    SHOW(write(fd, data, sizeof(data)));
    SHOW(pwrite(fd, data, 10, 10000000));
    close(fd);
    SHOW_OK(fd = open("low3/d/sparse", O_CREAT | O_WRONLY, 0644));
    SHOW(pwrite(fd, "end", 3, 5000000));
    close(fd);
    SHOW(mount("o", "m2", "overlay", 0, "lowerdir=low3,upperdir=small/u,workdir=small/w"));
    SHOW(open("m2/d/big", O_RDWR));
    SHOW(chmod("m2/d/big", 0600));
    show_dir("small/u/d");
    SHOW(stat("m2/d/big", &st));
    printf("%o %ld\n", st.st_mode, (long)st.st_size);
    SHOW(statfs("small", &s));
    printf("free %ld\n", (long)s.f_bfree);
    SHOW_OK(fd = open("m2/d/sparse", O_RDWR));
    SHOW(pread(fd, data, 3, 5000000));
    SHOW(lseek(fd, 0, SEEK_DATA));
    SHOW(fstat(fd, &st));
    printf("%ld blocks %.3s\n", (long)st.st_blocks, data);
    SHOW(write(fd, "start", 5));
    close(fd);
    /* Not compared: truncate(2) of big, for which Linux copies all of it first. */
    SHOW_OK(fd = open("m2/d/big", O_RDWR | O_TRUNC));
    SHOW(fstat(fd, &st));
    printf("%o %ld %ld\n", st.st_mode, (long)st.st_size, (long)st.st_blocks);
    close(fd);
    for (int k = 0; k < 9; k++) {
        char name[30];

        sprintf(name, "m2/d/n%d", k);
        close(open(name, O_CREAT | O_WRONLY, 0600));
    }
    SHOW(symlink("x", "m2/d/nothing"));
    SHOW(access("m2/d/nothing", F_OK));
    SHOW(umount2("m2", 0));
    SHOW(umount2("small", 0));
}

/* Without privileges: what the mode says, and what is copied up all the same. */
static void unprivileged(void)
{
    char list[300];
    int fd;

    make_dir("low4"), make_dir("u4"), make_dir("w4"), make_dir("m4"), make_dir("low4/open");
    make_file("low4/open/mine", "mine");
    make_file("low4/open/theirs", "theirs");
    SHOW(SET("low4/open/mine", "trusted.secret", "kept"));
    SHOW(chown("low4/open/mine", 1000, 1000));
    SHOW(chmod("low4/open", 0777));
    SHOW(chmod("low4/open/mine", 04711));
    SHOW(mount("o", "m4", "overlay", 0, "lowerdir=low4,upperdir=u4,workdir=w4"));
    SHOW(syscall(SYS_setresgid, -1, 1000, -1));
    SHOW(syscall(SYS_setresuid, -1, 1000, -1));
    SHOW(open("m4/open/theirs", O_RDWR));
    SHOW(chmod("m4/open/theirs", 0777));
    SHOW(open("m4/new", O_RDWR | O_CREAT, 0600));
    SHOW(unlink("m4/open"));
    SHOW(listxattr("m4/open/mine", list, sizeof(list)));
    SHOW_OK(fd = open("m4/open/mine", O_RDWR));
    SHOW(write(fd, "my", 2));
    SHOW(listxattr("m4/open/mine", list, sizeof(list)));
    show_file("m4/open/mine");
    SHOW(chown("m4/open/mine", 0, -1));
    SHOW(open("m4/open/new", O_RDWR | O_CREAT, 0640));
    show_file("m4/open/new");
    SHOW(unlink("m4/open/theirs"));
    SHOW(mkdir("m4/open/theirs", 0755));
    show_file("m4/open/theirs");
    SHOW(syscall(SYS_setresuid, -1, 0, -1));
    SHOW(syscall(SYS_setresgid, -1, 0, -1));
    close(fd);
    SHOW(getxattr("u4/open/mine", "trusted.secret", list, sizeof(list)));
    show_file("u4/open/mine");
    SHOW(umount2("m4", MNT_DETACH));
}

/* A socket in the overlay is found by its name however that was reached, and an overlay can be a layer. */
static void sockets_and_stacks(void)
{
    struct sockaddr_un a = {.sun_family = AF_UNIX, .sun_path = "m/opaque/socket"};
    int s, c;

    SHOW_OK(s = socket(AF_UNIX, SOCK_STREAM, 0));
    SHOW(bind(s, (struct sockaddr *)&a, sizeof(a)));
    SHOW(listen(s, 1));
    SHOW_OK(c = socket(AF_UNIX, SOCK_STREAM, 0));
    SHOW(connect(c, (struct sockaddr *)&a, sizeof(a)));
    close(s), close(c);
    SHOW(unlink("m/opaque/socket"));

    make_dir("u5"), make_dir("w5"), make_dir("m5");
    SHOW(mount("o", "m5", "overlay", 0, "lowerdir=m:low2,upperdir=u5,workdir=w5"));
    show_dir("m5"), show_dir("m5/dir"), show_dir("m5/deep/er");
    show_file("m5/one"), show_file("m5/gone"), show_file("m5/r5");
    SHOW(chmod("m5/one", 0600));
    make_file("m5/deep/er/here", "in the upper one of two");
    SHOW(unlink("m5/r5"));
    show_dir("m5"), show_dir("m5/deep/er"), show_dir("m/deep/er");
    show_file("m5/one"), show_file("m/one"), show_file("m/r5");
    SHOW(mount("o", "work", "overlay", 0, "lowerdir=low2,upperdir=m5,workdir=m5/deep"));
    SHOW(umount2("m5", 0));
}

/* A program in a lower tree runs, and nobody writes to it meanwhile. */
static int running(void)
{
    SHOW(open("/proc/self/exe", O_WRONLY));
    SHOW(open("m/self", O_RDWR));
    SHOW(open("m/self", O_RDONLY | O_TRUNC));
    SHOW(truncate("m/self", 0));
    SHOW(chmod("m/self", 0700));
    SHOW(open("m/self", O_RDWR));
    SHOW(rename("m/self", "m/self2"));
    SHOW(unlink("m/self2"));
    SHOW(umount2("m", 0));
    leave_layers();
    return 0;
}

static void run_self(void)
{
    char *const argv[] = {"self", "running", NULL};

    SHOW(execv("m/self", argv));
}

/* Before the overlay is mounted. */
static void copy_self(void)
{
    static char text[65536];
    int in = open("/proc/self/exe", O_RDONLY), out = open("low2/self", O_CREAT | O_WRONLY, 0755);
    ssize_t n;

    while ((n = read(in, text, sizeof(text))) > 0)
        if (write(out, text, (size_t)n) != n)
            exit(2);
    close(in), close(out);
}

static void locking(void)
{
    struct flock l = {.l_type = F_WRLCK, .l_whence = SEEK_SET, .l_len = 1}, q = l;
    int a, b;

    SHOW_OK(a = open("m/r4", O_RDONLY | O_CREAT, 0644));
    SHOW_OK(a = open("m/opaque/seen", O_RDONLY));
    l.l_type = F_RDLCK;
    SHOW(fcntl(a, F_OFD_SETLK, &l));
    SHOW_OK(b = open("m/opaque/seen", O_RDWR));
    SHOW(fcntl(b, F_OFD_GETLK, &q));
    printf("lock seen across copying up %d\n", q.l_type == F_RDLCK);
    close(a), close(b);
}

int main(int argc, char **argv)
{
    if (argc > 1)
        return running();
    enter_layers("size=32m");
    make_layers();
    copy_self();
    mounting();
    merged();
    copying_up();
    attributes();
    removing();
    renaming();
    linking();
    special();
    numbers();
    listing();
    locking();
    sockets_and_stacks();
    no_room();
    unprivileged();
    SHOW(umount2("m", 0));
    show_dir("up");
    SHOW(mount("o", "m", "overlay", 0, "lowerdir=low1:low2,upperdir=up,workdir=work"));
    show_dir("m");
    show_file("m/one"), show_file("m/gone"), show_file("m/r5"), show_file("m/dir");
    run_self();
    return 1;
}
