/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * QEMU's command line and start.
 *
 * The machine is microvm: no firmware devices, virtio over memory-mapped registers, PVH entry. The
 * program's output goes through virtserialports and not through a virtconsole: QEMU throws output
 * of a console away when its reader is slow, and only ports that are no consoles make the guest
 * wait.
 */
#include "tools/qemu.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/types.h>
#include <unistd.h>

#include "tools/find.h"
#include "tools/message.h"

#define QEMU_NAME    "qemu-system-x86_64"
#define QEMU_PACKAGE "qemu-system-x86"

/*
 * Virtio devices of a microvm: with one I/O APIC, and with two. The last five places stay empty: QEMU takes line 0 of the second I/O APIC
 * for line 2, and with KVM the device at line 4 was seen to wait for ever.
 */
#define FEW_DEVICES  8
#define PLACES       24
#define MOST_DEVICES 19
#define OWN_DEVICES  2 /* that each VM has */

/* The socket channels: identity at QEMU, and what hangs on them in the VM. */
static const struct channel {
    const char *id;
    const char *option, *value;
} channels_of_vm[] = {
    {"stdio", "-device", "virtserialport,nr=1,name=aril.stdio,chardev=stdio"},
    {"stderr", "-device", "virtserialport,nr=2,name=aril.stderr,chardev=stderr"},
    {"control", "-device", "virtserialport,nr=3,name=aril.control,chardev=control"},
    {"uart", "-serial", "chardev:uart"},
};
#define SOCKET_COUNT (sizeof(channels_of_vm) / sizeof(channels_of_vm[0]))

char *qemu_find(const char *wanted)
{
    const char *origin = "--qemu";
    char *path;
    int error;

    if (!wanted) {
        wanted = getenv("ARIL_QEMU");
        origin = "$ARIL_QEMU";
    }
    if (!wanted || *wanted == '\0') {
        if (find_program(QEMU_NAME, &path) == 0)
            return path;
        die(STATUS_FAILED, QEMU_NAME
            " is not installed: install QEMU (Debian, Ubuntu: apt-get install " QEMU_PACKAGE
            "), or name it with --qemu or $ARIL_QEMU");
    }
    error = find_program(wanted, &path);
    if (error)
        die(STATUS_FAILED, "cannot run QEMU '%s' (from %s): %s", wanted, origin, strerror(-error));
    return path;
}

static void add(struct strings *command, const char *option, char *value)
{
    strings_add(command, duplicate(option));
    if (value)
        strings_add(command, value);
}

/* The virtio devices: QEMU's words for them, and how many they are. */
static size_t add_devices(struct strings *command, const struct vm_description *vm)
{
    size_t n = 0;

    add(command, "-device", duplicate("virtio-rng-device"));
    add(command, "-device", duplicate("virtio-serial-device,max_ports=4"));
    sources_add_devices(vm->sources, vm->cpus, command);
    network_add_device(vm->network, command);
    for (size_t i = 0; i < command->count; i++)
        n += strncmp(command->items[i], "virtio-", 7) == 0;
    if (n > MOST_DEVICES)
        die(STATUS_FAILED,
            "a VM can have %d disks, volumes, networks and root directories, and these are %zu",
            MOST_DEVICES - OWN_DEVICES, n - OWN_DEVICES);
    return n;
}

/*
 * The kernel's command line. QEMU itself adds where the devices are to it, but not for a machine with ACPI: its devices take the
 * places from the last one down.
 */
static char *command_line(const struct vm_description *vm, size_t devices)
{
    char *line = duplicate(vm->parameters);

    for (size_t place = PLACES - devices; devices > FEW_DEVICES && place < PLACES; place++) {
        char *longer = format_string("virtio_mmio.device=512@0x%zx:%zu %s", 0xfeb00000 + 512 * place, 24 + place, line);

        free(line);
        line = longer;
    }
    return line;
}

/* The accelerator and the machine around it, with room for so many devices: a second I/O APIC comes with ACPI only. */
static void add_machine(struct strings *command, const struct vm_description *vm, size_t devices)
{
    const char *room = devices > FEW_DEVICES ? "acpi=on,ioapic2=on" : "acpi=off";

    if (vm->kvm) {
        /* Time comes from kvmclock. arch-capabilities: some KVMs refuse the MSR that it brings. */
        add(command, "-accel", duplicate("kvm"));
        add(command, "-cpu", duplicate("host,-arch-capabilities"));
        add(command, "-M", format_string("microvm,%s,pit=off,pic=off,rtc=off", room));
    } else {
        /*
         * The timer chip and the clock chip are what an emulated CPU calibrates and sets its clock
         * by.
         */
        add(command, "-accel", duplicate(vm->one_thread ? "tcg,thread=single" : "tcg"));
        add(command, "-cpu", duplicate("max"));
        add(command, "-M", format_string("microvm,%s,pit=on,pic=off,rtc=on", room));
    }
    add(command, "-m", format_string("%lluM", (unsigned long long)(vm->memory >> 20)));
    add(command, "-smp", format_string("%u", vm->cpus));
}

static struct strings build_command(const struct vm_description *vm, const int *sockets)
{
    struct strings command = {0}, devices = {0};
    size_t device_count = add_devices(&devices, vm);

    add(&command, vm->qemu, NULL);
    add(&command, "-nodefaults", NULL);
    add(&command, "-no-user-config", NULL);
    add(&command, "-no-reboot", NULL);
    add(&command, "-display", duplicate("none"));
    add_machine(&command, vm, device_count);
    add(&command, "-kernel", duplicate(vm->kernel));
    add(&command, "-initrd", format_string("/proc/self/fd/%d", vm->archive));
    add(&command, "-append", command_line(vm, device_count));
    add(&command, "-device", duplicate("isa-debug-exit,iobase=0xf4,iosize=4"));
    add(&command, "-global", duplicate("virtio-mmio.force-legacy=false"));
    for (size_t i = 0; i < devices.count; i++)
        strings_add(&command, devices.items[i]);
    free(devices.items);
    for (size_t i = 0; i < SOCKET_COUNT; i++) {
        const struct channel *channel = &channels_of_vm[i];

        add(&command, "-chardev", format_string("socket,id=%s,fd=%d", channel->id, sockets[i]));
        add(&command, channel->option, duplicate(channel->value));
    }
    return command;
}

/* Prints the command so that a shell would read it back. */
static void print_command(const struct strings *command)
{
    char *line = duplicate("");

    for (size_t i = 0; i < command->count; i++) {
        const char *word = command->items[i];
        const char *quote = strpbrk(word, " \t\n;&|<>()$`\\\"*?[]#~!{}") ? "'" : "";
        char *longer = format_string("%s %s%s%s", line, quote, word, quote);

        free(line);
        line = longer;
    }
    say("QEMU:%s", line);
    free(line);
}

/* In the child: becomes QEMU. Only calls that are safe after fork(). */
static void __attribute__((noreturn))
become_qemu(char **command, pid_t parent, const int *sockets, const struct vm_description *vm, int messages)
{
    static const char failure[] = "cannot be started\n";
    sigset_t none;
    int null = open("/dev/null", O_RDWR);

    /* A session of its own: the terminal's Ctrl-C is for the program and not for QEMU. */
    setsid();
    prctl(PR_SET_PDEATHSIG, SIGKILL);
    if (getppid() != parent)
        _exit(STATUS_FAILED);
    dup2(null, STDIN_FILENO);
    dup2(messages, STDOUT_FILENO);
    dup2(messages, STDERR_FILENO);
    for (size_t i = 0; i < SOCKET_COUNT; i++)
        fcntl(sockets[i], F_SETFD, 0);
    fcntl(vm->archive, F_SETFD, 0);
    if (vm->network->tap >= 0)
        fcntl(vm->network->tap, F_SETFD, 0);
    signal(SIGPIPE, SIG_DFL);
    sigemptyset(&none);
    sigprocmask(SIG_SETMASK, &none, NULL);
    execv(command[0], command);
    /* Not strerror(): it may allocate. */
    if (write(STDERR_FILENO, failure, sizeof(failure) - 1) < 0)
        _exit(STATUS_FAILED);
    _exit(STATUS_FAILED);
}

pid_t qemu_start(const struct vm_description *vm, struct vm_channels *channels, bool verbose)
{
    int *const ours[SOCKET_COUNT] = {&channels->stdio, &channels->errors, &channels->control,
                                     &channels->uart};
    pid_t parent = getpid();
    struct strings command;
    int theirs[SOCKET_COUNT];
    int messages[2];
    pid_t child;

    for (size_t i = 0; i < SOCKET_COUNT; i++) {
        int pair[2];

        if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, pair) < 0)
            die(STATUS_FAILED, "cannot make a socket: %s", strerror(errno));
        *ours[i] = pair[0];
        theirs[i] = pair[1];
    }
    if (pipe2(messages, O_CLOEXEC) < 0)
        die(STATUS_FAILED, "cannot make a pipe: %s", strerror(errno));
    channels->messages = messages[0];
    command = build_command(vm, theirs);
    if (verbose)
        print_command(&command);
    child = fork();
    if (child < 0)
        die(STATUS_FAILED, "cannot start a process: %s", strerror(errno));
    if (child == 0)
        become_qemu(command.items, parent, theirs, vm, messages[1]);
    for (size_t i = 0; i < SOCKET_COUNT; i++)
        close(theirs[i]);
    close(messages[1]);
    for (size_t i = 0; i < command.count; i++)
        free(command.items[i]);
    free(command.items);
    return child;
}
