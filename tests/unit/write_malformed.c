/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * write_malformed DIR: writes each malformed program of malformed.h to DIR/NAME, executable, and prints "NAME<tab>SENTENCE"
 * lines: the files for runs in the VM and the fuzzer's seeds. DIR/well_formed is a program that exits with 0;
 * well-formed too, but impossible to run: DIR/huge_bss wants 64 GiB, DIR/no_interpreter a file that is not there.
 */
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>
#include "tests/unit/malformed.h"

static void write_file(const char *directory, const char *name, const struct sample *s)
{
    char path[4096];
    snprintf(path, sizeof(path), "%s/%s", directory, name);
    int fd = open(path, O_WRONLY | O_CREAT | O_TRUNC, 0755);
    if (fd < 0 || write(fd, s->bytes, s->size) != (ssize_t)s->size || close(fd)) {
        perror(path);
        exit(1);
    }
}

int main(int argc, char **argv)
{
    struct sample s;
    if (argc != 2) {
        fprintf(stderr, "usage: write_malformed DIR\n");
        return 2;
    }
    sample_make(&s);
    write_file(argv[1], "well_formed", &s);
    s.p[P_DATA].p_memsz = 64ull << 30;
    write_file(argv[1], "huge_bss", &s);
    sample_make(&s);
    sample_interpreter(&s);
    write_file(argv[1], "no_interpreter", &s);
    for (size_t i = 0; i < MALFORMED_COUNT; i++) {
        sample_make(&s);
        malformed[i].spoil(&s);
        write_file(argv[1], malformed[i].name, &s);
        printf("%s\t%s\n", malformed[i].name, malformed[i].sentence);
    }
    return 0;
}
