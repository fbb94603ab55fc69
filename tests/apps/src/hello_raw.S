# SPDX-License-Identifier: BSD-2-Clause
.globl _start
_start: mov $1,%eax; mov $1,%edi; lea m(%rip),%rsi; mov $12,%edx; syscall
mov $231,%eax; mov $5,%edi; syscall
m: .ascii "hello, raw!\n"
