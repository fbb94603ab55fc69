/* SPDX-License-Identifier: BSD-2-Clause */
/* Prints the first line of each file named: disks and files of volumes. */
#include <stdio.h>

int main(int argc, char **argv)
{
    for (int i = 1; i < argc; i++) {
        char line[100];
        FILE *f = fopen(argv[i], "r");

        if (!f || !fgets(line, sizeof(line), f))
            perror(argv[i]);
        else
            fputs(line, stdout);
        if (f)
            fclose(f);
    }
    return 0;
}
