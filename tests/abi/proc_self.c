/* SPDX-License-Identifier: BSD-2-Clause */
/* What a program finds about itself in /proc and about the machine in /proc and /sys: form and
 * links, not values. */
#include "file_check.h"
#include <dirent.h>
#include <pthread.h>
#include <sys/auxv.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/sysinfo.h>

static char buf[65536];

static long slurp(const char *path)
{
    int fd = open(path, O_RDONLY);
    long n = 0, got;

    if (fd < 0)
        return -1;
    while ((got = read(fd, buf + n, sizeof(buf) - 1 - (size_t)n)) > 0)
        n += got;
    buf[n] = 0;
    close(fd);
    return got < 0 ? -1 : n;
}

static void links(const char *argv0)
{
    char text[PATH_MAX], want[PATH_MAX];
    struct stat a, b;
    long n;
    int fd, p[2];

    n = readlink("/proc/self", text, sizeof(text));
    text[n > 0 ? n : 0] = 0;
    printf("self is the pid: %d\n", atoi(text) == getpid());
    n = readlink("/proc/self/exe", text, sizeof(text) - 1);
    text[n > 0 ? n : 0] = 0;
    printf("exe: absolute %d, same file %d\n", text[0] == '/',
           !stat(text, &a) && !stat("/proc/self/exe", &b) && a.st_ino == b.st_ino &&
               S_ISREG(b.st_mode));
    (void)argv0;
    SHOW(readlink("/proc/self/cwd", text, sizeof(text)) ==
         (long)strlen(getcwd(want, sizeof(want))));
    SHOW(readlink("/proc/self/root", text, sizeof(text)));
    SHOW(lstat("/proc/self/exe", &a));
    printf("%o\n", a.st_mode & S_IFMT);
    fd = open("file", O_CREAT | O_RDWR, 0600);
    snprintf(text, sizeof(text), "/proc/self/fd/%d", fd);
    n = readlink(text, want, sizeof(want) - 1);
    want[n > 0 ? n : 0] = 0;
    printf("fd link: %s\n", strrchr(want, '/'));
    SHOW(lstat(text, &a));
    printf("%o\n", a.st_mode);
    SHOW(write(fd, "data", 4));
    int again = open(text, O_RDONLY);
    SHOW(read(again, buf, 10));
    close(again);
    unlink("file");
    n = readlink(text, want, sizeof(want) - 1);
    want[n > 0 ? n : 0] = 0;
    printf("fd link: %s\n", strrchr(want, '/'));
    again = open(text, O_RDONLY);
    SHOW(read(again, buf, 10));
    close(again), close(fd);
    SHOW(readlink(text, want, sizeof(want)));
    SHOW(access(text, F_OK));
    if (pipe(p))
        return;
    snprintf(text, sizeof(text), "/proc/self/fd/%d", p[1]);
    n = readlink(text, want, 6);
    printf("%.6s\n", want);
    SHOW(stat(text, &a));
    printf("%o\n", a.st_mode);
    again = open(text, O_WRONLY);
    SHOW(write(again, "through", 7));
    SHOW(read(p[0], buf, 10));
    close(again), close(p[0]), close(p[1]);
    SHOW(open("/proc/self/fd/9999", O_RDONLY));
    SHOW(open("/proc/self/fd/x", O_RDONLY));
    SHOW(open("/proc/self/none", O_RDONLY));
    SHOW(open("/proc/99999999", O_RDONLY));
    SHOW(open("/proc/version", O_RDONLY | O_DIRECTORY));
    SHOW(mkdir("/proc/dir", 0755));
    SHOW(unlink("/proc/version"));
    SHOW(stat("/dev/stdin", &a));
    SHOW(stat("/dev/fd/1", &a));
    fstat(1, &b);
    stat("/dev/stdout", &a);
    printf("stdout is descriptor 1: %d\n", a.st_ino == b.st_ino);
}

static void *task(void *arg)
{
    DIR *d = opendir("/proc/self/task");
    struct dirent *e;
    int n = 0;

    (void)arg;
    while ((e = readdir(d)))
        n += e->d_name[0] != '.';
    closedir(d);
    printf("tasks: %d\n", n);
    snprintf(buf, sizeof(buf), "/proc/self/task/%d/comm", (int)gettid());
    int fd = open(buf, O_RDWR);
    SHOW(write(fd, "worker", 6));
    SHOW(pread(fd, buf, 100, 0));
    printf("%.7s", buf);
    close(fd);
    prctl(PR_GET_NAME, buf);
    printf("name %s\n", buf);
    return NULL;
}

static void texts(int argc, char **argv)
{
    long n = slurp("/proc/self/cmdline"), want = 0;
    pthread_t t;
    char *line;
    int found = 0;

    for (int k = 0; k < argc; k++)
        want += (long)strlen(argv[k]) + 1;
    printf("cmdline: %d %d\n", n == want, !strcmp(buf, argv[0]));
    SHOW(slurp("/proc/self/environ") >= 0);
    n = slurp("/proc/self/auxv");
    for (long k = 0; k + 16 <= n; k += 16)
        if (*(unsigned long *)(buf + k) == AT_ENTRY)
            found = *(unsigned long *)(buf + k + 8) == getauxval(AT_ENTRY);
    printf("auxv: %d %d\n", (int)(n % 16), found);
    n = slurp("/proc/self/maps");
    printf("maps: %d lines end %d stack %d\n", n > 100, buf[n - 1] == '\n',
           strstr(buf, "[stack]") != NULL);
    line = strstr(buf, " r-xp ");
    printf("maps: text with path %d\n",
           line && strchr(line, '/') && strchr(line, '/') < strchr(line, '\n'));
    n = slurp("/proc/self/stat");
    line = strrchr(buf, ')');
    found = 2;
    for (char *c = line + 1; *c; c++)
        found += *c == ' ';
    printf("stat: %d fields, state %c, pid %d\n", found, line[2], atoi(buf) == getpid());
    SHOW(slurp("/proc/self/status") > 100);
    printf("status: %d %d %d\n", strstr(buf, "\nVmRSS:") != NULL,
           strstr(buf, "\nThreads:\t1\n") != NULL, strstr(buf, "\nCpus_allowed_list:") != NULL);
    SHOW(slurp("/proc/self/limits") > 100);
    printf("%.66s\n", buf);
    SHOW(slurp("/proc/self/mounts") > 10);
    SHOW(slurp("/proc/self/mountinfo") > 10);
    printf("mountinfo: %d\n", strstr(buf, " / / rw,") != NULL);
    SHOW(slurp("/proc/self/oom_score_adj"));
    SHOW(slurp("/proc/self/coredump_filter"));
    printf("%s", buf);
    SHOW(slurp("/proc/meminfo") > 50);
    printf("meminfo: %d %d\n", !strncmp(buf, "MemTotal:", 9),
           strstr(buf, "\nMemAvailable:") != NULL);
    SHOW(slurp("/proc/stat") > 20);
    found = 0;
    for (line = buf; (line = strstr(line, "\ncpu")); line++)
        found++;
    printf("stat: a line for each cpu %d\n", found == get_nprocs());
    SHOW(slurp("/proc/cpuinfo") > 100);
    printf("cpuinfo: %d %d\n", strstr(buf, "model name\t: ") != NULL,
           strstr(buf, " sse2 ") != NULL);
    SHOW(slurp("/proc/uptime") > 6);
    SHOW(slurp("/proc/loadavg") > 10);
    SHOW(slurp("/proc/sys/kernel/ngroups_max"));
    printf("%s", buf);
    SHOW(slurp("/proc/sys/kernel/pid_max"));
    SHOW(slurp("/proc/sys/kernel/random/boot_id"));
    SHOW(slurp("/proc/sys/kernel/random/uuid"));
    SHOW(slurp("/proc/sys/vm/max_map_count"));
    printf("%s", buf);
    SHOW(slurp("/proc/sys/net/core/somaxconn"));
    printf("%s", buf);
    SHOW(slurp("/sys/devices/system/cpu/online") == slurp("/sys/devices/system/cpu/possible"));
    SHOW(slurp("/sys/kernel/mm/transparent_hugepage/hpage_pmd_size"));
    printf("%s", buf);
    pthread_create(&t, NULL, task, NULL);
    pthread_join(t, NULL);
    int fd = open("/proc/self/maps", O_RDONLY);
    SHOW(read(fd, buf, 10));
    SHOW(lseek(fd, 0, SEEK_SET));
    SHOW(read(fd, buf + 10, 10));
    printf("same again: %d\n", !memcmp(buf, buf + 10, 10));
    SHOW(read(fd, BAD_PTR, 10));
    SHOW(lseek(fd, 0, SEEK_END));
    close(fd);
}

int main(int argc, char **argv)
{
    enter_scratch();
    links(argv[0]);
    texts(argc, argv);
    leave_scratch();
    return 0;
}
