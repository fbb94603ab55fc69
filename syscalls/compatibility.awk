# SPDX-License-Identifier: BSD-2-Clause
# Writes docs/compatibility.md from syscalls.tbl: make docs.
/^#/ || NF < 4 { next }
{
    calls++
    support = $4
    detail = ""
    if (i = index(support, ":")) {
        detail = substr(support, i + 1)
        support = substr(support, 1, i - 1)
        gsub("-", " ", detail)
    }
    count[support]++
    if (support == "full")
        full = full (full == "" ? "" : ", ") "`" $2 "`"
    else if (support == "none")
        none = none (none == "" ? "" : ", ") "`" $2 "`"
    else if (support == "refused")
        refused[detail] = refused[detail] (refused[detail] == "" ? "" : ", ") "`" $2 "`"
    else
        partial = partial "| `" $2 "` | " detail " |\n"
}
END {
    print "# System calls"
    print ""
    print "Generated from `syscalls/syscalls.tbl` by `make docs`. Linux for x86-64 has " calls " numbers; " count["full"] + 0 " are served"
    print "in full, " count["partial"] + 0 " in part, " count["refused"] + 0 " are refused as to an unprivileged program on Linux, " count["none"] + 0 " answer `ENOSYS`."
    print ""
    print "## Served in full\n"
    print full
    print "\n## Served in part\n"
    print "| call | what is missing or different |\n|---|---|"
    printf "%s", partial
    print "\n## Refused\n"
    for (e in refused)
        print "- `" e "`: " refused[e] | "sort"
    close("sort")
    print "\n## Not served (`ENOSYS`, logged once for each number)\n"
    print none
}
