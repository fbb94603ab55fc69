/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * virtio-console (VIRTIO 1.2, section 5.3). With several ports, port 1 is the program's standard
 * input and output, port 2 its standard error, port 3 the control channel; port 0 is left alone, since
 * hosts take it for a plain console, whose output QEMU drops when its reader is slow. A device
 * without the multiport feature has port 0 only: standard input and output.
 *
 * Output is copied into pages that the device reads; used pages are taken back at the next write,
 * and only a full queue asks for an interrupt. Input arrives in one page for each port.
 */
#include <linux/virtio_console.h>
#include <linux/virtio_ids.h>
#include "kernel/lib/string.h"
#include "kernel/lock.h"
#include "kernel/page.h"
#include "platform/stream.h"
#include "platform/virtio/virtio.h"

#define PORTS         3
#define QUEUE_ENTRIES 16
#define CONTROL_RX    2
#define CONTROL_TX    3

static struct port {
    enum stream stream;
    bool has_input;
    bool want_room; /* somebody waits: tell the kernel when a page comes back */
    struct virtqueue rx, tx;
    u8 *input; /* one page, the device's while input_start == input_end */
    u32 input_start, input_end;
    u8 *output[QUEUE_ENTRIES]; /* page of each descriptor, allocated at first use */
} ports[PORTS] = {
    {.stream = STREAM_STDIO, .has_input = true},
    {.stream = STREAM_STDERR},
    {.stream = STREAM_CONTROL, .has_input = true},
};

static struct spinlock lock; /* LOCK_DEVICE, irq: everything below and in ports */
static struct virtqueue control_rx, control_tx;
static struct virtio_device *device;
static unsigned port_count;
static unsigned first_id; /* the device's number of ports[0] */

static u16 rx_queue(unsigned port)
{
    unsigned id = first_id + port;

    return id == 0 ? 0 : 2 + 2 * id;
}

static void post_input(struct port *p)
{
    p->input_start = p->input_end = 0;
    virtqueue_add(&p->rx, virt_to_phys(p->input), PAGE_SIZE, true);
    virtqueue_kick(&p->rx);
}

/* Notices what the device did to p. Under lock. */
static void collect(struct port *p)
{
    u32 written;

    while (virtqueue_take(&p->tx, NULL) >= 0)
        ;
    if (p->has_input && p->input_start == p->input_end && virtqueue_take(&p->rx, &written) >= 0) {
        p->input_end = written;
        if (written == 0)
            post_input(p);
    }
}

static void interrupt(struct virtio_device *d)
{
    bool event[PORTS] = {false};

    spin_lock_irq(&lock);
    for (unsigned i = 0; i < port_count; i++) {
        struct port *p = &ports[i];

        collect(p);
        event[i] = p->input_start != p->input_end;
        if (p->want_room && p->tx.free_count) {
            p->want_room = false;
            virtqueue_want_interrupt(&p->tx, false);
            event[i] = true;
        }
    }
    spin_unlock_irq(&lock);
    for (unsigned i = 0; i < port_count; i++)
        if (event[i])
            stream_event(ports[i].stream);
}

/* Page for the next output descriptor, or NULL: queue full or no memory. Under lock. */
static u8 *output_page(struct port *p)
{
    if (p->tx.free_count == 0)
        return NULL;
    u8 **page = &p->output[p->tx.free_head];
    if (!*page) {
        paddr_t pa = page_alloc_pa(PAGE_LAST);
        *page = pa ? phys_to_virt(pa) : NULL;
    }
    return *page;
}

/* Asks to be told when a page comes back, then looks once more: it may have come in between. Under lock. */
static void ask_for_room(struct port *p)
{
    p->want_room = true;
    virtqueue_want_interrupt(&p->tx, true);
    collect(p);
}

static size_t write_port(unsigned index, const void *data, size_t n)
{
    struct port *p = &ports[index];
    size_t done = 0;

    spin_lock_irq(&lock);
    collect(p);
    if (p->tx.free_count == 0)
        ask_for_room(p);
    while (done < n) {
        u8 *page = output_page(p);
        size_t part = MIN(n - done, PAGE_SIZE);

        if (!page)
            break;
        memcpy(page, (const u8 *)data + done, part);
        virtqueue_add(&p->tx, virt_to_phys(page), (u32)part, false);
        done += part;
    }
    if (done)
        virtqueue_kick(&p->tx);
    spin_unlock_irq(&lock);
    return done;
}

static size_t read_port(unsigned index, void *data, size_t n)
{
    struct port *p = &ports[index];

    spin_lock_irq(&lock);
    collect(p);
    n = MIN(n, (size_t)(p->input_end - p->input_start));
    memcpy(data, p->input + p->input_start, n);
    p->input_start += n;
    if (n && p->input_start == p->input_end)
        post_input(p);
    spin_unlock_irq(&lock);
    return n;
}

static bool port_readable(unsigned index)
{
    struct port *p = &ports[index];

    spin_lock_irq(&lock);
    collect(p);
    bool readable = p->input_start != p->input_end;
    spin_unlock_irq(&lock);
    return readable;
}

static bool port_writable(unsigned index)
{
    struct port *p = &ports[index];

    spin_lock_irq(&lock);
    collect(p);
    if (p->tx.free_count == 0)
        ask_for_room(p);
    bool writable = p->tx.free_count != 0;
    spin_unlock_irq(&lock);
    return writable;
}

static bool port_drained(unsigned index)
{
    struct port *p = &ports[index];

    spin_lock_irq(&lock);
    collect(p);
    if (!virtqueue_idle(&p->tx))
        ask_for_room(p);
    bool drained = virtqueue_idle(&p->tx);
    spin_unlock_irq(&lock);
    return drained;
}

/* Polls: the VM ends, and the host's reader may take its time. */
static void flush_port(unsigned index)
{
    struct port *p = &ports[index];
    bool idle;

    do {
        spin_lock_irq(&lock);
        collect(p);
        idle = virtqueue_idle(&p->tx);
        spin_unlock_irq(&lock);
        cpu_relax();
    } while (!idle);
}

static const struct stream_ops console_ops = {
    .write = write_port,
    .read = read_port,
    .readable = port_readable,
    .writable = port_writable,
    .drained = port_drained,
    .flush = flush_port,
};

static int setup_port(unsigned index)
{
    struct port *p = &ports[index];
    int error = virtqueue_setup(&p->tx, device, rx_queue(index) + 1, QUEUE_ENTRIES);

    if (error)
        return error;
    virtqueue_want_interrupt(&p->tx, false);
    if (!output_page(p)) /* the one that lets output go on when there is no more memory */
        return -ENOMEM;
    if (!p->has_input)
        return 0;
    paddr_t pa = page_alloc_pa(PAGE_LAST);
    if (!pa)
        return -ENOMEM;
    p->input = phys_to_virt(pa);
    return virtqueue_setup(&p->rx, device, rx_queue(index), QUEUE_ENTRIES);
}

/*
 * Says that the driver and its ports are ready and open. What the device says of its ports goes to
 * the second half of the page unread: the layout is fixed, nothing has to be learned from it.
 */
static int announce(void)
{
    paddr_t pa = page_alloc_pa(PAGE_ZERO | PAGE_LAST);
    struct virtio_console_control *m;
    unsigned n = 0;

    if (!pa)
        return -ENOMEM;
    if (virtqueue_setup(&control_rx, device, CONTROL_RX, QUEUE_ENTRIES) ||
        virtqueue_setup(&control_tx, device, CONTROL_TX, QUEUE_ENTRIES))
        return -ENODEV;
    for (unsigned i = 0; i < QUEUE_ENTRIES; i++)
        virtqueue_add(&control_rx, pa + PAGE_SIZE / 2 + i * 64, 64, true);
    virtqueue_want_interrupt(&control_rx, false);
    virtqueue_want_interrupt(&control_tx, false);
    m = phys_to_virt(pa);
    m[n++] = (struct virtio_console_control){
        .id = VIRTIO_CONSOLE_BAD_ID, .event = VIRTIO_CONSOLE_DEVICE_READY, .value = 1};
    for (unsigned i = 0; i < port_count; i++) {
        m[n++] = (struct virtio_console_control){
            .id = first_id + i, .event = VIRTIO_CONSOLE_PORT_READY, .value = 1};
        m[n++] = (struct virtio_console_control){
            .id = first_id + i, .event = VIRTIO_CONSOLE_PORT_OPEN, .value = 1};
    }
    for (unsigned i = 0; i < n; i++)
        virtqueue_add(&control_tx, virt_to_phys(&m[i]), sizeof(m[i]), false);
    return 0;
}

static void start_ports(void)
{
    for (unsigned i = 0; i < port_count; i++) {
        if (ports[i].has_input)
            post_input(&ports[i]);
        stream_register(ports[i].stream, &console_ops, i);
    }
}

void virtio_console_probe(void)
{
    u32 max_ports = 1;
    bool multiport;

    device = virtio_claim(VIRTIO_ID_CONSOLE);
    if (!device)
        return;
    spin_init(&lock, LOCK_DEVICE);
    device->interrupt = interrupt;
    virtio_begin(device);
    if (virtio_negotiate(device, 1ull << VIRTIO_CONSOLE_F_MULTIPORT))
        return;
    multiport = device->features & 1ull << VIRTIO_CONSOLE_F_MULTIPORT;
    if (multiport)
        device->ops->read_config(device, offsetof(struct virtio_console_config, max_nr_ports),
                                 &max_ports, sizeof(max_ports));
    first_id = max_ports > 1;
    max_ports = MIN(max_ports - first_id, (u32)PORTS);
    while (port_count < max_ports) {
        int error = setup_port(port_count);
        if (error == -ENOMEM) /* without its ports the program's output would vanish */
            panic("out of memory for the queues of virtio-console");
        if (error)
            break;
        port_count++;
    }
    if ((multiport && announce()) || virtio_ready(device))
        return;
    if (multiport) {
        virtqueue_kick(&control_rx);
        virtqueue_kick(&control_tx);
    }
    start_ports();
}
