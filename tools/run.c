/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * `aril run`: from the command line to the exit status.
 */
#include "tools/run.h"

#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "tools/accelerator.h"
#include "tools/archive.h"
#include "tools/find.h"
#include "tools/image.h"
#include "tools/message.h"
#include "tools/options.h"
#include "tools/pack.h"
#include "tools/proxy.h"
#include "tools/qemu.h"
#include "tools/signals.h"
#include "tools/terminal.h"
#include "tools/user.h"

/* What the kernel needs at boot besides its image and the boot archive. */
#define BOOT_MEMORY (256 << 10)

/* How the caller's descriptors 0, 1 and 2 become the program's. */
struct standard_streams {
    char kinds[4]; /* letters for the kernel */
    bool terminal; /* the program gets a terminal; the caller's is raw */
    bool input;    /* standard input is read */
    int sized;     /* a descriptor that is a terminal and has its size, or -1 */
};

static struct standard_streams examine_streams(void)
{
    struct standard_streams streams = {.sized = -1};

    for (int fd = 2; fd >= 0; fd--) {
        streams.kinds[fd] = descriptor_kind(fd);
        if (streams.kinds[fd] == 't')
            streams.sized = fd;
    }
    /* One open file stays one, so that what is written to the two keeps its order. */
    if (same_open_file(STDOUT_FILENO, STDERR_FILENO))
        streams.kinds[2] = '=';
    streams.input = streams.kinds[0] != 'n';
    if (streams.kinds[0] != 't')
        return streams;
    /*
     * Raw mode also stops the terminal from turning "\n" into a new line, for every process that
     * writes to it. So it is for programs that own the terminal, and not for the first of a
     * pipeline, whose input then is an ordinary device of lines.
     */
    streams.terminal = streams.kinds[1] == 't' && terminal_in_foreground(STDIN_FILENO);
    if (streams.terminal)
        return streams;
    streams.kinds[0] = 'c';
    /* A background process that reads the terminal is stopped; the program may never want to. */
    if (!terminal_in_foreground(STDIN_FILENO)) {
        streams.kinds[0] = 'n';
        streams.input = false;
    }
    return streams;
}

/* Whose rights the server of the host's files has: ours. */
static void print_host_ids(FILE *stream)
{
    gid_t groups[128];
    int n = getgroups(128, groups);

    fprintf(stream, " hostids=%u:%u", (unsigned)geteuid(), (unsigned)getegid());
    for (int i = 0; i < n; i++)
        fprintf(stream, ",%u", (unsigned)groups[i]);
}

static char *kernel_parameters(const struct run_options *options, const struct vm_description *vm, const struct standard_streams *streams)
{
    struct timespec time;
    unsigned columns, rows;
    char *text;
    FILE *stream;
    size_t length;

    clock_gettime(CLOCK_REALTIME, &time);
    stream = open_memstream(&text, &length);
    if (!stream)
        die(STATUS_FAILED, "out of memory");
    fprintf(stream, "stdio=%s epoch=%lld%09ld", streams->kinds, (long long)time.tv_sec,
            time.tv_nsec);
    if (streams->sized >= 0 && terminal_size(streams->sized, &columns, &rows))
        fprintf(stream, " winsize=%ux%u", columns, rows);
    if (options->ring >= 0)
        fprintf(stream, " ring=%d", options->ring);
    if (options->strace)
        fputs(" strace", stream);
    if (options->hostname)
        fprintf(stream, " hostname=%s", options->hostname);
    fputs(sources_parameters(vm->sources), stream);
    network_print_parameters(vm->network, stream);
    if (geteuid() != 0)
        print_host_ids(stream);
    for (size_t i = 0; i < options->append.count; i++)
        fprintf(stream, " %s", options->append.items[i]);
    if (fclose(stream) != 0)
        die(STATUS_FAILED, "out of memory");
    return text;
}

/* Finds the program; ends the command as a shell would if there is none. */
static char *find_or_die(const char *name)
{
    char *path;
    int error = find_program(name, &path);

    if (error == 0)
        return path;
    if (error == -ENOENT || error == -ENOTDIR)
        die(STATUS_NOT_FOUND, "%s: %s", name,
            strchr(name, '/') ? "no such file" : "command not found");
    if (error == -EISDIR)
        die(STATUS_NOT_RUNNABLE, "%s: is a directory", name);
    if (error == -EACCES)
        die(STATUS_NOT_RUNNABLE, "%s: permission denied (it must be readable and executable)",
            name);
    die(STATUS_NOT_RUNNABLE, "%s: %s", name, strerror(-error));
}

/* What relative paths start from; not needed where -w says it. */
static char *working_directory(const struct run_options *options)
{
    char *here = getcwd(NULL, 0);

    if (!here && options->cwd && *options->cwd == '/')
        return duplicate("/");
    free(here);
    return current_directory();
}

/* Makes the boot archive, of at most `room` bytes, for a program that is named in `here`. */
static void pack_or_die(struct archive *archive, const struct run_options *options,
                        const struct sources *sources, const char *here, uint64_t room)
{
    bool own_root = sources->root != ROOT_NONE && !sources->host;
    char *program = own_root ? NULL : find_or_die(options->arguments[0]);
    char *absolute = program ? absolute_path(here, program) : NULL;
    char *guest = absolute ? sources_resolve(sources, absolute) : NULL;
    char *cwd = absolute_path(own_root ? "/" : here, options->cwd ? options->cwd : ".");
    char *user = options->user ? user_ids(options->user) : NULL;
    struct pack_request request = {
        .options = options, .sources = sources, .program = program, .guest = guest, .cwd = cwd, .user = user};
    int status;

    if (own_root)
        request.exec = options->arguments[0];
    else if (sources->host && !options->cwd)
        request.exec = program; /* as a shell would say it: scripts see their path */
    else
        request.exec = absolute;
    /* In the host's own tree it is there already. Brought along, a static one starts sooner. */
    if (sources->host && !image_is_static(program))
        request.program = NULL;
    if (!archive_create(archive, room))
        die(STATUS_FAILED, "%s", archive->error);
    if (!pack_run(archive, &request, &status))
        die(status, "%s", archive->error);
    free(program);
    free(absolute);
    free(guest);
    free(cwd);
    free(user);
}

/* Prints what QEMU said, a line at a time. */
static void print_messages(const char *messages)
{
    for (const char *line = messages, *end; *line; line = *end ? end + 1 : end) {
        end = line + strcspn(line, "\n");
        say("QEMU: %.*s", (int)(end - line), line);
    }
}

static int report_death(const struct proxy_result *result, const struct run_options *options,
                        const struct accelerator_choice *accelerator)
{
    const char *when =
        result->kernel_spoke ? "without giving the program's exit status" : "before the kernel ran";

    if (WIFSIGNALED(result->vm_wait_status))
        say("the VM failed: QEMU was killed by signal %d (%s) %s", WTERMSIG(result->vm_wait_status),
            strsignal(WTERMSIG(result->vm_wait_status)), when);
    else
        say("the VM failed: QEMU ended with status %d %s", WEXITSTATUS(result->vm_wait_status),
            when);
    if (!result->kernel_spoke && accelerator->kvm && options->accelerator == ACCELERATOR_AUTO)
        say("KVM was chosen since /dev/kvm seems to work; --accel tcg emulates instead");
    return STATUS_FAILED;
}

static int report(const struct proxy_result *result, const struct run_options *options,
                  const struct accelerator_choice *accelerator)
{
    bool failed = result->end == PROXY_DIED ||
                  (result->end == PROXY_STATUS && result->status.kind == VM_REFUSED &&
                   result->status.number == STATUS_FAILED);

    if (failed || options->verbose)
        print_messages(result->vm_messages);
    switch (result->end) {
    case PROXY_STATUS:
        break;
    case PROXY_DIED:
        return report_death(result, options, accelerator);
    case PROXY_TIMEOUT:
        say("time is up; the VM was ended");
        return STATUS_TIMEOUT;
    case PROXY_INTERRUPTED:
        if (result->signal == 0)
            say("the VM was ended by Ctrl-]");
        else
            say("the VM did not react to signal %d and was ended", result->signal);
        return 128 + (result->signal ? result->signal : SIGKILL);
    }
    switch (result->status.kind) {
    case VM_REFUSED:
        say("%s", result->status.message);
        return result->status.number;
    case VM_SIGNALED:
        if (options->verbose)
            say("the program was killed by signal %d (%s)%s", result->status.number,
                strsignal(result->status.number), result->status.core ? ", core dump" : "");
        return 128 + result->status.number;
    default:
        return result->status.number;
    }
}

static struct accelerator_choice choose_accelerator(const struct run_options *options)
{
    struct accelerator_choice choice = accelerator_choose(options->accelerator);

    if (options->verbose)
        say("%s: %s", choice.kvm ? "KVM" : "TCG (emulation)", choice.reason);
    else if (choice.broken)
        say("emulating the CPU, which is slow: %s", choice.reason);
    return choice;
}

int command_run(int argc, char **argv)
{
    return run_recorded(argc, argv, NULL, NULL);
}

int run_recorded(int argc, char **argv, line_handler *recorder, void *context)
{
    struct run_options options;
    struct accelerator_choice accelerator;
    struct standard_streams streams;
    struct proxy_options proxy = {0};
    struct proxy_result result;
    struct archive archive;
    struct sources sources;
    struct network network;
    struct vm_description vm;
    char *qemu, *kernel, *parameters, *here;
    uint64_t kernel_end;
    int status;

    options_parse(&options, argc, argv, environ);
    if (recorder)
        strings_add(&options.append, "record");
    kernel = options.kernel ? duplicate(options.kernel) : find_kernel();
    kernel_end = image_end(kernel) + BOOT_MEMORY;
    if (options.memory <= kernel_end)
        die(STATUS_FAILED, "-m %lluM is too little memory: the kernel takes the first %llu MiB",
            (unsigned long long)options.memory >> 20, (unsigned long long)(kernel_end >> 20) + 1);
    qemu = qemu_find(options.qemu);
    here = working_directory(&options);
    sources_open(&sources, &options, here);
    network_open(&network, &options);
    pack_or_die(&archive, &options, &sources, here, options.memory - kernel_end);
    accelerator = choose_accelerator(&options);
    streams = examine_streams();
    vm = (struct vm_description){.qemu = qemu,
                                 .kernel = kernel,
                                 .archive = archive.descriptor,
                                 .sources = &sources,
                                 .network = &network,
                                 .memory = options.memory,
                                 .cpus = options.cpus,
                                 .kvm = accelerator.kvm,
                                 .one_thread = options.accelerator == ACCELERATOR_TCG_SINGLE};
    vm.parameters = parameters = kernel_parameters(&options, &vm, &streams);
    proxy.signals = signals_open();
    proxy.vm = qemu_start(&vm, &proxy.channels, options.verbose);
    archive_destroy(&archive);
    network_close(&network);
    proxy.input = streams.input;
    proxy.terminal = streams.terminal;
    proxy.sized = streams.sized;
    proxy.timeout = options.timeout;
    proxy.recorder = recorder;
    proxy.context = context;
    if (streams.terminal)
        terminal_set_raw(STDIN_FILENO);
    result = proxy_run(&proxy);
    terminal_restore();
    status = report(&result, &options, &accelerator);
    free(result.vm_messages);
    free(result.status.message);
    free(accelerator.reason);
    sources_close(&sources);
    free(here);
    free(qemu);
    free(kernel);
    free(parameters);
    free(options.environment.items);
    free(options.files.items);
    free(options.volumes.items);
    free(options.disks.items);
    free(options.ports.items);
    free(options.addresses.items);
    free(options.servers.items);
    free(options.append.items);
    return status;
}
