/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * For user.sh: what a user may do to files that are others'. Run as that user on Linux, and in a VM that he started, where the
 * program is user 0 and the files are his host's. With "all" what differs on an overlay as well: there he may change everything
 * that he can read.
 */
#include "../abi/file_check.h"
#include <dirent.h>

static long closed(long fd)
{
    if (fd >= 0)
        close((int)fd);
    return fd < 0 ? -1 : 0;
}

static long listed(const char *path)
{
    DIR *d = opendir(path);
    long n = 0;

    while (d && readdir(d))
        n++;
    if (d)
        closedir(d);
    return d ? n : -1;
}

static long read_some(const char *path)
{
    char text[10];
    int fd = open(path, O_RDONLY);
    long n = fd < 0 ? -1 : read(fd, text, sizeof(text));

    close(fd);
    return n;
}

int main(int argc, char **argv)
{
    struct stat st;

    if (argc < 2 || chdir(argv[1]))
        return 2;
    SHOW(stat("secret", &st));
    printf("%o %ld\n", st.st_mode, (long)st.st_size);
    SHOW(closed(open("secret", O_RDONLY)));
    SHOW(closed(open("secret", O_WRONLY)));
    SHOW(closed(open("secret", O_RDWR)));
    SHOW(closed(open("secret", O_RDONLY | O_TRUNC)));
    SHOW(closed(open("secret", O_PATH)));
    SHOW(access("secret", F_OK));
    SHOW(access("secret", R_OK));
    SHOW(access("secret", W_OK));
    SHOW(faccessat(AT_FDCWD, "secret", R_OK, AT_EACCESS));
    SHOW(truncate("secret", 0));
    SHOW(closed(open("writable", O_RDONLY)));
    SHOW(access("writable", R_OK));
    SHOW(read_some("readable"));
    SHOW(read_some("by-group"));
    SHOW(read_some("not-by-group"));
    SHOW(read_some("mine"));
    SHOW(read_some("not-by-me"));
    SHOW(listed("closed"));
    SHOW(closed(open("closed", O_RDONLY)));
    SHOW(closed(open("closed", O_PATH)));
    SHOW(closed(open("closed/file", O_RDONLY)));
    SHOW(closed(open("closed/none", O_RDONLY)));
    SHOW(closed(open("closed/none", O_CREAT | O_RDWR, 0600)));
    SHOW(stat("closed/file", &st));
    SHOW(chdir("closed"));
    SHOW(chroot("closed") ? 0 : 1);
    SHOW(closed(open("listed", O_RDONLY)));
    SHOW(closed(open("listed/file", O_RDONLY)));
    SHOW(stat("listed/file", &st));
    SHOW(closed(open("searched", O_RDONLY)));
    SHOW(listed("searched"));
    SHOW(closed(open("program", O_RDONLY)));
    SHOW(access("program", X_OK));
    SHOW(closed(open("mine", O_RDWR)));
    SHOW(chmod("mine", 0640));
    SHOW(chmod("mine", 0600));
    if (argc < 3)
        return 0;
    SHOW(closed(open("writable", O_WRONLY)));
    SHOW(access("writable", W_OK));
    SHOW(utimensat(AT_FDCWD, "writable", NULL, 0));
    SHOW(utimensat(AT_FDCWD, "secret", NULL, 0));
    SHOW(mkdir("new", 0755));
    SHOW(closed(open("new", O_CREAT | O_RDWR, 0600)));
    SHOW(unlink("writable"));
    SHOW(rename("writable", "moved"));
    SHOW(symlink("x", "new"));
    SHOW(closed(open("open/new", O_CREAT | O_RDWR, 0600)));
    SHOW(unlink("open/new"));
    return 0;
}
