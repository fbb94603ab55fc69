/* SPDX-License-Identifier: BSD-2-Clause */
/* What a program finds at its start: argument and environment strings, the auxiliary vector, brk, the stack. */
#include <elf.h>
#include <link.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <sys/auxv.h>
#include <sys/resource.h>
#include <unistd.h>

extern char **environ;
extern char _start[], end[];

static const struct {
    unsigned long type;
    const char *name;
} names[] = {
    {AT_SYSINFO_EHDR, "SYSINFO_EHDR"}, {AT_HWCAP, "HWCAP"},   {AT_PAGESZ, "PAGESZ"}, {AT_CLKTCK, "CLKTCK"},
    {AT_PHDR, "PHDR"},                 {AT_PHENT, "PHENT"},   {AT_PHNUM, "PHNUM"},   {AT_BASE, "BASE"},
    {AT_FLAGS, "FLAGS"},               {AT_ENTRY, "ENTRY"},   {AT_UID, "UID"},       {AT_EUID, "EUID"},
    {AT_GID, "GID"},                   {AT_EGID, "EGID"},     {AT_SECURE, "SECURE"}, {AT_RANDOM, "RANDOM"},
    {AT_HWCAP2, "HWCAP2"},             {AT_EXECFN, "EXECFN"}, {AT_PLATFORM, "PLATFORM"}, {AT_MINSIGSTKSZ, "MINSIGSTKSZ"},
};

static int in_image(const void *p)
{
    return (uintptr_t)p >= 0x400000 && (char *)p < end;
}

int main(int argc, char **argv)
{
    printf("argc %d argv[argc] %d\n", argc, argv[argc] == NULL);
    printf("environ behind argv %d\n", environ == argv + argc + 1);
    int n = 0, sorted = 1;
    for (char **e = environ; *e; e++) {
        n++;
        sorted &= !e[1] || e[1] == *e + strlen(*e) + 1;
        printf("%s\n", *e);
    }
    printf("argument and environment strings in one run %d\n", sorted && environ[0] == argv[argc - 1] + strlen(argv[argc - 1]) + 1);
    ElfW(auxv_t) *aux = (void *)(environ + n + 1);
    /* Which entries there are, in their order; those that newer Linux has more of are left out. */
    for (ElfW(auxv_t) *a = aux; a->a_type != AT_NULL; a++)
        for (size_t i = 0; i < sizeof(names) / sizeof(*names); i++)
            if (names[i].type == a->a_type)
                printf("AT_%s\n", names[i].name);
    printf("page size %lu, ticks %lu, flags %lu, secure %lu\n", getauxval(AT_PAGESZ), getauxval(AT_CLKTCK), getauxval(AT_FLAGS),
           getauxval(AT_SECURE));
    printf("ids %d\n", getauxval(AT_UID) == getuid() && getauxval(AT_EUID) == geteuid() && getauxval(AT_GID) == getgid() &&
                           getauxval(AT_EGID) == getegid());
    printf("entry %d, base %lu\n", getauxval(AT_ENTRY) == (unsigned long)_start, getauxval(AT_BASE));
    const ElfW(Ehdr) *h = (void *)0x400000;
    printf("headers %d %d %d\n", getauxval(AT_PHDR) == 0x400000 + h->e_phoff, getauxval(AT_PHNUM) == h->e_phnum,
           getauxval(AT_PHENT) == h->e_phentsize);
    const char *path = (const char *)getauxval(AT_EXECFN), *platform = (const char *)getauxval(AT_PLATFORM);
    printf("path is argv[0] %d, ends the strings %d\n", !strcmp(path, argv[0]), path == environ[n - 1] + strlen(environ[n - 1]) + 1);
    uintptr_t after = (uintptr_t)path + strlen(path) + 1 + 8;
    printf("stack ends behind the path %d\n", !(after & 4095));
    printf("platform %s\n", platform);
    const unsigned char *random = (const unsigned char *)getauxval(AT_RANDOM);
    int zero = 0;
    for (int i = 0; i < 16; i++)
        zero += !random[i];
    printf("random bytes %d\n", zero < 8);
    printf("rseq: features %lu, alignment %lu\n", getauxval(27), getauxval(28)); /* AT_RSEQ_FEATURE_SIZE, AT_RSEQ_ALIGN */
    printf("signal stack fits the frame %d\n", getauxval(AT_MINSIGSTKSZ) >= 1024 && getauxval(AT_MINSIGSTKSZ) < 16384);
    printf("order %d\n", (char *)argv < (char *)aux && (char *)aux < (char *)random && (char *)random < argv[0]);

    char *brk = sbrk(0);
    printf("brk behind the image %d, near %d\n", brk >= end, (size_t)(brk - end) < (2ul << 30));
    printf("brk page-aligned at first, whatever libc took since: %d\n", ((uintptr_t)brk & 7) == 0);
    printf("image %d, stack above %d\n", in_image(main), (char *)&argc > (char *)0x7f0000000000);
    struct rlimit l;
    getrlimit(RLIMIT_STACK, &l);
    volatile char *deep = (char *)&l - 4 * 1024 * 1024; /* the stack grows on demand */
    *deep = 1;
    printf("stack grows %d\n", *deep);
    return 0;
}
