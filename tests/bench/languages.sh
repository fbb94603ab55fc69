# SPDX-License-Identifier: BSD-2-Clause
# The part of run.sh about language runtimes: kernels of Python, JavaScript and Java (kernels/), the start of a Java program, and what a
# VM holds of the host's memory while such a program sleeps. Linux here and Aril use this host's files, the guest the image of
# programs.sh. Without a JDK the rows of Java are left out.

java=
if command -v javac >/dev/null 2>&1; then java=$(readlink -f "$(command -v java)"); fi
# The same heap on all sides: by itself Java makes it a part of the memory it finds.
java_flags="-XX:+UseSerialGC -Xms32m -Xmx128m -cp /bench/java"

# Into the tree: the kernels, programs that sleep, and of a JDK what runs a program.
make_language_tree()
{
    cp -r "$here/kernels" "$tree/bench/"
    printf 'import time\nprint("idle", flush=True)\ntime.sleep(1000)\n' >"$tree/bench/idle.py"
    echo 'console.log("idle"); setTimeout(() => {}, 1e6);' >"$tree/bench/idle.js"
    [ -n "$java" ] || return 0
    home=${java%/bin/java}
    mkdir -p "$tree$home/bin" java.d "$tree/bench/java"
    cp "$java" "$tree$home/bin/"
    cp -aL "$home/conf" "$tree$home/"
    (cd "$home" && find lib \( -name '*.zip' -o -name '*.diz' -o -name ct.sym \) -prune -o -print | cpio -pdmL --quiet "$tree$home")
    for file in "$java" "$home"/lib/*.so "$home"/lib/server/*.so; do stage $(ldd "$file" 2>/dev/null | grep -o '/[^ ]*' | grep -v "^$home"); done
    echo 'public class Hello { public static void main(String[] args) { System.out.println("hello"); } }' >java.d/Hello.java
    echo 'public class Idle { public static void main(String[] args) throws Exception { System.out.println("idle"); Thread.sleep(1000000); } }' >java.d/Idle.java
    javac -d "$tree/bench/java" java.d/Hello.java java.d/Idle.java "$here/kernels/Java.java"
}

kernels() # SIDE LANGUAGE COMMAND...: of the rows "LANGUAGE, ..." those that are wanted
{
    where=$1 language=$2; shift 2
    case $row in "$language, "*) ;; *) wanted "$language, " || return 0 ;; esac
    $(side "$where" host "$@") </dev/null 2>/dev/null | tr -d '\r' | awk -F '\t' -v row="$row" '$1 == "row" && index($2, row) == 1' >>"row.$where"
}

languages_once() # SIDE
{
    kernels "$1" python /usr/bin/python3 /bench/kernels/python.py
    kernels "$1" node /usr/bin/node /bench/kernels/javascript.js
    [ -n "$java" ] || return 0
    first_print "$1" host "java to first print, ms" "$java" $java_flags Hello
    kernels "$1" java "$java" $java_flags Java
}

# ------------------------------------------------------------------ memory

# resident COMMAND...: MiB of the VM's memory, 512 MiB, that the host holds a second after the program has printed "idle".
resident()
{
    "$@" </dev/null >idle.out 2>&1 &
    command=$!
    for i in $(seq 240); do
        if grep -q idle idle.out; then break; fi
        sleep 0.25
    done
    sleep 1
    qemu=$(pgrep -f '^[^ ]*qemu-system' -P "$command" || true)
    awk '$1 == "Size:" {size = $2} $1 == "Rss:" && size == 524288 {printf "%.1f", $2 / 1024}' "/proc/${qemu:-$command}/smaps"
    kill "$command"
    wait "$command" 2>/dev/null || true
}

idle_row() # NAME COMMAND...
{
    name=$1; shift
    guest=$(resident ./guest.sh 512 "$@")
    set -- "$guest" "$(resident $(side "${accels%% *}" host "$@"))"
    echo "| $name | ${1:--} | ${2:--} | $(ratio "${1:-0}" "${2:-0}") |"
}

idle_memory()
{
    echo
    echo "| host's memory while the program sleeps, MiB | Linux guest | Aril (${accels%% *}) | ratio |"
    echo "|---|---|---|---|"
    idle_row python3 /usr/bin/python3 /bench/idle.py
    idle_row node /usr/bin/node /bench/idle.js
    [ -z "$java" ] || idle_row java "$java" $java_flags Idle
}
