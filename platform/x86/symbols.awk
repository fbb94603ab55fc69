# SPDX-License-Identifier: BSD-2-Clause
# From `nm -n` of the first link to the symbol table of the second: text symbols of the image, as
# offsets from its base, with names in one block of strings.
$2 ~ /^[tT]$/ && substr($1, 1, 8) == "00006900" {
    offset[n] = substr($1, 9); name[n] = $3; n++
}
END {
    print ".section .symbols, \"a\"\n.balign 8\n.globl symbol_table, symbol_count, symbol_names"
    print "symbol_table:"
    at = 0
    for (i = 0; i < n; i++) {
        printf ".long 0x%s, %d\n", offset[i], at
        at += length(name[i]) + 1
    }
    printf "symbol_count: .long %d\n", n
    print "symbol_names:"
    for (i = 0; i < n; i++)
        printf ".asciz \"%s\"\n", name[i]
}
