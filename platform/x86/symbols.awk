# SPDX-License-Identifier: BSD-2-Clause
# From `nm -n` of the first link to the symbol table of the second: the distances between the text symbols of
# the image, from its base on, and their names in one block of strings.
function hex(digits,    i, value)
{
    for (i = 1; i <= length(digits); i++)
        value = value * 16 + index("0123456789abcdef", substr(digits, i, 1)) - 1
    return value
}
$2 ~ /^[tT]$/ && substr($1, 1, 8) == "00006900" {
    offset = hex(substr($1, 9))
    if (offset != last || n == 0) { # of several names for one place the first
        distance[n] = offset - last; name[n++] = $3
        last = offset
    }
}
END {
    print ".section .symbols, \"a\"\n.balign 8\n.globl symbol_distances, symbol_count, symbol_names, symbol_first"
    printf "symbol_first: .long %d\nsymbol_count: .long %d\nsymbol_distances:\n", distance[0], n
    for (i = 1; i < n; i++) {
        if (distance[i] > 65535) {
            print "symbols.awk: " name[i] " is too far from its neighbour" > "/dev/stderr"
            exit 1
        }
        printf ".short %d\n", distance[i]
    }
    print "symbol_names:"
    for (i = 0; i < n; i++)
        printf ".asciz \"%s\"\n", name[i]
}
