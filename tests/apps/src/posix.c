// SPDX-License-Identifier: BSD-2-Clause
#define _GNU_SOURCE
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include <fcntl.h>
#include <errno.h>
#include <signal.h>
#include <time.h>
#include <pthread.h>
#include <semaphore.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <sys/timerfd.h>
#include <sys/signalfd.h>
#include <sys/uio.h>
#include <sys/time.h>
#include <sys/resource.h>
#include <sys/utsname.h>
#include <poll.h>
#include <dirent.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <arpa/inet.h>
#include <setjmp.h>
#include <locale.h>
#include <math.h>
#include <sys/syscall.h>
#define OK(n,c) do{ printf("%-28s %s\n",n,(c)?"ok":"FAIL"); fflush(stdout);}while(0)
static pthread_mutex_t mu=PTHREAD_MUTEX_INITIALIZER; static pthread_cond_t cv=PTHREAD_COND_INITIALIZER;
static long total; static __thread long tl; static int turn;
static void*adder(void*a){for(int i=0;i<50000;i++){tl++;pthread_mutex_lock(&mu);total++;pthread_mutex_unlock(&mu);}return (void*)tl;}
static void*pinger(void*a){long me=(long)a;for(int i=0;i<1000;i++){pthread_mutex_lock(&mu);while(turn!=me)pthread_cond_wait(&cv,&mu);turn=!me;pthread_cond_broadcast(&cv);pthread_mutex_unlock(&mu);}return 0;}
static volatile sig_atomic_t got,alrm; static siginfo_t lastsi; static void onsig(int s,siginfo_t*si,void*u){got=s;lastsi=*si;} static void onalrm(int s){alrm++;}
static sigjmp_buf jb; static void*faddr; static void onsegv(int s,siginfo_t*si,void*u){faddr=si->si_addr;siglongjmp(jb,1);}
static void onfpe(int s,siginfo_t*si,void*u){siglongjmp(jb,2);}
static void*srv(void*a){int l=(int)(long)a;int c=accept4(l,0,0,SOCK_CLOEXEC);char b[4096];ssize_t n;long t=0;while((n=read(c,b,sizeof b))>0){t+=n;}char r[32];int k=sprintf(r,"%ld",t);write(c,r,k);close(c);return 0;}
static void*cancelme(void*a){for(;;)pause();return 0;}
static sem_t sem;static void*semw(void*a){sem_wait(&sem);return (void*)7;}
static double now(int c){struct timespec t;clock_gettime(c,&t);return t.tv_sec+t.tv_nsec/1e9;}
int main(int argc,char**argv){
 struct utsname u;OK("uname",uname(&u)==0&&!strcmp(u.sysname,"Linux")&&!strcmp(u.machine,"x86_64"));
 OK("argv",argc==3&&!strcmp(argv[1],"one")&&!strcmp(argv[2],"two words"));
 OK("environ",getenv("TZ")&&!strcmp(getenv("TZ"),"UTC0"));
 OK("pagesize",sysconf(_SC_PAGESIZE)==4096);
 /* threads */
 pthread_t t[8];for(int i=0;i<8;i++)pthread_create(t+i,0,adder,0);long s=0;for(int i=0;i<8;i++){void*r;pthread_join(t[i],&r);s+=(long)r;}
 OK("threads+mutex+tls",total==400000&&s==400000);
 pthread_create(t,0,pinger,(void*)0);pthread_create(t+1,0,pinger,(void*)1);pthread_join(t[0],0);pthread_join(t[1],0);OK("condvar",turn==0);
 struct timespec ts;clock_gettime(CLOCK_REALTIME,&ts);ts.tv_nsec+=30000000;if(ts.tv_nsec>=1000000000){ts.tv_sec++;ts.tv_nsec-=1000000000;}
 pthread_mutex_lock(&mu);double a=now(CLOCK_MONOTONIC);int e=pthread_cond_timedwait(&cv,&mu,&ts);pthread_mutex_unlock(&mu);OK("cond_timedwait",e==ETIMEDOUT&&now(CLOCK_MONOTONIC)-a>0.02);
 pthread_create(t,0,cancelme,0);usleep(10000);pthread_cancel(t[0]);void*r;pthread_join(t[0],&r);OK("pthread_cancel",r==PTHREAD_CANCELED);
 sem_init(&sem,0,0);pthread_create(t,0,semw,0);sem_post(&sem);pthread_join(t[0],&r);OK("semaphore",r==(void*)7);
 /* signals */
 struct sigaction sa;memset(&sa,0,sizeof sa);sa.sa_sigaction=onsig;sa.sa_flags=SA_SIGINFO;sigaction(SIGUSR1,&sa,0);kill(getpid(),SIGUSR1);OK("kill self",got==SIGUSR1&&lastsi.si_pid==getpid());
 sigaction(SIGRTMIN+3,&sa,0);union sigval sv;sv.sival_int=4242;sigqueue(getpid(),SIGRTMIN+3,sv);OK("sigqueue",got==SIGRTMIN+3&&lastsi.si_value.sival_int==4242);
 sigset_t m,o;sigemptyset(&m);sigaddset(&m,SIGUSR2);sigprocmask(SIG_BLOCK,&m,&o);kill(getpid(),SIGUSR2);sigset_t pn;sigpending(&pn);struct timespec z={1,0};siginfo_t si;OK("sigpending",sigismember(&pn,SIGUSR2));OK("sigtimedwait",sigtimedwait(&m,&si,&z)==SIGUSR2);
 int sf=signalfd(-1,&m,SFD_CLOEXEC|SFD_NONBLOCK);kill(getpid(),SIGUSR2);struct signalfd_siginfo sfi;OK("signalfd",read(sf,&sfi,sizeof sfi)==sizeof sfi&&sfi.ssi_signo==SIGUSR2);close(sf);
 signal(SIGALRM,onalrm);struct itimerval it={{0,5000},{0,5000}};setitimer(ITIMER_REAL,&it,0);while(alrm<4)pause();memset(&it,0,sizeof it);setitimer(ITIMER_REAL,&it,0);OK("setitimer",alrm>=4);
 alrm=0;alarm(1);a=now(CLOCK_MONOTONIC);pause();double d=now(CLOCK_MONOTONIC)-a;OK("alarm",alrm==1&&d>0.9&&d<2.0);
 stack_t ss;ss.ss_sp=malloc(65536);ss.ss_size=65536;ss.ss_flags=0;sigaltstack(&ss,0);
 sa.sa_sigaction=onsegv;sa.sa_flags=SA_SIGINFO|SA_ONSTACK;sigaction(SIGSEGV,&sa,0);sigaction(SIGBUS,&sa,0);
 char*np=mmap(0,4096,PROT_NONE,MAP_PRIVATE|MAP_ANONYMOUS,-1,0);if(!sigsetjmp(jb,1)){*(volatile char*)np=1;OK("sigsegv",0);}else OK("sigsegv",faddr==np);
 sa.sa_sigaction=onfpe;sigaction(SIGFPE,&sa,0);volatile int zero=0;if(!sigsetjmp(jb,1)){volatile int one_=5,q=one_/zero;OK("sigfpe",0);}else OK("sigfpe",1);
 timer_t tm;struct sigevent se;memset(&se,0,sizeof se);se.sigev_notify=SIGEV_SIGNAL;se.sigev_signo=SIGRTMIN+1;sa.sa_sigaction=onsig;sa.sa_flags=SA_SIGINFO;sigaction(SIGRTMIN+1,&sa,0);
 e=timer_create(CLOCK_MONOTONIC,&se,&tm);struct itimerspec its={{0,0},{0,5000000}};got=0;timer_settime(tm,0,&its,0);for(int i=0;i<200&&got!=SIGRTMIN+1;i++)usleep(5000);OK("timer_create",e==0&&got==SIGRTMIN+1);timer_delete(tm);
 /* time */
 a=now(CLOCK_MONOTONIC);struct timespec ns={0,20000000};nanosleep(&ns,0);d=now(CLOCK_MONOTONIC)-a;OK("nanosleep",d>=0.0199&&d<1);
 struct timespec ab;clock_gettime(CLOCK_MONOTONIC,&ab);ab.tv_sec+=0;ab.tv_nsec+=10000000;if(ab.tv_nsec>=1000000000){ab.tv_sec++;ab.tv_nsec-=1000000000;}OK("clock_nanosleep abs",clock_nanosleep(CLOCK_MONOTONIC,TIMER_ABSTIME,&ab,0)==0);
 OK("cputime clocks",now(CLOCK_PROCESS_CPUTIME_ID)>0&&now(CLOCK_THREAD_CPUTIME_ID)>0&&now(CLOCK_MONOTONIC_COARSE)>0&&now(CLOCK_BOOTTIME)>0);
 struct timespec cr;OK("clock_getres",clock_getres(CLOCK_MONOTONIC,&cr)==0&&cr.tv_sec==0);
 struct rusage ru;OK("getrusage",getrusage(RUSAGE_SELF,&ru)==0&&ru.ru_maxrss>0);struct rlimit rl;OK("getrlimit",getrlimit(RLIMIT_NOFILE,&rl)==0&&rl.rlim_cur>=256);
 /* files */
 mkdir("d",0755);int f=open("d/file",O_RDWR|O_CREAT|O_TRUNC|O_CLOEXEC,0644);OK("open",f>=0);char buf[8192];for(int i=0;i<8192;i++)buf[i]=i*7;
 int w=1;for(int i=0;i<32;i++)w&=write(f,buf,8192)==8192;OK("write",w);OK("lseek",lseek(f,0,SEEK_END)==32*8192);char b2[8192];OK("pread",pread(f,b2,8192,8192*3)==8192&&!memcmp(buf,b2,8192));
 struct iovec iv[3]={{buf,10},{buf+10,20},{buf+30,30}};lseek(f,0,SEEK_SET);OK("writev",writev(f,iv,3)==60);OK("preadv",preadv(f,iv,3,60)==60);
 struct stat st;OK("fstat",fstat(f,&st)==0&&st.st_size==32*8192&&S_ISREG(st.st_mode));OK("ftruncate",ftruncate(f,100)==0&&fstat(f,&st)==0&&st.st_size==100);
 OK("fallocate",posix_fallocate(f,0,65536)==0&&fstat(f,&st)==0&&st.st_size==65536);OK("fsync",fsync(f)==0&&fdatasync(f)==0);
 struct flock fl={.l_type=F_WRLCK,.l_whence=SEEK_SET};OK("fcntl lock",fcntl(f,F_SETLK,&fl)==0);
 char*mp=mmap(0,65536,PROT_READ|PROT_WRITE,MAP_SHARED,f,0);OK("mmap shared",mp!=MAP_FAILED);memcpy(mp+1000,"hello-mmap",10);msync(mp,65536,MS_SYNC);pread(f,b2,10,1000);OK("mmap->file",!memcmp(b2,"hello-mmap",10));
 pwrite(f,"file-to-map",11,2000);OK("file->mmap",!memcmp(mp+2000,"file-to-map",11));char*mq=mmap(0,65536,PROT_READ|PROT_WRITE,MAP_PRIVATE,f,0);mq[1000]='X';OK("mmap private",mp[1000]=='h'&&mq[1000]=='X');munmap(mp,65536);munmap(mq,65536);
 symlink("file","d/ln");char lk[64];ssize_t ln=readlink("d/ln",lk,64);OK("symlink",ln==4&&!memcmp(lk,"file",4));link("d/file","d/hard");stat("d/file",&st);OK("link",st.st_nlink==2);
 rename("d/hard","d/ren");OK("rename",access("d/hard",F_OK)==-1&&errno==ENOENT&&access("d/ren",R_OK)==0);DIR*dd=opendir("d");int n=0;struct dirent*de;while((de=readdir(dd)))n++;closedir(dd);OK("readdir",n==5);
 struct timespec tsu[2]={{1000000,5},{2000000,7}};utimensat(AT_FDCWD,"d/file",tsu,0);stat("d/file",&st);OK("utimensat",st.st_mtim.tv_sec==2000000&&st.st_mtim.tv_nsec==7);chmod("d/file",0600);stat("d/file",&st);OK("chmod",(st.st_mode&0777)==0600);
 unlink("d/file");OK("unlinked fd",fstat(f,&st)==0&&st.st_nlink==1);close(f);unlink("d/ren");unlink("d/ln");OK("rmdir",rmdir("d")==0);
 char cw[256];OK("getcwd",getcwd(cw,256)!=0);OK("open enoent",open("nope",O_RDONLY)==-1&&errno==ENOENT);OK("bad fd",read(15555,b2,1)==-1&&errno==EBADF);OK("efault",write(1,(void*)8,4)==-1&&errno==EFAULT);
 /* pipes, eventfd, epoll, timerfd, poll */
 int p[2],psz;pipe2(p,O_CLOEXEC|O_NONBLOCK);OK("pipe empty",read(p[0],b2,1)==-1&&errno==EAGAIN);write(p[1],"abc",3);struct pollfd pf={p[0],POLLIN,0};OK("poll pipe",poll(&pf,1,100)==1&&pf.revents==POLLIN);OK("pipe read",read(p[0],b2,10)==3);
 long tot=0;ssize_t k;memset(buf,1,8192);while((k=write(p[1],buf,4096))>0)tot+=k;psz=fcntl(p[1],F_GETPIPE_SZ);OK("pipe capacity",tot==psz&&psz>=4096);close(p[0]);signal(SIGPIPE,SIG_IGN);OK("epipe",write(p[1],"x",1)==-1&&errno==EPIPE);close(p[1]);
 int ev=eventfd(3,EFD_NONBLOCK|EFD_CLOEXEC),ep=epoll_create1(EPOLL_CLOEXEC);struct epoll_event ee={EPOLLIN|EPOLLET,{.u64=77}},eo[4];epoll_ctl(ep,EPOLL_CTL_ADD,ev,&ee);OK("epoll eventfd",epoll_wait(ep,eo,4,100)==1&&eo[0].data.u64==77);OK("epoll ET",epoll_wait(ep,eo,4,10)==0);unsigned long long v8;OK("eventfd read",read(ev,&v8,8)==8&&v8==3);
 int tf=timerfd_create(CLOCK_MONOTONIC,TFD_NONBLOCK|TFD_CLOEXEC);struct itimerspec tis={{0,5000000},{0,5000000}};timerfd_settime(tf,0,&tis,0);ee.events=EPOLLIN;ee.data.u64=88;epoll_ctl(ep,EPOLL_CTL_ADD,tf,&ee);OK("epoll timerfd",epoll_wait(ep,eo,4,1000)==1&&eo[0].data.u64==88);usleep(30000);OK("timerfd read",read(tf,&v8,8)==8&&v8>=3);close(tf);close(ev);
 int sp[2];socketpair(AF_UNIX,SOCK_STREAM|SOCK_CLOEXEC,0,sp);int pp[2];pipe(pp);char cb[CMSG_SPACE(sizeof(int))];struct iovec io={"z",1};struct msghdr mh={0};mh.msg_iov=&io;mh.msg_iovlen=1;mh.msg_control=cb;mh.msg_controllen=sizeof cb;struct cmsghdr*cm=CMSG_FIRSTHDR(&mh);cm->cmsg_level=SOL_SOCKET;cm->cmsg_type=SCM_RIGHTS;cm->cmsg_len=CMSG_LEN(sizeof(int));memcpy(CMSG_DATA(cm),&pp[1],sizeof(int));
 OK("sendmsg rights",sendmsg(sp[0],&mh,0)==1);char zb;io.iov_base=&zb;OK("recvmsg rights",recvmsg(sp[1],&mh,MSG_CMSG_CLOEXEC)==1);int nfd;memcpy(&nfd,CMSG_DATA(CMSG_FIRSTHDR(&mh)),sizeof(int));write(nfd,"viafd",5);OK("passed fd works",read(pp[0],b2,5)==5&&!memcmp(b2,"viafd",5));
 /* tcp/udp/unix loopback */
 int l=socket(AF_INET,SOCK_STREAM|SOCK_CLOEXEC,0),one=1;setsockopt(l,SOL_SOCKET,SO_REUSEADDR,&one,sizeof one);struct sockaddr_in si4={.sin_family=AF_INET,.sin_addr.s_addr=htonl(INADDR_LOOPBACK)};socklen_t sl=sizeof si4;OK("bind",bind(l,(void*)&si4,sizeof si4)==0);listen(l,16);getsockname(l,(void*)&si4,&sl);OK("getsockname",si4.sin_port!=0);
 pthread_create(t,0,srv,(void*)(long)l);int c=socket(AF_INET,SOCK_STREAM,0);OK("connect",connect(c,(void*)&si4,sizeof si4)==0);setsockopt(c,IPPROTO_TCP,TCP_NODELAY,&one,sizeof one);long sent=0;for(int i=0;i<512;i++){ssize_t x=write(c,buf,8192);if(x>0)sent+=x;}shutdown(c,SHUT_WR);k=read(c,b2,64);b2[k>0?k:0]=0;OK("tcp 4MiB echo count",sent==4194304&&atol(b2)==sent);close(c);pthread_join(t[0],0);close(l);
 c=socket(AF_INET,SOCK_STREAM|SOCK_NONBLOCK,0);e=connect(c,(void*)&si4,sizeof si4);struct pollfd pc={c,POLLOUT,0};poll(&pc,1,1000);int er=0;sl=sizeof er;getsockopt(c,SOL_SOCKET,SO_ERROR,&er,&sl);OK("connect refused",(e==-1&&errno==ECONNREFUSED)||er==ECONNREFUSED);close(c);
 int ua=socket(AF_INET,SOCK_DGRAM,0),ub=socket(AF_INET,SOCK_DGRAM,0);struct sockaddr_in ad={.sin_family=AF_INET,.sin_addr.s_addr=htonl(INADDR_LOOPBACK)};bind(ua,(void*)&ad,sizeof ad);sl=sizeof ad;getsockname(ua,(void*)&ad,&sl);sendto(ub,"dgram",5,0,(void*)&ad,sizeof ad);struct sockaddr_in fr;sl=sizeof fr;OK("udp",recvfrom(ua,b2,64,0,(void*)&fr,&sl)==5&&fr.sin_addr.s_addr==htonl(INADDR_LOOPBACK));
 struct timeval tv={0,20000};setsockopt(ua,SOL_SOCKET,SO_RCVTIMEO,&tv,sizeof tv);OK("so_rcvtimeo",recv(ua,b2,64,0)==-1&&errno==EAGAIN);close(ua);close(ub);
 int ul=socket(AF_UNIX,SOCK_STREAM,0);struct sockaddr_un un={.sun_family=AF_UNIX};strcpy(un.sun_path,"s.sock");OK("unix bind",bind(ul,(void*)&un,sizeof un)==0);listen(ul,4);int uc=socket(AF_UNIX,SOCK_STREAM,0);OK("unix connect",connect(uc,(void*)&un,sizeof un)==0);int us=accept(ul,0,0);write(uc,"unix",4);OK("unix read",read(us,b2,10)==4);close(ul);close(uc);close(us);unlink("s.sock");
 /* memory */
 size_t big=512ul<<20;char*bm=mmap(0,big,PROT_READ|PROT_WRITE,MAP_PRIVATE|MAP_ANONYMOUS|MAP_NORESERVE,-1,0);long sum=0;for(size_t i=0;i<big;i+=4096)bm[i]=i>>12;for(size_t i=0;i<big;i+=4096)sum+=(unsigned char)bm[i];OK("512MiB anon",sum==131072l/256*(255*256/2));madvise(bm,big,MADV_DONTNEED);OK("madvise dontneed",bm[4096]==0);bm=mremap(bm,big,big*2,MREMAP_MAYMOVE);OK("mremap",bm!=MAP_FAILED);munmap(bm,big*2);
 void*rs=mmap(0,1ul<<40,PROT_NONE,MAP_PRIVATE|MAP_ANONYMOUS|MAP_NORESERVE,-1,0);OK("reserve 1TiB",rs!=MAP_FAILED);OK("commit inside",mprotect((char*)rs+(1ul<<39),4096,PROT_READ|PROT_WRITE)==0&&(((char*)rs)[1ul<<39]=1));munmap(rs,1ul<<40);
 int mf=memfd_create("x",MFD_CLOEXEC);ftruncate(mf,4096);unsigned char*code=mmap(0,4096,PROT_READ|PROT_WRITE,MAP_SHARED,mf,0);memcpy(code,"\xb8\x2a\0\0\0\xc3",6);int(*fn)(void)=mmap(0,4096,PROT_READ|PROT_EXEC,MAP_SHARED,mf,0);OK("memfd dual map jit",fn()==42);
 signal(SIGSEGV,SIG_DFL);char*br=(char*)syscall(SYS_brk,0);char*nb=(char*)syscall(SYS_brk,br+(1<<20));OK("brk",nb==br+(1<<20));if(nb>br)memset(br,5,1<<20);
 printf("strftime ");char tb[64];time_t tt=1700000000;strftime(tb,64,"%F %T %Z",localtime(&tt));puts(tb);printf("math %.10f %.10f\n",sin(1.0),exp(0.5));
 puts("done");return 3;}
