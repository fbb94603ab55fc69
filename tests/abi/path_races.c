/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Renames, exchanges, links and removals beside look-ups of the same names, on all CPUs: what a look-up finds is what it was
 * asked for, nothing is lost, nothing is found twice, no directory ends up below itself. cpus: 4
 */
#include "file_check.h"
#include <dirent.h>
#include <linux/fs.h>
#include <pthread.h>

#define DIRS   6  /* t0 … t5, each with a directory mN somewhere below */
#define FILES  8
#define ROUNDS 1500

static int wrong, stop;
static unsigned seed(unsigned *s)
{
    return *s = *s * 1103515245u + 12345u, *s >> 8;
}

#define WRONG(condition)                                                       \
    do {                                                                       \
        if ((condition) && __atomic_fetch_add(&wrong, 1, __ATOMIC_RELAXED) < 5) \
            printf("wrong: %s: %s\n", #condition, strerrorname_np(errno));    \
    } while (0)

static int expected(const int *list)
{
    for (; *list; list++)
        if (errno == *list)
            return 1;
    return 0;
}

/* Moves the directories m0, m1, … from one parent to another; some of that would put one below itself. */
static void *mover(void *arg)
{
    unsigned s = (unsigned)(long)arg;
    char from[60], to[60];

    for (int k = 0; k < ROUNDS; k++) {
        unsigned m = seed(&s) % DIRS, a = seed(&s) % DIRS, b = seed(&s) % DIRS;

        snprintf(from, sizeof(from), seed(&s) % 2 ? "t%u/m%u" : "t%u/m%u/m%u", a, m, b);
        snprintf(to, sizeof(to), seed(&s) % 2 ? "t%u/m%u" : "t%u/m%u/m%u", b, m, a);
        if (renameat2(AT_FDCWD, from, AT_FDCWD, to, seed(&s) % 3 ? RENAME_NOREPLACE : RENAME_EXCHANGE))
            WRONG(!expected((int[]){ENOENT, EEXIST, EINVAL, ENOTEMPTY, 0}));
    }
    __atomic_fetch_add(&stop, 1, __ATOMIC_RELEASE);
    return NULL;
}

/* Files fN hold their number; hN are links to them, lN symlinks, replaced all the time. */
static void *linker(void *arg)
{
    unsigned s = (unsigned)(long)arg;
    char name[60], other[60];

    for (int k = 0; k < ROUNDS; k++) {
        unsigned n = seed(&s) % FILES;

        snprintf(name, sizeof(name), "files/f%u", n);
        switch (seed(&s) % 4) {
        case 0:
            snprintf(other, sizeof(other), "files/h%u", n);
            if (link(name, other))
                WRONG(errno != EEXIST);
            break;
        case 1:
            snprintf(other, sizeof(other), "files/h%u", n);
            if (unlink(other))
                WRONG(errno != ENOENT);
            break;
        case 2:
            snprintf(other, sizeof(other), "files/s%ld-%u", (long)arg, n);
            WRONG(symlink(name + 6, other));
            snprintf(name, sizeof(name), "files/l%u", n);
            WRONG(rename(other, name));
            break;
        case 3:
            snprintf(other, sizeof(other), "files/n%ld-%u", (long)arg, n);
            make_file(other, (char[]){(char)('0' + n), 0});
            WRONG(rename(other, name));
            break;
        }
    }
    __atomic_fetch_add(&stop, 1, __ATOMIC_RELEASE);
    return NULL;
}

static void *looker(void *arg)
{
    unsigned s = (unsigned)(long)arg;
    char path[100], text[2];
    int fd;

    while (__atomic_load_n(&stop, __ATOMIC_ACQUIRE) < 3) {
        unsigned n = seed(&s) % FILES, a = seed(&s) % DIRS, m = seed(&s) % DIRS;
        static const char *const forms[] = {"files/f%u", "files/../files/f%u", "files/l%u", "t0/../files/./l%u", "up/files/f%u", "files/h%u"};
        unsigned form = seed(&s) % 6;

        snprintf(path, sizeof(path), forms[form], n);
        fd = open(path, O_RDONLY);
        WRONG(fd < 0 && (form != 5 || errno != ENOENT)); /* fN and lN are replaced, never missing */
        if (fd >= 0) {
            WRONG(pread(fd, text, 1, 0) != 1 || text[0] != (char)('0' + n));
            close(fd);
        }
        snprintf(path, sizeof(path), "t%u/m%u/mark", a, m);
        fd = open(path, O_RDONLY);
        WRONG(fd < 0 && errno != ENOENT);
        if (fd >= 0) {
            WRONG(pread(fd, text, 1, 0) != 1 || text[0] != (char)('0' + m));
            close(fd);
        }
        snprintf(path, sizeof(path), "t%u/m%u/..", a, m);
        fd = open(path, O_RDONLY | O_DIRECTORY);
        WRONG(fd < 0 && errno != ENOENT);
        if (fd >= 0) {
            char where[PATH_MAX], link[40];
            ssize_t length;

            snprintf(link, sizeof(link), "/proc/self/fd/%d", fd);
            length = readlink(link, where, sizeof(where) - 1);
            WRONG(length <= 0 || where[0] != '/');
            close(fd);
        }
    }
    return NULL;
}

/* Counts what is below a directory and checks that ".." leads back. */
static void count(const char *path, int *dirs, int *files, int depth)
{
    DIR *d = opendir(path);
    struct stat here, up;

    if (!d || depth > 20 || stat(path, &here)) {
        wrong++;
        return;
    }
    for (struct dirent *e; (e = readdir(d));) {
        char name[PATH_MAX], back[PATH_MAX + 4];

        if (e->d_name[0] == '.')
            continue;
        snprintf(name, sizeof(name), "%s/%s", path, e->d_name);
        if (e->d_type == DT_DIR) {
            ++*dirs;
            snprintf(back, sizeof(back), "%s/..", name);
            WRONG(stat(back, &up) || up.st_ino != here.st_ino);
            count(name, dirs, files, depth + 1);
        } else {
            ++*files;
        }
    }
    closedir(d);
}

static void clear(const char *path)
{
    DIR *d = opendir(path);

    for (struct dirent *e; d && (e = readdir(d));) {
        char name[PATH_MAX];

        if (!strcmp(e->d_name, ".") || !strcmp(e->d_name, ".."))
            continue;
        snprintf(name, sizeof(name), "%s/%s", path, e->d_name);
        if (unlink(name) && errno == EISDIR) {
            clear(name);
            rmdir(name);
        }
    }
    if (d)
        closedir(d);
}

int main(void)
{
    pthread_t t[6];
    char name[40];
    struct stat st;
    int dirs = 0, files = 0, links = 0;

    enter_scratch();
    SHOW(mkdir("files", 0755));
    SHOW(symlink(".", "up"));
    for (int k = 0; k < DIRS; k++) {
        snprintf(name, sizeof(name), "t%d", k);
        mkdir(name, 0755);
        snprintf(name, sizeof(name), "t%d/m%d", k, k);
        mkdir(name, 0755);
        strcat(name, "/mark");
        make_file(name, (char[]){(char)('0' + k), 0});
    }
    for (int k = 0; k < FILES; k++) {
        snprintf(name, sizeof(name), "files/f%d", k);
        make_file(name, (char[]){(char)('0' + k), 0});
        char target[20];
        snprintf(target, sizeof(target), "f%d", k);
        name[6] = 'l';
        if (symlink(target, name))
            perror(name);
    }
    for (long k = 0; k < 6; k++)
        pthread_create(&t[k], NULL, k < 2 ? mover : k == 2 ? linker : looker, (void *)(k + 1));
    for (int k = 0; k < 6; k++)
        pthread_join(t[k], NULL);
    for (int k = 0; k < DIRS; k++) {
        snprintf(name, sizeof(name), "t%d", k);
        count(name, &dirs, &files, 0);
    }
    printf("%d directories, %d marks\n", dirs, files);
    dirs = files = 0;
    count("files", &dirs, &files, 0);
    for (int k = 0; k < FILES; k++) {
        snprintf(name, sizeof(name), "files/h%d", k);
        if (!stat(name, &st))
            files--;
        snprintf(name, sizeof(name), "files/f%d", k);
        if (!stat(name, &st) && st.st_nlink >= 1 && st.st_nlink <= 2)
            links++;
    }
    printf("%d files and links, %d counted well\n", files, links);
    SHOW(stat(".", &st));
    printf("nlink %ld\n", (long)st.st_nlink);
    printf("wrong: %d\n", wrong);
    clear(".");
    leave_scratch();
    return wrong != 0;
}
