/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The 8250/16550 UART at COM1: polled output for the log and panics, interrupt-driven input.
 * Source: National Semiconductor PC16550D data sheet; register names from <linux/serial_reg.h>.
 */
#include <linux/serial_reg.h>
#include "kernel/lock.h"
#include "platform/stream.h"
#include "platform/x86/io.h"

#define COM1      0x3f8
#define COM1_GSI  4
#define RING_SIZE 1024 /* a power of two */
#define TX_FIFO   16

static struct spinlock lock; /* LOCK_DEVICE, irq: the ring and the input side of the chip */
static u8 ring[RING_SIZE];
static u32 ring_head, ring_tail; /* head: next to read */

static u8 read_port(unsigned offset)
{
    return inb(COM1 + offset);
}

static void write_port(unsigned offset, u8 value)
{
    outb(COM1 + offset, value);
}

static bool present(void)
{
    return read_port(UART_LSR) != 0xff;
}

/* Waits (bounded: there may be no UART) for room in the transmitter. */
static void wait_for_room(void)
{
    for (unsigned i = 0; i < 100000 && !(read_port(UART_LSR) & UART_LSR_THRE); i++)
        cpu_relax();
}

void platform_early_putc(char c)
{
    wait_for_room();
    write_port(UART_TX, (u8)c);
}

static size_t uart_write(unsigned port, const void *data, size_t n)
{
    const u8 *p = data;

    for (size_t i = 0; i < n; i++) {
        if (i % TX_FIFO == 0)
            wait_for_room();
        write_port(UART_TX, p[i]);
    }
    return n;
}

/* Moves what the chip received into the ring; a full ring leaves the rest there and asks for no more interrupts. Under lock. */
static void receive(void)
{
    while (ring_tail - ring_head < RING_SIZE && (read_port(UART_LSR) & UART_LSR_DR))
        ring[ring_tail++ % RING_SIZE] = read_port(UART_RX);
    if (ring_tail - ring_head == RING_SIZE)
        write_port(UART_IER, 0);
}

static void interrupt(void *arg)
{
    spin_lock_irq(&lock);
    read_port(UART_IIR);
    receive();
    bool arrived = ring_head != ring_tail;
    spin_unlock_irq(&lock);
    if (arrived)
        stream_event(STREAM_UART);
}

static size_t uart_read(unsigned port, void *data, size_t n)
{
    u8 *out = data;
    size_t done = 0;

    spin_lock_irq(&lock);
    bool was_full = ring_tail - ring_head == RING_SIZE;
    while (done < n && ring_head != ring_tail)
        out[done++] = ring[ring_head++ % RING_SIZE];
    if (was_full && done) {
        write_port(UART_IER, UART_IER_RDI);
        receive();
    }
    spin_unlock_irq(&lock);
    return done;
}

static bool uart_readable(unsigned port)
{
    return READ_ONCE(ring_head) != READ_ONCE(ring_tail);
}

static bool uart_writable(unsigned port)
{
    return true;
}

static void uart_flush(unsigned port)
{
    for (unsigned i = 0; i < 100000 && !(read_port(UART_LSR) & UART_LSR_TEMT); i++)
        cpu_relax();
}

/* The chip holds 16 bytes: they are gone sooner than a sleep would be over. */
static bool uart_drained(unsigned port)
{
    uart_flush(port);
    return true;
}

static const struct stream_ops uart_ops = {
    .write = uart_write,
    .read = uart_read,
    .readable = uart_readable,
    .writable = uart_writable,
    .drained = uart_drained,
    .flush = uart_flush,
};

void uart_probe(void)
{
    if (!present())
        return;
    spin_init(&lock, LOCK_DEVICE);
    write_port(UART_FCR, UART_FCR_ENABLE_FIFO | UART_FCR_CLEAR_RCVR);
    write_port(UART_MCR, UART_MCR_DTR | UART_MCR_RTS | UART_MCR_OUT2);
    if (platform_irq_request(COM1_GSI, false, interrupt, NULL) == 0)
        write_port(UART_IER, UART_IER_RDI);
    stream_register(STREAM_UART, &uart_ops, 0);
}
