# SPDX-License-Identifier: BSD-2-Clause
# Writes the dispatch table (C) from syscalls.tbl: handler, name and how --strace prints each argument.
# A handler that no file defines is a weak NULL: ENOSYS. A decoder that trace.h does not list does not compile.
/^#/ || NF < 4 { next }
{
    nr[++n] = $1; name[n] = $2; handler[n] = $3; count[n] = NF - 4
    for (i = 5; i <= NF; i++) {
        type = toupper($i)
        gsub(":", "_", type)
        types[n] = types[n] (i > 5 ? ", " : "") "TRACE_" type
    }
}
END {
    print "/* Generated from syscalls/syscalls.tbl. */"
    print "#include \"syscalls/syscall.h\"\n#include \"syscalls/trace.h\"\n"
    for (i = 1; i <= n; i++)
        print "long " handler[i] "(const struct syscall_args *a) __attribute__((weak));"
    print "\nconst char syscall_names[] = \"\""
    at = 1
    for (i = 1; i <= n; i++) {
        print "    \"\\0" name[i] "\""
        place[i] = at
        at += length(name[i]) + 1
    }
    print "    ;\n\nconst struct syscall_entry syscall_table[SYSCALL_MAX] = {"
    for (i = 1; i <= n; i++) {
        printf "    [%d] = {.name = %d, .handler = %s", nr[i], place[i], handler[i]
        if (count[i])
            printf ",\n          .arg_count = %d, .arg_types = {%s}", count[i], types[i]
        print "},"
    }
    print "};"
}
