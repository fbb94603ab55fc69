# SPDX-License-Identifier: BSD-2-Clause
# From `nm -n` of the first link to the symbol table of the second: the distances between the text symbols of
# the image, from its base on, and their names in one block of strings. In a name a byte of 128 and more stands for one of
# the words with which most is saved; a word goes up to the next underscore, and has the one before it.
function hex(digits,    i, value)
{
    for (i = 1; i <= length(digits); i++)
        value = value * 16 + index("0123456789abcdef", substr(digits, i, 1)) - 1
    return value
}
# Splits a name at its underscores into word[1..]; how many.
function split_words(s,    n, i)
{
    for (n = 0; s != ""; s = substr(s, i + 1)) {
        i = index(substr(s, 2), "_")
        if (i == 0)
            i = length(s)
        word[++n] = substr(s, 1, i)
    }
    return n
}
# Gives the numbers 0..127 to words: code[].
function choose_words(    i, j, k, w, gain, best, n_words, list)
{
    for (i = 0; i < n; i++) {
        k = split_words(name[i])
        for (j = 1; j <= k; j++)
            uses[word[j]]++
    }
    for (w in uses)
        if (uses[w] > 1 && length(w) > 2)
            list[n_words++] = w
    for (i = 0; i < 128; i++) {
        best = ""
        for (j = 0; j < n_words; j++) {
            w = list[j]
            if (w in code)
                continue
            gain = uses[w] * (length(w) - 1) - length(w) - 1
            if (best == "" || gain > most || (gain == most && w < best)) {
                most = gain
                best = w
            }
        }
        if (best == "")
            break
        code[best] = i
        chosen[i] = best
    }
    return i
}
function encode(s,    i, k, out)
{
    k = split_words(s)
    for (i = 1; i <= k; i++)
        out = out ((word[i] in code) ? sprintf("\\%o", 128 + code[word[i]]) : word[i])
    return out
}
$2 ~ /^[tT]$/ && substr($1, 1, 8) == "00006900" {
    offset = hex(substr($1, 9))
    if (offset != last || n == 0) { # of several names for one place the first
        distance[n] = offset - last
        sub(/\..*/, "", $3) # .constprop.0, .part.0
        name[n++] = $3
        last = offset
    }
}
END {
    words = choose_words()
    for (i = 0; i < n; i++)
        encoded[i] = encode(name[i])
    print ".section .symbols, \"a\"\n.balign 8\n.globl symbol_distances, symbol_count, symbol_names, symbol_words, symbol_first"
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
        printf ".asciz \"%s\"\n", encoded[i]
    print "symbol_words:"
    for (i = 0; i < words; i++)
        printf ".asciz \"%s\"\n", chosen[i]
}
