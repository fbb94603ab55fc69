/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Which virtual CPUs KVM is not running just now. On a host with more runnable CPUs than cores an
 * inter-processor interrupt to such a CPU is answered milliseconds later. For platform/ only.
 */
#ifndef PLATFORM_KVM_PREEMPTED_H
#define PLATFORM_KVM_PREEMPTED_H

#include "kernel/types.h"

/* Each CPU for itself, once; nothing happens where KVM does not offer it. */
void kvm_preempted_init_cpu(void);
/*
 * True if cpu is not running and KVM will flush its TLB before it does: no interrupt is needed.
 * Atomic.
 */
bool kvm_flush_when_resumed(unsigned cpu);

#endif
