# SPDX-License-Identifier: BSD-2-Clause
# suite.sh, sourced by the scripts that run somebody else's tests (`. "$here/../suite.sh"`, with $suite, its name, and $here): options
# -a ACCEL (several) and -c CPUS, taken off the arguments. Sets accels (unless options say, where KVM can be used $with_kvm or else kvm, and tcg elsewhere), cpus,
# status=0, top, build, and work, a folder that goes at the end.
top=$(cd "$here/../.." && pwd)
build=${B:-$top/build}
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
accels= cpus=2 status=0
while getopts a:c: option; do
    case $option in
    a) accels="$accels $OPTARG" ;;
    c) cpus=$OPTARG ;;
    *) exit 2 ;;
    esac
done
shift $((OPTIND - 1))
[ -n "$accels" ] || { accels=tcg; "$top/tests/kvm.sh" "$suite" && accels=${with_kvm:-kvm}; }
