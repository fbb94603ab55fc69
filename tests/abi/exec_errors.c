/* SPDX-License-Identifier: BSD-2-Clause */
/* execve and execveat: what is refused, and in which order. The caller goes on after each. */
#include <fcntl.h>
#include <elf.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include "abi.h"

static char *no_args[] = {"x", NULL};
static char *none[] = {NULL};
static char self[4096];

static long execve_(const char *path, char *const argv[], char *const envp[])
{
    return syscall(SYS_execve, path, argv, envp);
}

static long execveat_(int fd, const char *path, char *const argv[], int flags)
{
    return syscall(SYS_execveat, fd, path, argv, none, flags);
}

static void put(const char *path, const void *data, size_t size, int mode)
{
    int fd = open(path, O_CREAT | O_TRUNC | O_WRONLY, 0700);
    if (write(fd, data, size) != (ssize_t)size)
        puts("cannot write");
    fchmod(fd, mode);
    close(fd);
}

static void paths(void)
{
    char *longest = malloc(5000);
    memset(longest, 'a', 4999);
    longest[4999] = 0;
    SHOW(execve_("", no_args, none));
    SHOW(execve_("missing", no_args, none));
    SHOW(execve_("missing/x", no_args, none));
    SHOW(execve_("plain/x", no_args, none));
    SHOW(execve_("plain/", no_args, none));
    SHOW(execve_("plain", no_args, none));
    SHOW(execve_("directory", no_args, none));
    SHOW(execve_("loop", no_args, none));
    SHOW(execve_("fifo", no_args, none));
    SHOW(execve_("/dev/null", no_args, none));
    SHOW(execve_("/proc/self/status", no_args, none));
    CALL("execve(5000 characters)", execve_(longest, no_args, none));
    memset(longest, 'b', 300);
    longest[300] = 0;
    CALL("execve(name of 300)", execve_(longest, no_args, none));
    SHOW(execve_(BAD, no_args, none));
    SHOW(execve_(NULL, no_args, none));
    SHOW(execve_(self, BAD, none));
    SHOW(execve_(self, no_args, BAD));
    SHOW(execve_("missing", BAD, none));
    char *bad_string[] = {"x", BAD, NULL};
    SHOW(execve_(self, bad_string, none));
    SHOW(execve_(self, no_args, bad_string));
    SHOW(execve_("empty", no_args, none));
    free(longest);
}

static void sizes(void)
{
    static char big[131072 + 1], *many[200000];
    char *argv[] = {big, NULL};
    memset(big, 'a', 131072);
    CALL("one string of 131072", execve_("empty", argv, none));
    big[131071] = 0;
    CALL("one string of 131071", execve_("empty", argv, none));
    for (int i = 0; i < 60; i++)
        many[i] = big;
    CALL("60 strings of 131071", execve_("empty", many, none));
    CALL("60 strings of 131071, environment", execve_("empty", none, many));
    many[15] = NULL;
    CALL("15 strings of 131071", execve_("empty", many, none));
    many[15] = big, many[16] = NULL;
    CALL("16 strings of 131071", execve_("empty", many, none));
    for (int i = 0; i < 199999; i++)
        many[i] = "x";
    CALL("199999 strings of 1", execve_("empty", many, none));
    many[199998] = BAD;
    CALL("the last of 199999 strings is bad", execve_("empty", many, none));
    many[199998] = "x";
    many[0] = BAD;
    CALL("the first of 199999 strings is bad", execve_("empty", many, none));
    many[0] = big;
    big[131071] = 'a';
    CALL("the first of 199999 strings is long", execve_("empty", many, none));
    many[5] = BAD;
    CALL("and the fifth is bad", execve_("empty", many, none));
    struct rlimit limit = {64 << 10, RLIM_INFINITY};
    getrlimit(RLIMIT_STACK, &limit);
    struct rlimit small = {64 << 10, limit.rlim_max};
    setrlimit(RLIMIT_STACK, &small);
    big[100000] = 0;
    many[0] = many[1] = big, many[2] = NULL;
    CALL("200000 bytes, stack of 64 KiB", execve_("empty", many, none));
    many[1] = NULL;
    CALL("100000 bytes, stack of 64 KiB", execve_("empty", many, none));
    setrlimit(RLIMIT_STACK, &limit);
}

/* A program that exits with 0 at once, and what can be wrong with it. */
static struct image {
    Elf64_Ehdr e;
    Elf64_Phdr p[4];
    unsigned char code[64];
    char interpreter[3][64];
} image;

static void fresh(void)
{
    static const unsigned char code[] = {0xb8, 60, 0, 0, 0, 0x31, 0xff, 0x0f, 0x05};
    memset(&image, 0, sizeof(image));
    memcpy(image.e.e_ident, "\177ELF\2\1\1", 7);
    image.e.e_type = ET_EXEC;
    image.e.e_machine = EM_X86_64;
    image.e.e_version = 1;
    image.e.e_entry = 0x400000 + offsetof(struct image, code);
    image.e.e_phoff = offsetof(struct image, p);
    image.e.e_ehsize = sizeof(image.e);
    image.e.e_phentsize = sizeof(Elf64_Phdr);
    image.e.e_phnum = 4;
    image.p[0] = (Elf64_Phdr){.p_type = PT_LOAD, .p_flags = PF_R | PF_X, .p_vaddr = 0x400000,
                              .p_filesz = sizeof(image), .p_memsz = sizeof(image), .p_align = 4096};
    memcpy(image.code, code, sizeof(code));
}

static void interpreter(int i, const char *path)
{
    image.p[1 + i] = (Elf64_Phdr){.p_type = PT_INTERP, .p_filesz = strlen(path) + 1,
                                  .p_offset = offsetof(struct image, interpreter) + (size_t)i * 64};
    strcpy(image.interpreter[i], path);
}

static void try(const char *what)
{
    put("image", &image, sizeof(image), 0755);
    CALL(what, execve_("image", no_args, none));
}

static void images(void)
{
    fresh(), image.e.e_machine = EM_386, try("for another machine");
    fresh(), image.e.e_type = ET_REL, try("object file");
    fresh(), image.e.e_phentsize = 32, try("other header size");
    fresh(), image.e.e_phnum = 0, try("no headers");
    fresh(), image.e.e_ident[1] = 'X', try("other magic");
    fresh(), interpreter(0, "/missing/interpreter"), try("missing interpreter");
    fresh(), interpreter(0, "empty"), try("empty interpreter");
    fresh(), interpreter(0, "text"), try("interpreter is no ELF file");
    fresh(), interpreter(0, "plain"), try("interpreter is not executable");
    fresh(), interpreter(0, "directory"), try("interpreter is a directory");
    fresh(), interpreter(0, "plain/x"), try("interpreter below a file");
    fresh(), interpreter(0, "/missing/one"), interpreter(1, "text"), try("two interpreters");
    fresh(), interpreter(0, "x"), image.p[1].p_filesz = 1, try("interpreter of one byte");
    fresh(), interpreter(0, "x"), image.p[1].p_filesz = 5000, try("interpreter of 5000 bytes");
    fresh(), interpreter(0, "x"), image.p[1].p_filesz = 3, image.interpreter[0][2] = 'x', try("interpreter without an end");
}

static void at(void)
{
    int dir = open("directory", O_RDONLY), file = open("text", O_RDONLY), null = open("/dev/null", O_RDONLY);
    int path = open("empty", O_PATH), closing = open("script", O_RDONLY | O_CLOEXEC), kept = open("script", O_RDONLY);
    int cloexec_dir = open("directory", O_RDONLY | O_CLOEXEC), pipes[2];
    if (pipe(pipes))
        return;
    SHOW(execveat_(dir, "missing", no_args, 0));
    SHOW(execveat_(dir, "", no_args, 0));
    SHOW(execveat_(dir, "", no_args, AT_EMPTY_PATH));
    SHOW(execveat_(AT_FDCWD, "", no_args, AT_EMPTY_PATH));
    SHOW(execveat_(file, "x", no_args, 0));
    SHOW(execveat_(file, "", no_args, AT_EMPTY_PATH));
    SHOW(execveat_(file, "", no_args, 0));
    SHOW(execveat_(null, "", no_args, AT_EMPTY_PATH));
    SHOW(execveat_(pipes[0], "", no_args, AT_EMPTY_PATH));
    SHOW(execveat_(path, "", no_args, AT_EMPTY_PATH));
    SHOW(execveat_(999, "x", no_args, 0));
    SHOW(execveat_(999, "", no_args, AT_EMPTY_PATH));
    SHOW(execveat_(999, "/missing", no_args, 0));
    SHOW(execveat_(dir, "../link", no_args, AT_SYMLINK_NOFOLLOW));
    SHOW(execveat_(dir, "../empty", no_args, 0));
    SHOW(execveat_(dir, "../empty", no_args, AT_SYMLINK_NOFOLLOW));
    SHOW(execveat_(dir, "../empty", no_args, AT_REMOVEDIR));
    SHOW(execveat_(999, BAD, no_args, 0));
    SHOW(execveat_(dir, NULL, no_args, AT_EMPTY_PATH));
    SHOW(execveat_(closing, "", no_args, AT_EMPTY_PATH));
    SHOW(execveat_(cloexec_dir, "../script", no_args, 0));
    SHOW(execveat_(kept, "", no_args, AT_EMPTY_PATH)); /* its interpreter is missing */
}

static void busy(void)
{
    int writer = open("empty", O_WRONLY);
    SHOW(execve_("empty", no_args, none));
    int reader = open("empty", O_RDONLY);
    SHOW(execveat_(reader, "", no_args, AT_EMPTY_PATH));
    close(writer);
    SHOW(execve_("empty", no_args, none));
    writer = open("empty", O_WRONLY | O_APPEND);
    SHOW(writer >= 0);
    close(writer);
    char *map = mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_SHARED, writer = open("text", O_RDWR), 0);
    close(writer);
    SHOW(execve_("text", no_args, none)); /* a writable mapping still writes */
    munmap(map, 4096);
    SHOW(execve_("text", no_args, none));
    /* The running program. */
    CALL("open(self, O_WRONLY)", open(self, O_WRONLY));
    CALL("open(self, O_RDWR | O_TRUNC)", open(self, O_RDWR | O_TRUNC));
    CALL("truncate(self)", truncate(self, 0));
    CALL("chmod(self)", chmod(self, 0755));
}

static void scripts(void)
{
    static const struct {
        const char *what, *text;
        size_t size;
    } list[] = {
#define S(what, text) {what, text, sizeof(text) - 1}
        S("no interpreter", "#!\n"),
        S("no interpreter, no end", "#!"),
        S("blanks only", "#! \t \n"),
        S("blanks only, no end", "#!   "),
        S("missing interpreter", "#!/missing\n"),
        S("carriage return", "#!text\r\n"),
        S("directory", "#!directory\n"),
        S("not executable", "#!plain\n"),
        S("itself", "#!s\n"),
        S("a space before", " #!text\n"),
        S("interpreter is text", "#!text\n"),
        S("NUL first", "#!\0text\n"),
        S("NUL in the name", "#!te\0xt\n"),
    };
    char head[300];
    for (size_t i = 0; i < sizeof(list) / sizeof(list[0]); i++) {
        put("s", list[i].text, list[i].size, 0755);
        CALL(list[i].what, execve_("s", no_args, none));
    }
    memset(head, 'x', sizeof(head));
    memcpy(head, "#!", 2);
    put("s", head, sizeof(head), 0755);
    SHOW(execve_("s", no_args, none));
    memset(head + 2, ' ', sizeof(head) - 2);
    put("s", head, sizeof(head), 0755);
    SHOW(execve_("s", no_args, none));
    memcpy(head + 248, "missing", 7);
    put("s", head, sizeof(head), 0755);
    SHOW(execve_("s", no_args, none)); /* ends at byte 255, a blank behind */
    memcpy(head + 249, "missing", 7);
    put("s", head, sizeof(head), 0755);
    SHOW(execve_("s", no_args, none)); /* ends at byte 256 */
    head[256] = '\n';
    put("s", head, 257, 0755);
    SHOW(execve_("s", no_args, none));
    for (int i = 0; i < 9; i++) {
        char name[4] = {'t', (char)('0' + i)}, text[8] = {'#', '!', 't', (char)('1' + i), '\n'};
        put(name, text, 5, 0755);
    }
    SHOW(execve_("t8", no_args, none)); /* t9 is missing */
    SHOW(execve_("t5", no_args, none));
    SHOW(execve_("t4", no_args, none));
    SHOW(execve_("t3", no_args, none));
    put("t9", "text", 4, 0755);
    SHOW(execve_("t6", no_args, none));
    SHOW(execve_("t5", no_args, none));
    SHOW(execve_("t4", no_args, none));
    SHOW(execve_("t3", no_args, none));
}

int main(void)
{
    self[readlink("/proc/self/exe", self, sizeof(self) - 1)] = 0;
    put("plain", "x", 1, 0644);
    put("empty", "", 0, 0755);
    put("text", "text", 4, 0755);
    put("script", "#!/missing\n", 11, 0755);
    SHOW(mkdir("directory", 0755));
    SHOW(symlink("loop", "loop"));
    SHOW(symlink("empty", "link"));
    SHOW(mknod("fifo", S_IFIFO | 0755, 0));
    paths();
    sizes();
    images();
    at();
    busy();
    scripts();
    return 0;
}
