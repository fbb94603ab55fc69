/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * KVM's steal-time area tells of each virtual CPU whether it is preempted, and takes a request to
 * flush its TLB before it runs again. Source: Linux's Documentation/virt/kvm/x86/msr.rst,
 * MSR_KVM_STEAL_TIME, and cpuid.rst, KVM_FEATURE_PV_TLB_FLUSH.
 */
#include <asm/kvm_para.h>
#include "platform/kvm/preempted.h"
#include "platform/x86/x86.h"

static struct kvm_steal_time areas[MAX_CPUS] __attribute__((aligned(64)));
static bool can_flush;

static bool has(unsigned feature)
{
    return cpu_features.kvm_features >> feature & 1;
}

void kvm_preempted_init_cpu(void)
{
    if (!has(KVM_FEATURE_STEAL_TIME))
        return;
    x86_wrmsr(MSR_KVM_STEAL_TIME, data_to_phys(&areas[this_cpu()->cpu]) | KVM_MSR_ENABLED);
    can_flush = has(KVM_FEATURE_PV_TLB_FLUSH);
}

bool kvm_flush_when_resumed(unsigned cpu)
{
    if (!can_flush)
        return false;
    u8 state = READ_ONCE(areas[cpu].preempted);
    return (state & KVM_VCPU_PREEMPTED) &&
           __atomic_compare_exchange_n(&areas[cpu].preempted, &state, state | KVM_VCPU_FLUSH_TLB, false,
                                       __ATOMIC_SEQ_CST, __ATOMIC_RELAXED);
}
