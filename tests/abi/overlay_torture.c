/* SPDX-License-Identifier: BSD-2-Clause */
/* cpus: 4 */
/*
 * An overlay against a plain directory: the same random operations on both must answer the same and
 * leave the same. Then threads that copy the same files up at once. Run as root.
 */
#include "overlay.h"
#include <pthread.h>
#include <sys/xattr.h>

#define ROUNDS 8
#define OPERATIONS 1000
#define MOUNT_OPTIONS "lowerdir=low1:low2,upperdir=up,workdir=work"

static uint64_t state = 20240229;

static unsigned below(unsigned n)
{
    state = state * 6364136223846793005ull + 1442695040888963407ull;
    return (unsigned)(state >> 33) % n;
}

/* A path of up to three short names; most directories have capitals, most other things have not. */
static void random_path(char *path)
{
    int depth = 1 + (int)below(3);

    *path = 0;
    while (--depth)
        sprintf(path + strlen(path), "%c/", 'A' + (int)below(3));
    sprintf(path + strlen(path), "%c", (below(3) ? 'a' : 'A') + (int)below(3));
}

/* The same, of a directory or of something else. */
static void random_kind(char *path, int directory)
{
    random_path(path);
    path[strlen(path) - 1] = (char)((directory ? 'A' : 'a') + (int)below(3));
}

static char data[20000];

static int put_file(const char *path, int flags, unsigned from, unsigned n, unsigned seed)
{
    int fd = open(path, flags, 0644);

    if (fd < 0)
        return -1;
    for (unsigned k = 0; k < n; k++)
        data[k] = (char)(seed + k * 7);
    int done = (int)pwrite(fd, data, n, from);
    close(fd);
    return done;
}

struct op {
    unsigned kind, a, b, c;
    char path[40], other[40];
};

static void random_op(struct op *o)
{
    o->kind = below(18);
    o->a = below(9000);
    o->b = below(9000);
    o->c = below(1000);
    random_path(o->path);
    random_path(o->other);
    if (o->kind == 6 || o->kind == 7)
        random_kind(o->path, below(8) != 0);
    else if (o->kind < 4 || o->kind == 11 || o->kind == 12)
        random_kind(o->kind == 11 ? o->other : o->path, below(12) == 0);
}

/* Runs o below the current directory. */
static int run(const struct op *o)
{
    struct timespec times[2] = {{(time_t)o->a, 0}, {(time_t)o->b, 0}};
    char value[8];
    struct stat st;
    int fd, n;

    switch (o->kind) {
    case 0:
    case 1:
        return put_file(o->path, O_CREAT | O_WRONLY, o->a, o->b % 3000, o->c);
    case 2:
        return put_file(o->path, O_WRONLY, o->a, o->b % 3000, o->c);
    case 3:
        return put_file(o->path, O_WRONLY | O_TRUNC, o->a, o->b % 300, o->c);
    case 4:
        return truncate(o->path, o->a);
    case 5:
        return unlink(o->path);
    case 6:
        return mkdir(o->path, 0755);
    case 7:
        return rmdir(o->path);
    case 8:
    case 9:
        return rename(o->path, o->other);
    case 10:
        return renameat2(AT_FDCWD, o->path, AT_FDCWD, o->other, RENAME_EXCHANGE);
    case 11:
        return link(o->path, o->other);
    case 12:
        return symlink(o->other, o->path);
    case 13:
        return fchmodat(AT_FDCWD, o->path, 0600 | (o->a & 0177), 0);
    case 14:
        return utimensat(AT_FDCWD, o->path, times, AT_SYMLINK_NOFOLLOW);
    case 15:
        snprintf(value, sizeof(value), "%u", o->c);
        return setxattr(o->path, "user.v", value, strlen(value), 0);
    case 16:
        fd = open(o->path, O_RDWR | O_APPEND);
        if (fd < 0)
            return -1;
        n = (int)write(fd, "appended", 8);
        n += (int)pread(fd, data, sizeof(data), 0);
        close(fd);
        return n;
    default:
        if (lstat(o->path, &st))
            return -1;
        return S_ISREG(st.st_mode) ? (int)st.st_size : (int)(st.st_mode & S_IFMT);
    }
}

static int in(const char *dir, const struct op *o)
{
    int result, error, here = open(".", O_RDONLY | O_DIRECTORY);

    if (chdir(dir)) {
        perror(dir);
        exit(2);
    }
    result = run(o);
    error = result < 0 ? -errno : result;
    if (fchdir(here))
        exit(2);
    close(here);
    return error;
}

/* ------------------------------------------------------------ comparing */

static int differences;
static int ignore_links; /* copy_tree() does not make them */

static void differ(const char *what, const char *path)
{
    if (differences++ < 20)
        printf("DIFFERENT %s: %s\n", what, path);
}

static char *content(const char *path, size_t n)
{
    char *text = malloc(n + 1);
    int fd = open(path, O_RDONLY);

    if (fd < 0 || read(fd, text, n + 1) != (ssize_t)n)
        *text = ~*text;
    close(fd);
    return text;
}

static void compare(const char *a, const char *b);

static void compare_dirs(const char *a, const char *b)
{
    char **x = names_of(a), **y = names_of(b);
    int k;

    for (k = 0; x[k] && y[k] && !strcmp(x[k], y[k]); k++) {
        char p[300], q[300];

        snprintf(p, sizeof(p), "%s/%s", a, x[k]);
        snprintf(q, sizeof(q), "%s/%s", b, y[k]);
        if (x[k][0] != '.')
            compare(p, q);
    }
    if (x[k] || y[k])
        differ("names", a);
    free_names(x);
    free_names(y);
}

static void compare(const char *a, const char *b)
{
    struct stat s, t;
    char v[8] = "", w[8] = "";

    if (lstat(a, &s) || lstat(b, &t)) {
        differ("gone", a);
        return;
    }
    if (s.st_mode != t.st_mode || s.st_uid != t.st_uid || s.st_gid != t.st_gid)
        differ("mode", a);
    if (!S_ISDIR(s.st_mode) && (s.st_size != t.st_size || (s.st_nlink != t.st_nlink && !ignore_links)))
        differ("size or links", a);
    if (lgetxattr(a, "user.v", v, sizeof(v)) != lgetxattr(b, "user.v", w, sizeof(w)) || strcmp(v, w))
        differ("attribute", a);
    if (S_ISDIR(s.st_mode)) {
        compare_dirs(a, b);
    } else if (S_ISREG(s.st_mode) && s.st_size == t.st_size) {
        char *x = content(a, (size_t)s.st_size), *y = content(b, (size_t)t.st_size);

        if (memcmp(x, y, (size_t)s.st_size))
            differ("content", a);
        free(x);
        free(y);
    }
}

/* ------------------------------------------------------------ the run */

static void clear(const char *dir)
{
    char command[300], **names = names_of(dir);
    struct stat st;

    for (char **n = names; *n; n++) {
        snprintf(command, sizeof(command), "%s/%s", dir, *n);
        if (!strcmp(*n, ".") || !strcmp(*n, "..") || lstat(command, &st))
            continue;
        if (S_ISDIR(st.st_mode)) {
            clear(command);
            rmdir(command);
        } else {
            unlink(command);
        }
    }
    free_names(names);
}

/* The lower trees are made by random operations, links apart; the model is what the overlay shows. */
static void copy_tree(const char *from, const char *to)
{
    char **names = names_of(from), v[8];

    for (char **n = names; *n; n++) {
        char p[300], q[300], text[300] = "";
        struct stat st;

        snprintf(p, sizeof(p), "%s/%s", from, *n);
        snprintf(q, sizeof(q), "%s/%s", to, *n);
        if (!strcmp(*n, ".") || !strcmp(*n, "..") || lstat(p, &st))
            continue;
        if (S_ISDIR(st.st_mode)) {
            mkdir(q, 0755);
            copy_tree(p, q);
        } else if (S_ISLNK(st.st_mode)) {
            if (readlink(p, text, sizeof(text) - 1) < 0 || symlink(text, q))
                exit(2);
        } else {
            char *all = content(p, (size_t)st.st_size);
            int fd = open(q, O_CREAT | O_WRONLY, 0600);

            if (write(fd, all, (size_t)st.st_size) != st.st_size)
                exit(2);
            close(fd);
            free(all);
        }
        ssize_t size = lgetxattr(p, "user.v", v, sizeof(v));
        if (size > 0)
            setxattr(q, "user.v", v, (size_t)size, 0);
        if (!S_ISLNK(st.st_mode))
            chmod(q, st.st_mode & 07777);
    }
    free_names(names);
}

static void mount_overlay(void)
{
    if (mount("o", "m", "overlay", 0, MOUNT_OPTIONS)) {
        perror("mount");
        exit(2);
    }
}

static void torture(int round)
{
    unsigned results[256] = {0}, successes = 0;
    struct op o;

    make_dir("low1"), make_dir("low2"), make_dir("up"), make_dir("work"), make_dir("m");
    make_dir("model");
    for (int k = 0; k < 400; k++) {
        random_op(&o);
        if (o.kind != 11)
            in(k % 2 ? "low1" : "low2", &o);
    }
    mount_overlay();
    copy_tree("m", "model");
    compare("m", "model");
    for (int k = 0; k < OPERATIONS; k++) {
        int a, b;

        random_op(&o);
        a = in("m", &o);
        if (a == -EXDEV && o.kind >= 8 && o.kind <= 10)
            b = a; /* a directory that has a lower part */
        else
            b = in("model", &o);
        if (a != b) {
            printf("operation %d %u(%s, %s) %d: %d\n", k, o.kind, o.path, o.other, a, b);
            differences++;
        }
        if (a < 0)
            results[-a & 255]++;
        else
            successes++;
        if (k % 100 == 99)
            compare("m", "model");
        if (k % 150 == 149) {
            if (umount2("m", 0))
                perror("umount");
            mount_overlay();
            compare("m", "model");
        }
    }
    printf("round %d: %u done", round, successes);
    for (int e = 1; e < 256; e++)
        if (results[e])
            printf(", %u %s", results[e], strerrorname_np(e));
    printf(", %d differences\n", differences);
    if (umount2("m", 0))
        perror("umount");
    clear(".");
}

/* ------------------------------------------------------------ threads */

#define THREADS 4
#define FILES 40
#define SIZE 150000

static pthread_barrier_t barrier;

static void *racer(void *arg)
{
    long me = (long)arg, bad = 0;

    for (int k = 0; k < FILES; k++) {
        char path[60], text[64];
        int fd;

        pthread_barrier_wait(&barrier);
        sprintf(path, "m/dir%d/sub/file", k);
        if (me == THREADS - 1) { /* reads beside them: old bytes or new ones, whole */
            fd = open(path, O_RDONLY);
            for (int at = 0; at < SIZE; at += 4096)
                if (pread(fd, text, 1, at) != 1 || (text[0] != 'a' + k % 26 && text[0] != '!'))
                    bad++;
        } else {
            fd = open(path, O_RDWR);
            if (pwrite(fd, "!", 1, me * 4096) != 1)
                bad++;
        }
        close(fd);
        if (k % 3 == 1) {
            sprintf(path, "m/dir%d/new%ld", k, me);
            fd = open(path, O_CREAT | O_EXCL | O_RDWR, 0600);
            bad += fd < 0;
            close(fd);
        }
    }
    return (void *)bad;
}

static void race(void)
{
    pthread_t t[THREADS];
    char *text = malloc(SIZE + 1);
    long bad = 0, wrong = 0;

    make_dir("low1"), make_dir("low2"), make_dir("up"), make_dir("work"), make_dir("m");
    for (int k = 0; k < FILES; k++) {
        char path[60];

        sprintf(path, "low1/dir%d", k), make_dir(path);
        strcat(path, "/sub"), make_dir(path);
        strcat(path, "/file");
        memset(text, 'a' + k % 26, SIZE);
        text[SIZE] = 0;
        make_file(path, text);
    }
    mount_overlay();
    pthread_barrier_init(&barrier, NULL, THREADS);
    for (long k = 0; k < THREADS; k++)
        pthread_create(&t[k], NULL, racer, (void *)k);
    for (int k = 0; k < THREADS; k++) {
        void *result;

        pthread_join(t[k], &result);
        bad += (long)result;
    }
    for (int k = 0; k < FILES; k++) {
        char path[60], *now;

        sprintf(path, "m/dir%d/sub/file", k);
        now = content(path, SIZE);
        for (int at = 0; at < SIZE; at++)
            wrong += now[at] != (at % 4096 == 0 && at / 4096 < THREADS - 1 ? '!' : 'a' + k % 26);
        free(now);
    }
    printf("race: %ld failures, %ld wrong bytes\n", bad, wrong);
    show_dir("m/dir1");
    if (umount2("m", 0))
        perror("umount");
    free(text);
}

/* ------------------------------------------------------------ anything at once */

#define STORM_OPERATIONS 1500

static void *storm(void *arg)
{
    uint64_t mine = (uint64_t)arg * 7919 + 13;
    char path[60], other[60];
    struct stat st;
    int fd;

    for (int k = 0; k < STORM_OPERATIONS; k++) {
        unsigned r, n[4];

        for (int j = 0; j < 4; j++) {
            mine = mine * 6364136223846793005ull + 1442695040888963407ull;
            n[j] = (unsigned)(mine >> 33);
        }
        r = n[0] % 14;
        sprintf(path, "m/D%u/%s%u", n[1] % 3, n[1] % 16 < 8 ? "E/" : "", n[1] / 16 % 6);
        sprintf(other, "m/D%u/%s%u", n[2] % 3, n[2] % 16 < 8 ? "E/" : "", n[2] / 16 % 6);
        switch (r) {
        case 0:
        case 1:
            fd = open(path, O_CREAT | O_RDWR, 0644);
            if (fd >= 0 && write(fd, "storm", 5) != 5)
                abort();
            close(fd);
            break;
        case 2:
            unlink(path);
            break;
        case 3:
            mkdir(path, 0755);
            break;
        case 4:
            rmdir(path);
            break;
        case 5:
            rename(path, other);
            break;
        case 6:
            link(path, other);
            break;
        case 7:
            chmod(path, 0600 + n[3] % 64);
            break;
        case 8:
            free_names(names_of(n[3] % 2 ? "m/D1" : "m/D2/E"));
            break;
        case 9:
            renameat2(AT_FDCWD, path, AT_FDCWD, other, RENAME_EXCHANGE);
            break;
        case 10:
            fd = open(path, O_RDONLY);
            if (fd >= 0) {
                char text[20];

                if (read(fd, text, sizeof(text)) < 0 && errno != EISDIR)
                    abort();
                fchmod(fd, 0640);
                close(fd);
            }
            break;
        case 11:
            rmdir("m/D0/E");
            mkdir("m/D0/E", 0755);
            break;
        case 12:
            setxattr(path, "user.v", "1", 1, 0);
            break;
        default:
            stat(path, &st);
        }
    }
    return NULL;
}

/*
 * In an overlay what is left must be the same when it is looked at afresh, and nothing may stay in use. In a plain
 * directory it is enough to come to an end.
 */
static void storms(int overlay)
{
    pthread_t t[THREADS];

    make_dir("low1"), make_dir("low2"), make_dir("up"), make_dir("work"), make_dir("m");
    make_dir("model");
    for (int k = 0; k < 36; k++) {
        char path[60];

        if (overlay)
            sprintf(path, "low%d/D%d", 1 + k % 2, k % 3);
        else
            sprintf(path, "m/D%d", k % 3);
        mkdir(path, 0755);
        strcat(path, "/E");
        mkdir(path, 0755);
        sprintf(path + strlen(path) - (k < 18), "%s%d", k < 18 ? "" : "/", k / 3 % 6);
        make_file(path, "from below");
    }
    if (overlay)
        mount_overlay();
    for (long k = 0; k < THREADS; k++)
        pthread_create(&t[k], NULL, storm, (void *)k);
    for (int k = 0; k < THREADS; k++)
        pthread_join(t[k], NULL);
    copy_tree("m", "model");
    ignore_links = 1;
    if (overlay) {
        if (umount2("m", 0))
            perror("umount");
        mount_overlay();
    }
    compare("m", "model");
    if (overlay && umount2("m", 0))
        perror("umount");
    printf("storm: %d differences\n", differences);
    clear(".");
}

int main(void)
{
    setvbuf(stdout, NULL, _IOLBF, 0); /* so that a hang shows where */
    enter_layers("size=100m");
    for (int round = 0; round < ROUNDS; round++)
        torture(round);
    race();
    clear(".");
    storms(1);
    storms(0);
    leave_layers();
    return differences != 0;
}
