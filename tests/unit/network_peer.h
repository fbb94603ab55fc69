/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The peers of the VM in a script (network_script.h): what they send, well and badly, and what the VM must send them. The peer speaks for several
 * ends: each conversation has a port of its own, a fixed initial sequence number and bytes that follow from their place in the stream, so that
 * whatever arrives, in whatever order and however often, can be checked.
 */
#ifndef TESTS_UNIT_NETWORK_PEER_H
#define TESTS_UNIT_NETWORK_PEER_H

#include "tests/unit/network_frames.h"

#define CONVERSATIONS 6
#define FIRST_PORT    1000
#define STREAM_PORT   80
#define DATAGRAM_PORT 53

/* Between a port of the peer's and one of the VM's. */
struct conversation {
    bool v6, met;         /* the VM's first sequence number is known */
    u16 vm_port;
    u32 first, next;      /* sequence numbers of the peer's: its SYN's, and of what it has not sent yet */
    u32 vm_first, vm_next;
};
extern struct conversation conversations[CONVERSATIONS];

extern bool peer_changed; /* some frame's bytes were changed: what streams carry is not known any more */

/* The script's bytes; 0 after its end. */
extern const u8 *script_at, *script_end;
u8 script_byte(void);
u16 script_word(void);
size_t script_length(void);
struct conversation *script_conversation(void);

/* What streams carry: the peer's and the VM's byte at a place of the conversation with this port. */
u8 peer_byte(u16 port, u32 place);
u8 vm_byte(u16 port, u64 place);

/* A script begins: the peers are as new, and the VM learns their addresses. */
void peer_begin(void);
/* It ends: each conversation is reset. */
void peer_finish(void);
/* What the VM has sent. */
void peer_look(const u8 *bytes, size_t n);
/* The neighbour that the VM asks for answers. */
void peer_answer(void);
/* The other end of a connection that the VM begins: after its SYN, and what follows. */
void peer_meets(struct conversation *c);
void peer_greets(struct conversation *c);
/* One of the things that peers do, by number; false: there is none of that number. */
bool peer_step(unsigned what);

#endif
