# SPDX-License-Identifier: BSD-2-Clause
# From `nm -n` of the first link to the symbol table of the second: the distances between the text symbols of the image, from
# its base on, and their names in one block of strings. In a name a byte that no name has (128 and more, 1 to 31) stands for
# the two bytes, such ones too, that symbol_pairs has for it: each time those that came most often. Run in the C locale.
function hex(digits,    i, value)
{
    for (i = 1; i <= length(digits); i++)
        value = value * 16 + index("0123456789abcdef", substr(digits, i, 1)) - 1
    return value
}
function count_pairs(    i, pair)
{
    split("", count)
    for (i = 1; i < length(all); i++)
        if ((pair = substr(all, i, 2)) !~ /\n/)
            count[pair]++
}
# The most frequent pair that has no byte of taken; "": none that saves anything.
function best_pair(taken,    pair, best)
{
    for (pair in count)
        if ((count[pair] > count[best] || (count[pair] == count[best] && pair < best)) &&
            !index(taken, substr(pair, 1, 1)) && !index(taken, substr(pair, 2, 1)))
            best = pair
    return count[best] > 3 ? best : ""
}
# Puts codes into all, some in each look at it, since a look takes long. The codes are 0..n_pairs-1, the bytes 128.., 1...
function compress(    taken, pair, i, byte)
{
    do {
        count_pairs()
        taken = ""
        for (i = 0; i < 6 && n_pairs < 159 && (pair = best_pair(taken)) != ""; i++) {
            taken = taken pair
            if (n_pairs == 137)
                pairs[n_pairs++] = "  " # the line feed, which is not free
            byte = sprintf("%c", n_pairs < 128 ? n_pairs + 128 : n_pairs - 127)
            pairs[n_pairs++] = pair
            gsub(pair, byte, all)
        }
    } while (i)
}
function octal(s,    i, out)
{
    for (i = 1; i <= length(s); i++)
        out = out "\\" sprintf("%o", ord[substr(s, i, 1)])
    return out
}
$2 ~ /^[tT]$/ && substr($1, 1, 8) == "00006900" {
    offset = hex(substr($1, 9))
    if (offset != last || n == 0) { # of several names for one place the first
        distance[n++] = offset - last
        sub(/\..*/, "", $3) # .constprop.0, .part.0
        all = all $3 "\n"
        last = offset
    }
}
END {
    for (i = 1; i < 256; i++)
        ord[sprintf("%c", i)] = i
    compress()
    print ".section .symbols, \"a\"\n.balign 8\n.globl symbol_distances, symbol_count, symbol_names, symbol_pairs, symbol_first"
    printf "symbol_first: .long %d\nsymbol_count: .long %d\nsymbol_distances:\n", distance[0], n
    for (i = 1; i < n; i++) {
        if (distance[i] > 65535) {
            print "symbols.awk: symbol " i " is too far from its neighbour" > "/dev/stderr"
            exit 1
        }
        printf ".short %d\n", distance[i]
    }
    print "symbol_names:"
    split(all, name, "\n")
    for (i = 1; i <= n; i++)
        print ".asciz \"" octal(name[i]) "\""
    print "symbol_pairs:"
    for (i = 0; i < n_pairs; i++)
        print ".ascii \"" octal(pairs[i]) "\""
}
