/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The order of boot. The platform calls kernel_main() on the boot CPU and kernel_secondary_main() on each other one;
 * neither returns: each CPU ends as its idle thread. What may sleep (devices, files, the program) starts in a
 * thread of its own, for the idle thread never sleeps.
 */
#include "kernel/futex.h"
#include "kernel/heap.h"
#include "kernel/init.h"
#include "kernel/log.h"
#include "kernel/page.h"
#include "kernel/params.h"
#include "kernel/random.h"
#include "kernel/sched.h"
#include "kernel/stream.h"
#include "kernel/vm_exit.h"
#include "platform/platform.h"

/* With `timing`: what each step of boot cost. Printed together at the end, for printing takes longer than booting. */
#define MAX_STEPS 16
static struct {
    const char *what;
    nsec_t end;
} steps[MAX_STEPS];
static unsigned step_count;

void boot_step_done(const char *what)
{
    if (unlikely(params.timing) && step_count < MAX_STEPS) {
        steps[step_count].what = what;
        steps[step_count++].end = platform_clock();
    }
}

void boot_timing_report(void)
{
    nsec_t now = platform_clock(), start = 0;

    if (likely(!params.timing))
        return;
    for (unsigned i = 0; i < step_count; start = steps[i++].end)
        log_line(LOG_WARNING, "timing: %s %llu us", steps[i].what,
                 (unsigned long long)((steps[i].end - start) / NSEC_PER_USEC));
    log_line(LOG_WARNING, "timing: kernel entry to program %llu us", (unsigned long long)(now / NSEC_PER_USEC));
}

static void run_level(int level)
{
    extern const struct init_call __start_init_calls[], __stop_init_calls[];

    for (const struct init_call *c = __start_init_calls; c < __stop_init_calls; c++)
        if ((int)c->level == level) {
            c->fn();
            boot_step_done(c->name);
        }
}

static void boot_thread(void *arg)
{
    boot_step_done("boot thread");
    platform_init_devices();
    stream_events_init();
    control_init();
    log_channel_ready();
    boot_step_done("devices");
    params_check();
    platform_start_cpus(params.cpu_limit ? params.cpu_limit : MAX_CPUS);
    boot_step_done("other CPUs");
    for (int level = 0; level < INIT_LEVELS; level++)
        run_level(level);
}

void kernel_main(void)
{
    params_init();
    boot_step_done("platform");
    page_init();
    heap_init();
    sched_init();
    random_init();
    futex_init();
    boot_step_done("memory, scheduler");
    log_info("aril: ring %d on %s, clock %s", platform_ring(), platform_hypervisor(), platform_clock_name());
    if (!kernel_thread_create("boot", boot_thread, NULL))
        panic("no memory to boot in");
    irq_enable();
    sched_idle_loop();
}

void kernel_secondary_main(void)
{
    sched_init_secondary();
}
