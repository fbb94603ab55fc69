# SPDX-License-Identifier: BSD-2-Clause
# Aril. `make help` lists the targets. Sources are found by glob: a new file in a folder is built.

B       ?= build
CC      ?= gcc
LD      ?= ld
DEBUG   ?= 0
PREFIX  ?= /usr/local

PACKAGES = gcc make binutils libc6-dev linux-libc-dev libxen-dev qemu-system-x86 busybox-static bash-static \
           musl-tools golang-go/go rustc/rustc tzdata cpio python3.11-minimal/python3.11 strace clang libclang-rt-14-dev diffutils \
           nodejs/node default-jdk-headless/javac ruby php-cli/php8.2 php8.2-sqlite3 lua5.4 tcl/tclsh8.6 perl sqlite3 sysbench fio git curl openssl xz-utils/xz \
           python3-numpy python3-flask libpython3.11-testsuite erofs-utils libelf-dev libseccomp-dev procps/pgrep \
           iproute2/ip redis-server redis-tools/redis-cli nginx-light/nginx memcached lighttpd haproxy dnsmasq-base/dnsmasq iperf3 wrk etcd-server/etcd etcd-client/etcdctl \
           iputils-ping/ping iputils-tracepath/tracepath iputils-arping/arping traceroute tcpdump bind9-dnsutils/dig wget

# ------------------------------------------------------------------ the kernel

KSRC := $(wildcard platform/*.c platform/*/*.c platform/*/*.S kernel/*.c kernel/lib/*.c fs/*.c fs/*/*.c net/*.c net/*/*.c loader/*.c syscalls/*.c)
KGEN := $(B)/gen/syscall_table.c
KOBJ := $(patsubst %,$(B)/k/%.o,$(KSRC)) $(B)/k/gen/syscall_table.c.o $(B)/k/gen/vdso.S.o

# lwIP, whose sources net/lwip/fetch.sh brings; net/lwip/ has its configuration and what connects it to the kernel.
LWIP := build/lwip
LWIP_CORE := def inet_chksum ip mem memp netif pbuf raw stats tcp tcp_in tcp_out udp \
             $(addprefix ipv4/,dhcp etharp icmp igmp ip4 ip4_addr ip4_frag) \
             $(addprefix ipv6/,dhcp6 ethip6 icmp6 inet6 ip6 ip6_addr ip6_frag mld6 nd6)
LWIP_OBJ := $(patsubst %,$(B)/lwip-obj/%.o,$(addprefix core/,$(LWIP_CORE)) netif/ethernet)
KOBJ += $(LWIP_OBJ)

WARN   = -Wall -Wextra -Werror -Wno-unused-parameter -Wmissing-prototypes -Wstrict-prototypes
FAST = -O2 -falign-functions=16 -falign-jumps=1 -falign-loops=1 -falign-labels=1
# Compiled for speed; the rest for size, which is also what boots soonest.
HOT = $(addprefix platform/x86/,trap.c thread.c paging.c) \
      $(addprefix kernel/,sched.c run_queue.c wait.c lock.c user.c futex.c futex_queue.c signal_deliver.c signal_frame.c \
        page.c heap.c region.c zap.c fault.c fault_anonymous.c fault_object.c lib/string.c lib/radix.c lib/lz4.c) \
      $(addprefix fs/,file.c io.c fd_table.c pipe.c epoll.c page_cache.c dentry.c path.c uring/request.c uring/completion.c) net/stream.c syscalls/dispatch.c
KFLAGS = -std=gnu11 $(if $(filter $<,$(HOT)),$(FAST),-Os) -g $(WARN) -Wvla -ffreestanding -fPIE -fvisibility=hidden -mgeneral-regs-only -mno-red-zone \
         -mpreferred-stack-boundary=3 -mskip-rax-setup -fno-stack-protector -fcf-protection=none -fno-omit-frame-pointer -fno-asynchronous-unwind-tables \
         -fno-strict-aliasing -fno-common -ffunction-sections -fdata-sections -I. -include kernel/hidden.h -MMD -MP
LWIP_FLAGS = -Inet/lwip -Inet/lwip/libc -I$(LWIP)/src/include
# Functions of lwIP in whose place its own callers find net/lwip's, which look at a packet first.
LWIP_WRAPPED = raw_input tcp_input udp_input icmp_input icmp6_input ip4_frag ip6_frag tcp_rexmit_fast tcp_rexmit_rto_prepare etharp_input ip4_input ip6_input ip6_reass memp_malloc memp_free
ifeq ($(DEBUG),1)
KFLAGS += -DARIL_DEBUG
endif
KLDFLAGS = -nostdlib -static -z noexecstack --no-warn-rwx-segments -n --gc-sections \
           -T platform/x86/kernel.ld --build-id=none $(addprefix --wrap=,$(LWIP_WRAPPED))

all: $(B)/aril $(B)/aril.elf ## build the host command and the kernel

$(B)/gen/syscall_table.c: syscalls/syscalls.tbl syscalls/gen.awk
	@mkdir -p $(@D)
	@awk -f syscalls/gen.awk $< > $@.tmp && mv $@.tmp $@

$(B)/k/gen/%.c.o: $(B)/gen/%.c
	@mkdir -p $(@D)
	@echo "  CC $<"; $(CC) $(KFLAGS) -c $< -o $@

$(B)/k/%.c.o: %.c Makefile
	@mkdir -p $(@D)
	@echo "  CC $<"; $(CC) $(KFLAGS) -c $< -o $@

# Handlers (sys_NAME) are declared once, by the generated table.
$(B)/k/syscalls/%.c.o: WARN += -Wno-missing-prototypes

$(LWIP)/COPYING: net/lwip/fetch.sh
	@echo "  FETCH lwIP"; net/lwip/fetch.sh $(LWIP) && touch $@

# Not our code: built as it is, without our warnings, for speed where packets pass.
$(LWIP_OBJ): $(B)/lwip-obj/%.o: $(LWIP)/COPYING net/lwip/lwipopts.h Makefile
	@mkdir -p $(@D)
	@echo "  CC lwip/$*.c"; $(CC) $(KFLAGS) $(LWIP_FLAGS) $(if $(filter $*,$(LWIP_HOT)),$(FAST)) -w -c $(LWIP)/src/$*.c -o $@

# They ask for name servers, and tell net/lwip/resolver.c, only if lwIP's own resolver is there, which it is not.
$(addprefix $(B)/lwip-obj/core/,ipv4/dhcp.o ipv6/dhcp6.o ipv6/nd6.o): KFLAGS += -DLWIP_DNS=1

LWIP_HOT = $(addprefix core/,tcp_in tcp_out pbuf inet_chksum ipv4/ip4)

$(B)/k/net/lwip/%.c.o: KFLAGS += $(LWIP_FLAGS)
$(patsubst %.c,$(B)/k/%.c.o,$(wildcard net/lwip/*.c)): $(LWIP)/COPYING

$(B)/k/%.S.o: %.S Makefile
	@mkdir -p $(@D)
	@echo "  CC $<"; $(CC) $(KFLAGS) -D__ASSEMBLY__ -c $< -o $@

# The vDSO is code of the program's side: a shared library of one page, embedded in the kernel.
VDSO_FLAGS = -std=gnu11 -O2 $(WARN) -ffreestanding -fPIC -fno-stack-protector -fcf-protection=none -mno-sse -I. -MMD -MP -MF $(B)/gen/vdso.d \
             -shared -nostdlib -Wl,-soname=linux-vdso.so.1,--hash-style=both,--eh-frame-hdr,--build-id=none,--no-undefined \
             -Wl,-z,max-page-size=4096,-z,noexecstack -Wl,-T,loader/vdso/vdso.lds

$(B)/gen/vdso.so: loader/vdso/vdso.c loader/vdso/data.h loader/vdso/vdso.lds Makefile
	@mkdir -p $(@D)
	$(CC) $(VDSO_FLAGS) -o $@.tmp $< && objcopy --strip-all $@.tmp $@ && rm $@.tmp

$(B)/k/gen/vdso.S.o: $(B)/gen/vdso.so
	@mkdir -p $(@D)
	printf '.section .rodata\n.balign 8\n.globl vdso_image_start, vdso_image_end\n.hidden vdso_image_start, vdso_image_end\nvdso_image_start: .incbin "%s"\nvdso_image_end:\n.section .note.GNU-stack,"",@progbits\n' $< > $(B)/gen/vdso.S
	$(CC) -c $(B)/gen/vdso.S -o $@

# Linked twice: the first pass gives the addresses for the embedded symbol table of the second.
$(B)/aril.elf: $(KOBJ) platform/x86/kernel.ld platform/x86/symbols.awk
	@$(LD) $(KLDFLAGS) -o $(B)/aril.pass1 $(KOBJ)
	@nm -n $(B)/aril.pass1 | LC_ALL=C awk -f platform/x86/symbols.awk > $(B)/gen/symbols.S
	@$(CC) $(KFLAGS) -c $(B)/gen/symbols.S -o $(B)/k/symbols.o
	@$(LD) $(KLDFLAGS) -o $(B)/aril.debug $(KOBJ) $(B)/k/symbols.o
	@echo "  LD $@"; objcopy --strip-all $(B)/aril.debug $@.tmp && mv $@.tmp $@

# The platform by itself under a test kernel; tests/platform/run.sh runs it.
PTOBJ := $(patsubst %,$(B)/k/%.o,$(wildcard platform/x86/*.c platform/x86/*.S platform/kvm/*.c tests/platform/*.c tests/platform/*.S) \
           kernel/lib/printf.c kernel/lib/string.c)

$(B)/kernel_x86.elf: $(PTOBJ) platform/x86/kernel.ld platform/x86/symbols.awk
	@$(LD) $(KLDFLAGS) -o $(B)/kernel_x86.pass1 $(PTOBJ)
	@nm -n $(B)/kernel_x86.pass1 | LC_ALL=C awk -f platform/x86/symbols.awk > $(B)/gen/kernel_x86.symbols.S
	@$(CC) -c $(B)/gen/kernel_x86.symbols.S -o $(B)/k/kernel_x86.symbols.o
	@$(LD) $(KLDFLAGS) -o $@ $(PTOBJ) $(B)/k/kernel_x86.symbols.o

# The kernel with a test of the network driver in place of a program; tests/platform/run.sh runs it.
$(B)/kernel_net.elf: $(KOBJ) $(B)/k/tests/platform/net/kernel_net.c.o
	@$(LD) $(KLDFLAGS) -o $@ $^

# ------------------------------------------------------------------ the host command

HSRC   := $(wildcard tools/*.c)
HOBJ   := $(patsubst %,$(B)/h/%.o,$(HSRC))
HLIBS   = -lelf
HFLAGS  = -std=gnu11 -O2 -g $(WARN) -D_GNU_SOURCE -I. -MMD -MP

$(B)/h/%.c.o: %.c Makefile
	@mkdir -p $(@D)
	@echo "  CC $<"; $(CC) $(HFLAGS) -c $< -o $@

$(B)/aril: $(HOBJ)
	@echo "  LD $@"; $(CC) -o $@ $(HOBJ) $(HLIBS)

# ------------------------------------------------------------------ running and testing

deps: ## install the packages that building and testing need
	tests/deps.sh $(PACKAGES)
	@$(MAKE) --no-print-directory $(LWIP)/COPYING

run: deps all ## install, build, and run a real Debian program in a VM
	$(B)/aril run --verbose bash-static -c 'read -r os </proc/sys/kernel/osrelease; echo "Hello from bash $$BASH_VERSION on $$os"'

# A unit test names the kernel or tool sources it tests on a line "sources: a.c b.c".
UNIT := $(patsubst tests/unit/%.c,$(B)/unit/%,$(wildcard tests/unit/test_*.c))

UNIT_HEADERS := $(wildcard kernel/*.h kernel/lib/*.h fs/*.h loader/*.h platform/*.h tools/*.h tests/unit/*.h) \
                $(shell find tests/unit/include -name '*.h')

unit_sources = $(shell sed -n 's/.*sources: *\([^*]*\).*/\1/p' $(1))

.SECONDEXPANSION:
$(B)/unit/%: tests/unit/%.c $$(call unit_sources,tests/unit/%.c) $(UNIT_HEADERS) Makefile
	@mkdir -p $(@D)
	@echo "  CC $<"; $(CC) -std=gnu11 -g -O1 -Wall -Wextra -Wno-unused-parameter -Werror -D_GNU_SOURCE -fsanitize=address,undefined -fno-sanitize-recover=all \
	    -Itests/unit/include -I. -o $@ $< $(call unit_sources,$<) $$(sed -n 's/.*libs: *\([^*]*\).*/\1/p' $<)

# The network on the host: test_network, and fuzz/network for tests/fuzz/run.sh (HOST_CC=clang, which adds fuzzer to the sanitizers).
HOST_CC ?= $(CC)
HOST_SANITIZERS ?= address,undefined
NETWORK_HOST := $(wildcard net/*.c net/lwip/*.c) fs/io.c kernel/lib/printf.c $(wildcard tests/unit/network_*.c)
NETWORK_HOST_OBJ = $(addprefix $(B)/network-host/,$(NETWORK_HOST:=.o) $(notdir $(LWIP_OBJ)))
NETWORK_HOST_FLAGS = -std=gnu11 -g -O1 -DARIL_DEBUG -D_GNU_SOURCE -fsanitize=$(HOST_SANITIZERS) -fno-sanitize-recover=all -fno-strict-aliasing -fno-common -fno-omit-frame-pointer -fno-optimize-sibling-calls \
                     -ffunction-sections -Itests/unit/include -I. -MMD -MP
NETWORK_HOST_LINK = -no-pie -Wl,--gc-sections,--unresolved-symbols=ignore-all $(addprefix -Wl$(comma)--wrap=,$(LWIP_WRAPPED))
comma := ,

$(addprefix $(B)/network-host/,$(notdir $(LWIP_OBJ))): $(B)/network-host/%.o: $(LWIP)/COPYING net/lwip/lwipopts.h Makefile
	@mkdir -p $(@D)
	@echo "  CC lwip/$*.c"; $(HOST_CC) $(NETWORK_HOST_FLAGS) -fno-sanitize=shift $(LWIP_FLAGS) -w -c $(filter %/$*.c,$(wildcard $(LWIP)/src/*/*.c $(LWIP)/src/*/*/*.c)) -o $@
$(addprefix $(B)/network-host/,dhcp.o dhcp6.o nd6.o): NETWORK_HOST_FLAGS += -DLWIP_DNS=1

$(B)/network-host/net/%.c.o $(B)/network-host/kernel/%.c.o: NETWORK_HOST_FLAGS += -ffreestanding $(LWIP_FLAGS)
$(B)/network-host/fs/%.c.o $(B)/network-host/tests/unit/network_%.c.o: NETWORK_HOST_FLAGS += -ffreestanding $(LWIP_FLAGS)
$(B)/network-host/%.c.o: %.c $(LWIP)/COPYING Makefile
	@mkdir -p $(@D)
	@echo "  CC $<"; $(HOST_CC) $(NETWORK_HOST_FLAGS) $(WARN) -c $< -o $@

$(B)/unit/test_network: $(NETWORK_HOST_OBJ) $(B)/network-host/tests/unit/test_network.c.o
	@mkdir -p $(@D)
	@echo "  LD $@"; $(HOST_CC) -fsanitize=$(HOST_SANITIZERS) $(NETWORK_HOST_LINK) -o $@ $^

$(B)/fuzz/network: $(NETWORK_HOST_OBJ) $(B)/network-host/tests/fuzz/fuzz_network.c.o
	@mkdir -p $(@D)
	@echo "  LD $@"; $(HOST_CC) -fsanitize=fuzzer,$(HOST_SANITIZERS) $(NETWORK_HOST_LINK) -o $@ $^

unit: $(UNIT)

docs: ## write docs/compatibility.md from the table of system calls
	awk -f syscalls/compatibility.awk syscalls/syscalls.tbl > docs/compatibility.md

debug: ## build the kernel that checks itself (lock order, atomic sections, stacks, freed memory)
	@$(MAKE) --no-print-directory B=$(B)/debug DEBUG=1 $(B)/debug/aril.elf

test: deps all debug unit ## install what is needed, build, and run the tests
	tests/run.sh

test-full: deps all debug unit ## the slow suites too
	tests/run.sh --full

fuzz-syscalls: all ## random sequences of system calls, on Linux and in the VM
	tests/fuzz-syscalls/run.sh
	tests/fuzz-syscalls/run.sh --chaos

bench: deps all ## the table of ratios against Linux
	tests/bench/run.sh

bench-net: deps all ## servers against a Linux guest and Linux, through a tap
	tests/bench/linux.sh $(B)/bench
	B=$(abspath $(B)) unshare -n python3 tests/bench/net.py

install: all ## install under PREFIX
	install -D -m755 $(B)/aril $(DESTDIR)$(PREFIX)/bin/aril
	install -D -m644 $(B)/aril.elf $(DESTDIR)$(PREFIX)/lib/aril/aril.elf

clean: ## remove what was built
	rm -rf $(B)

help: ## list the targets
	@sed -n 's/^\([a-z-]*\):.*## \(.*\)/  make \1\t\2/p' Makefile | expand -t 20

.PHONY: all docs debug deps run unit fuzz-syscalls test test-full bench bench-net install clean help
.DELETE_ON_ERROR:
.DEFAULT_GOAL := all
-include $(shell find $(B) -type f -name '*.d' 2>/dev/null)
