# Builtins only: nothing here makes another process.
set -u
declare -a list=(one two three)
declare -A map=([a]=1 [b]=2)
for ((i = 0; i < ${#list[@]}; i++)); do printf '%d %s\n' "$i" "${list[i]}"; done
echo "${map[a]} ${map[b]} $((6 * 7)) ${list[*]^^}"
while IFS=: read -r name value; do echo "$name=$value"; done <lines.txt
echo written >out.txt && read -r back <out.txt && echo "$back"
[[ -f out.txt && ! -e none ]] && echo test
trap 'echo trapped' USR1
kill -USR1 $$
printf -v joined '%s,' "${list[@]}" && echo "${joined%,}"
cd / && pwd && cd - >/dev/null
shopt -s nullglob; echo *.txt
echo to-stderr >&2
exit 9
