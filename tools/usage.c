/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Help texts. They are what a user reads first: every option, every status, every default.
 */
#include "tools/usage.h"

const char usage[] =
    "Usage: aril COMMAND [ARGUMENTS...]\n"
    "\n"
    "Runs an unmodified Linux program as a virtual machine of its own.\n"
    "\n"
    "Commands:\n"
    "  run [OPTIONS] PROGRAM [ARGS...]  run PROGRAM in a VM, end with its exit status\n"
    "  version                          print the version\n"
    "  help                             print this text\n"
    "\n"
    "'aril run --help' lists the options of run.\n";

const char run_usage[] =
    "Usage: aril run [OPTIONS] [--] PROGRAM [ARGS...]\n"
    "\n"
    "Boots a VM that runs PROGRAM (found as a shell finds it) and ends with its exit status.\n"
    "Standard input, output and error are the program's own. Options end at PROGRAM.\n"
    "\n"
    "The VM:\n"
    "  -m, --memory SIZE     memory, such as 64M or 2G (default 256M)\n"
    "      --cpus N          processors (default 1)\n"
    "      --accel WHICH     kvm, tcg, or auto (default): KVM where it works, else emulation\n"
    "      --timeout SECONDS end the VM after that time, with status 124; also 1.5, 2m, 1h\n"
    "\n"
    "The program:\n"
    "  -e, --env NAME=VALUE  set a variable; -e NAME passes the host's value (repeatable)\n"
    "      --clean-env       start from an empty environment instead of the host's\n"
    "  -w, --workdir DIR     working directory in the VM (default: this one's path)\n"
    "      --file HOST:GUEST copy a file or a directory tree into the VM (repeatable);\n"
    "                        a relative GUEST is relative to the working directory\n"
    "\n"
    "Looking inside:\n"
    "      --strace          print the program's system calls on standard error\n"
    "  -v, --verbose         say which accelerator runs it and why, and QEMU's command line\n"
    "      --ring 0|3        privilege ring of kernel and program (default: the kernel chooses)\n"
    "      --append WORDS    further kernel parameters (repeatable)\n"
    "      --kernel FILE     kernel to boot (default: aril.elf beside this command, or in\n"
    "                        ../lib/aril)\n"
    "      --qemu PATH       QEMU to use (default: $ARIL_QEMU, or qemu-system-x86_64 in PATH)\n"
    "\n"
    "Files: the program sees itself and what --file brings; what it writes is gone at its end.\n"
    "\n"
    "Signals that arrive at aril go to the program. A second SIGINT, SIGTERM, SIGHUP or SIGQUIT\n"
    "within 5 seconds ends the VM if nothing came from it since the first. On a terminal, Ctrl-C\n"
    "and Ctrl-Z are the program's; Ctrl-] three times within a second ends the VM.\n"
    "\n"
    "Exit status: the program's; 128+N when signal N killed it; 124 after --timeout; 125 when the\n"
    "VM or aril itself failed; 126 when PROGRAM cannot be run; 127 when it was not found.\n";
