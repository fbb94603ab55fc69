/* SPDX-License-Identifier: BSD-2-Clause */
/* rename and renameat2, link: what replaces what, and what is refused. */
#include "file_check.h"

static void show_tree(const char *path)
{
    struct stat st;

    if (lstat(path, &st))
        printf("  %s: %s\n", path, strerrorname_np(errno));
    else
        printf("  %s: %o nlink %ld size %ld\n", path, st.st_mode, (long)st.st_nlink,
               S_ISREG(st.st_mode) ? (long)st.st_size : 0);
}

static void files(void)
{
    make_file("a", "a");
    make_file("b", "bb");
    mkdir("d", 0755), mkdir("e", 0755), mkdir("d/sub", 0755), mkdir("full", 0755);
    make_file("full/x", "");
    SHOW(rename("a", "a"));
    SHOW(rename("a", "c"));
    show_tree("a"), show_tree("c");
    SHOW(rename("c", "b"));
    show_tree("b");
    SHOW(rename("none", "b"));
    SHOW(rename("b", "d"));
    SHOW(rename("d", "b"));
    SHOW(rename("d", "e"));
    show_tree("e"), show_tree("e/sub");
    SHOW(rename("e", "full"));
    SHOW(rename("full", "e"));
    SHOW(rename("e/sub", "full"));
    SHOW(rename("e", "e/sub"));
    SHOW(rename("e", "e/sub/deep"));
    SHOW(rename("e/sub", "e"));
    SHOW(rename("e/.", "x"));
    SHOW(rename("e/..", "x"));
    SHOW(rename("e", "."));
    SHOW(rename("/", "x"));
    SHOW(rename("b", "/"));
    SHOW(rename("b/", "x"));
    SHOW(rename("b", "x/"));
    SHOW(rename("e/", "g/"));
    show_tree("g");
    SHOW(rename("g", "none/x"));
    SHOW(rename("", "x"));
    SHOW(rename("b", ""));
    SHOW(rename(BAD_PTR, "x"));
    SHOW(rename("b", "/proc/x"));
    SHOW(rename("g/sub", "full/sub"));
    show_tree("g"), show_tree("full");
}

static void flags(void)
{
    make_file("p", "1");
    make_file("q", "22");
    SHOW(renameat2(AT_FDCWD, "p", AT_FDCWD, "q", RENAME_NOREPLACE));
    SHOW(renameat2(AT_FDCWD, "p", AT_FDCWD, "r", RENAME_NOREPLACE));
    SHOW(renameat2(AT_FDCWD, "r", AT_FDCWD, ".", RENAME_NOREPLACE));
    SHOW(renameat2(AT_FDCWD, "r", AT_FDCWD, "q", RENAME_EXCHANGE));
    show_tree("r"), show_tree("q");
    SHOW(renameat2(AT_FDCWD, "r", AT_FDCWD, "none", RENAME_EXCHANGE));
    SHOW(renameat2(AT_FDCWD, "r", AT_FDCWD, "full", RENAME_EXCHANGE));
    show_tree("r"), show_tree("full"), show_tree("r/sub");
    SHOW(renameat2(AT_FDCWD, "full", AT_FDCWD, "r/sub", RENAME_EXCHANGE));
    show_tree("r"), show_tree("full"), show_tree("r/sub");
    SHOW(renameat2(AT_FDCWD, "r", AT_FDCWD, "r/sub", RENAME_EXCHANGE));
    SHOW(renameat2(AT_FDCWD, "r/sub", AT_FDCWD, "r", RENAME_EXCHANGE));
    SHOW(renameat2(AT_FDCWD, "q", AT_FDCWD, "r", RENAME_EXCHANGE | RENAME_NOREPLACE));
    SHOW(renameat2(AT_FDCWD, "q", AT_FDCWD, "r", 64));
    SHOW(renameat2(AT_FDCWD, "q", AT_FDCWD, "w", RENAME_WHITEOUT));
    show_tree("q"), show_tree("w");
    SHOW(unlink("q"));
    SHOW(rename("w", "q"));
    SHOW(renameat2(-1, "q", AT_FDCWD, "r", 0));
    SHOW(renameat2(0, "q", AT_FDCWD, "r", 0));
}

/* What is wrong with the directories comes before what is wrong with the name. */
static void long_names(void)
{
    static char name[300], below[310], none[310], file[310];

    memset(name, 'n', 256);
    snprintf(below, sizeof(below), "%s/x", name);
    snprintf(none, sizeof(none), "none/%s", name);
    snprintf(file, sizeof(file), "q/%s", name);
    SHOW(rename(name, "x"));
    SHOW(rename("q", name));
    SHOW(rename(name, "none/x"));
    SHOW(rename(below, "none/x"));
    SHOW(rename(none, name));
    SHOW(rename(name, file));
    SHOW(rename(file, none));
    SHOW(rename(name, "/proc/x"));
    SHOW(rename(name, "."));
    SHOW(rename("none", name));
    SHOW(renameat2(AT_FDCWD, name, -1, "x", 0));
    SHOW(renameat2(AT_FDCWD, name, -1, name, RENAME_NOREPLACE));
    SHOW(renameat2(-1, "x", AT_FDCWD, name, 0));
    SHOW(renameat2(AT_FDCWD, name, 0, "x", 64));
    SHOW(link(name, "x"));
    SHOW(link("q", name));
    SHOW(link("none", name));
    SHOW(linkat(AT_FDCWD, "q", -1, name, 0));
    SHOW(linkat(AT_FDCWD, name, -1, name, 0));
    SHOW(symlink("q", name));
    SHOW(mkdir(name, 0755));
    SHOW(mkdir(none, 0755));
    SHOW(mknod(file, S_IFIFO, 0));
    SHOW(unlink(name));
    SHOW(rmdir(below));
    SHOW(open(name, O_CREAT | O_RDWR, 0600));
    SHOW(open(below, O_CREAT | O_RDWR, 0600));
    SHOW(open(file, O_RDONLY));
    SHOW(openat(-1, name, O_RDONLY));
    SHOW(syscall(SYS_utimensat, AT_FDCWD, "none", (long[]){0, -1, 0, 0}, 0));
    SHOW(syscall(SYS_utimensat, AT_FDCWD, "q", (long[]){0, 0, 0, 1000000000}, 0));
    SHOW(syscall(SYS_utimensat, -1, NULL, (long[]){0, -1, 0, 0}, 0));
    SHOW(syscall(SYS_utimensat, 0, NULL, (long[]){0, -1, 0, 0}, 0));
    SHOW(syscall(SYS_utimensat, AT_FDCWD, "none", (long[]){0, -1, 0, 0}, 1));
    name[255] = 0;
    SHOW(rename(name, "x"));
    SHOW(mkdir(name, 0755));
    SHOW(rename(name, "long"));
    SHOW(rmdir("long"));
}

static void hard_links(void)
{
    int fd;

    SHOW(link("q", "q2"));
    show_tree("q");
    SHOW(link("q", "q2"));
    SHOW(link("none", "x"));
    SHOW(link("g", "x"));
    SHOW(link("q", "none/x"));
    SHOW(link("q/", "x"));
    SHOW(link("q", "x/"));
    SHOW(link("q", "/proc/x"));
    SHOW(rename("q", "q2"));
    show_tree("q"), show_tree("q2");
    SHOW(symlink("q", "s"));
    SHOW(link("s", "s2"));
    show_tree("s2");
    SHOW(linkat(AT_FDCWD, "s", AT_FDCWD, "s3", AT_SYMLINK_FOLLOW));
    show_tree("s3");
    SHOW(linkat(AT_FDCWD, "s", AT_FDCWD, "s4", 0x8000));
    SHOW_OK(fd = open(".", O_TMPFILE | O_RDWR, 0600));
    SHOW(write(fd, "temporary", 9));
    SHOW(linkat(fd, "", AT_FDCWD, "named", AT_EMPTY_PATH));
    show_tree("named");
    close(fd);
    SHOW_OK(fd = open(".", O_TMPFILE | O_RDWR | O_EXCL, 0600));
    SHOW(linkat(fd, "", AT_FDCWD, "named2", AT_EMPTY_PATH));
    close(fd);
    SHOW(open(".", O_TMPFILE | O_RDONLY, 0600));
    SHOW(open("q", O_TMPFILE | O_RDWR, 0600));
    SHOW(open("none", O_TMPFILE | O_RDWR, 0600));
    SHOW_OK(fd = open("named", O_RDWR));
    SHOW(unlink("named"));
    SHOW(linkat(fd, "", AT_FDCWD, "again", AT_EMPTY_PATH));
    SHOW(write(fd, "x", 1));
    {
        struct stat st;
        SHOW(fstat(fd, &st));
        printf("  nlink %ld size %ld\n", (long)st.st_nlink, (long)st.st_size);
    }
    close(fd);
    unlink("q"), unlink("q2"), unlink("s"), unlink("s2"), unlink("s3");
}

int main(void)
{
    enter_scratch();
    files();
    flags();
    long_names();
    hard_links();
    SHOW(unlink("full/x"));
    SHOW(unlink("r/x"));
    SHOW(rmdir("r/sub"));
    SHOW(unlink("r/sub"));
    SHOW(rmdir("r"));
    SHOW(unlink("r/sub/x"));
    SHOW(rmdir("r/sub"));
    SHOW(unlink("full"));
    SHOW(rmdir("full"));
    SHOW(unlink("b"));
    SHOW(rmdir("g"));
    SHOW(rmdir("r"));
    SHOW(unlink("r"));
    leave_scratch();
    return 0;
}
