/* SPDX-License-Identifier: BSD-2-Clause */
/* Bad pointers at every argument: System V IPC, POSIX message queues, AIO, process_vm_*. flags: -lrt */
#include "bad_pointers.h"
#include <fcntl.h>
#include <linux/aio_abi.h>
#include <mqueue.h>
#include <signal.h>
#include <sys/ipc.h>
#include <sys/msg.h>
#include <sys/sem.h>
#include <sys/shm.h>
#include <sys/uio.h>

static struct sembuf add = {0, 1, 0};
static struct timespec brief = {0, 1000};
static struct { long type; char text[16]; } message = {1, "some text"};
static unsigned short values[2];
static struct shmid_ds shm_settings = {.shm_perm.mode = 0600};
static struct semid_ds sem_settings = {.sem_perm.mode = 0600};
static struct msqid_ds msg_settings = {.msg_perm.mode = 0600, .msg_qbytes = 16384};
static int shm, sem, msg, mq;
static char mq_name[32];
static struct mq_attr attributes = {.mq_flags = O_NONBLOCK, .mq_maxmsg = 10, .mq_msgsize = 16};
static aio_context_t no_context, context;
static struct iocb request = {.aio_lio_opcode = IOCB_CMD_PREAD, .aio_fildes = 51}, *request_list[1] = {&request};
static struct timespec no_time;
static char bytes[8];
static struct iovec vector = {bytes, 8};
static struct sigevent event = {.sigev_notify = SIGEV_NONE};

int main(void)
{
    bad_pointers_init();
    shm = shmget(IPC_PRIVATE, 4096, 0600);
    sem = semget(IPC_PRIVATE, 2, 0600);
    msg = msgget(IPC_PRIVATE, 0600);
    snprintf(mq_name, sizeof(mq_name), "aril-bad-%d", getpid());
    mq = (int)syscall(SYS_mq_open, mq_name, O_CREAT | O_RDWR | O_NONBLOCK, 0600, &attributes);
    dup2(mq, 50);
    dup2(open("/dev/zero", O_RDONLY), 51);
    syscall(SYS_io_setup, 4096, &context);
    const struct call calls[] = {
        {"shmctl stat", SYS_shmctl, {V(shm), V(IPC_STAT), OUT(sizeof(struct shmid_ds))}},
        {"shmctl set", SYS_shmctl, {V(shm), V(IPC_SET), IN(shm_settings)}},
        {"shmctl info", SYS_shmctl, {V(shm), V(IPC_INFO), OUT(72)}},
        {"shmctl shm_info", SYS_shmctl, {V(shm), V(SHM_INFO), OUT(sizeof(struct shm_info))}},
        {"semop", SYS_semop, {V(sem), IN(add), V(1)}},
        {"semtimedop", SYS_semtimedop, {V(sem), IN(add), V(1), IN(brief)}},
        {"semctl stat", SYS_semctl, {V(sem), V(0), V(IPC_STAT), OUT(sizeof(struct semid_ds))}},
        {"semctl set", SYS_semctl, {V(sem), V(0), V(IPC_SET), IN(sem_settings)}},
        {"semctl info", SYS_semctl, {V(sem), V(0), V(IPC_INFO), OUT(sizeof(struct seminfo))}},
        {"semctl getall", SYS_semctl, {V(sem), V(0), V(GETALL), OUT(4)}},
        {"semctl setall", SYS_semctl, {V(sem), V(0), V(SETALL), IN(values)}},
        {"msgsnd", SYS_msgsnd, {V(msg), IN(message), V(16), V(IPC_NOWAIT)}},
        {"msgrcv", SYS_msgrcv, {V(msg), OUT(24), V(16), V(0), V(IPC_NOWAIT)}},
        {"msgctl stat", SYS_msgctl, {V(msg), V(IPC_STAT), OUT(sizeof(struct msqid_ds))}},
        {"msgctl set", SYS_msgctl, {V(msg), V(IPC_SET), IN(msg_settings)}},
        {"msgctl info", SYS_msgctl, {V(msg), V(IPC_INFO), OUT(sizeof(struct msginfo))}},
        {"mq_open", SYS_mq_open, {{STRING, 0, mq_name, sizeof(mq_name)}, V(O_CREAT | O_RDWR), V(0600), IN(attributes)}, NEW_FD | NO_MINUS_1},
        {"mq_unlink", SYS_mq_unlink, {S("none-such-queue")}},
        {"mq_timedsend", SYS_mq_timedsend, {V(50), IN(message), V(16), V(0), IN(brief)}},
        {"mq_timedreceive", SYS_mq_timedreceive, {V(50), OUT(16), V(16), OUT(4), IN(brief)}},
        {"mq_notify", SYS_mq_notify, {V(50), IN(event)}},
        {"mq_getsetattr", SYS_mq_getsetattr, {V(50), IN(attributes), OUT(sizeof(attributes))}},
        {"io_setup", SYS_io_setup, {V(1), IO(no_context)}},
        {"io_submit", SYS_io_submit, {V(context), V(1), IN(request_list)}},
        {"io_getevents", SYS_io_getevents, {V(context), V(0), V(1), OUT(32), IN(no_time)}, NO_NULL | NO_MINUS_1},
        {"io_pgetevents", SYS_io_pgetevents, {V(context), V(0), V(1), OUT(32), IN(no_time), NULL_OR(INPUT, 16)}, NO_NULL | NO_MINUS_1},
        {"io_cancel", SYS_io_cancel, {V(context), IN(request), OUT(32)}},
        {"process_vm_readv", SYS_process_vm_readv, {V(getpid()), IN(vector), V(1), IN(vector), V(1), V(0)}},
        {"process_vm_writev", SYS_process_vm_writev, {V(getpid()), IN(vector), V(1), IN(vector), V(1), V(0)}},
    };
    try_calls(calls, sizeof(calls) / sizeof(calls[0]));
    shmctl(shm, IPC_RMID, NULL);
    semctl(sem, 0, IPC_RMID);
    msgctl(msg, IPC_RMID, NULL);
    syscall(SYS_mq_unlink, mq_name);
    return 0;
}
