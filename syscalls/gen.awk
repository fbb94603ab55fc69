# SPDX-License-Identifier: BSD-2-Clause
# Writes the dispatch table (C) from syscalls.tbl. A handler that no file defines is a weak NULL: ENOSYS.
/^#/ || NF < 4 { next }
{ nr[++n] = $1; name[n] = $2; handler[n] = $3 }
END {
    print "/* Generated from syscalls/syscalls.tbl. */\n#include \"syscalls/syscall.h\"\n"
    for (i = 1; i <= n; i++)
        if (handler[i] != "-")
            print "long " handler[i] "(const struct syscall_args *a) __attribute__((weak));"
    print "\nconst struct syscall_entry syscall_table[SYSCALL_MAX] = {"
    for (i = 1; i <= n; i++)
        print "    [" nr[i] "] = {.name = \"" name[i] "\", .handler = " (handler[i] == "-" ? "NULL" : handler[i]) "},"
    print "};"
}
