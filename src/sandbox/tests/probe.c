/* What a program may try from inside the sandbox. One line an attempt: its name, and "done" or why not. */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <pthread.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/mount.h>
#include <sys/ptrace.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/un.h>
#include <sys/utsname.h>
#include <unistd.h>

static void tell(const char *name, long result)
{
    printf("%s: %s\n", name, result < 0 ? strerrorname_np(errno) : "done");
}

static void doors(void)
{
    struct sockaddr_in to = {.sin_family = AF_INET, .sin_port = htons(443), .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    struct rlimit more = {RLIM_INFINITY, RLIM_INFINITY};
    char *none[] = {NULL};
    int fd;

    tell("read a file", open("/etc/passwd", O_RDONLY));
    tell("read the appliance's own program", open("/proc/1/exe", O_RDONLY));
    tell("list the root", open("/", O_RDONLY | O_DIRECTORY));
    tell("write a file", open("/x", O_WRONLY | O_CREAT, 0600));
    tell("make a file without a name", open("/", O_TMPFILE | O_RDWR, 0600));
    tell("make a folder", mkdir("/x", 0700));
    tell("look at a file", access("/etc/passwd", F_OK));
    tell("change the root", chroot("/"));
    tell("mount", mount("none", "/", "proc", 0, NULL));
    fd = socket(AF_INET, SOCK_STREAM, 0);
    tell("a socket", fd);
    tell("connect", connect(fd, (struct sockaddr *)&to, sizeof to));
    tell("a socket of the kernel", socket(AF_NETLINK, SOCK_RAW, 0));
    tell("a pair of sockets", socketpair(AF_UNIX, SOCK_STREAM, 0, (int[2]){0}));
    tell("fork", fork());
    tell("vfork", syscall(SYS_vfork));
    tell("clone a process", syscall(SYS_clone, SIGCHLD, 0, 0, 0, 0));
    tell("clone3", syscall(SYS_clone3, NULL, 0));
    tell("start a program", execve("/proc/self/exe", none, none));
    tell("start an open file", syscall(SYS_execveat, 0, "", none, none, AT_EMPTY_PATH));
    tell("a file in memory", memfd_create("x", 0));
    tell("trace process 1", ptrace(PTRACE_ATTACH, 1, 0, 0));
    tell("signal process 1", kill(1, SIGKILL));
    tell("signal the group", kill(0, SIGKILL));
    tell("signal everybody", kill(-1, SIGKILL));
    tell("signal a thread of process 1", syscall(SYS_tgkill, 1, 1, SIGKILL));
    tell("a session of its own", setsid());
    tell("leave the group", setpgid(0, 0));
    tell("new namespaces", unshare(CLONE_NEWUSER));
    tell("become root", setuid(0));
    tell("raise a limit", setrlimit(RLIMIT_AS, &more));
    tell("run what it wrote", mmap(NULL, 4096, PROT_READ | PROT_WRITE | PROT_EXEC, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0) == MAP_FAILED ? -1 : 0);
    tell("make memory code", mprotect((void *)((unsigned long)&more & ~4095UL), 4096, PROT_READ | PROT_EXEC));
    tell("load code into the kernel", syscall(SYS_bpf, 0, NULL, 0));
    tell("a queue of system calls", syscall(SYS_io_uring_setup, 1, NULL));
    tell("keys of the kernel", syscall(SYS_keyctl, 0, 0));
    tell("reboot", syscall(SYS_reboot, 0, 0, 0, NULL));
    tell("set the clock", syscall(SYS_clock_settime, 0, NULL));
    tell("a further open file", fcntl(3, F_GETFD));
    tell("an open terminal", fcntl(0, F_SETFL, O_NONBLOCK));
    tell("old calls", syscall(0x40000000 | SYS_getpid));
}

static void *nothing(void *argument)
{
    return argument;
}

static void allocate(void)
{
    size_t mebibytes = 0;
    char *piece;

    while ((piece = malloc(1 << 20)) != NULL) {
        memset(piece, 1, 1 << 20);
        mebibytes++;
    }
    printf("%zu\n", mebibytes);
}

int main(int count, char **words)
{
    const char *what = count > 1 ? words[1] : "";
    char buffer[65536];
    ssize_t length;

    if (!strcmp(what, "echo")) {
        while ((length = read(0, buffer, sizeof buffer)) > 0)
            if (write(1, buffer, length) != length)
                return 1;
    } else if (!strcmp(what, "doors")) {
        doors();
    } else if (!strcmp(what, "environment")) {
        printf("%s %d %d %d\n", environ[0] ? environ[0] : "empty", count, (int)getpid() > 1, (int)syscall(SYS_getppid));
    } else if (!strcmp(what, "threads")) {
        pthread_t threads[64];
        int made = 0;
        while (made < 64 && !pthread_create(&threads[made], NULL, nothing, NULL))
            made++;
        printf("%d\n", made);
    } else if (!strcmp(what, "compute")) {
        for (;;)
            ;
    } else if (!strcmp(what, "wait")) {
        struct timespec long_time = {1000, 0};
        for (;;)
            nanosleep(&long_time, NULL);
    } else if (!strcmp(what, "allocate")) {
        allocate();
    } else if (!strcmp(what, "flood")) {
        memset(buffer, 'x', sizeof buffer);
        for (;;)
            if (write(1, buffer, sizeof buffer) < 0)
                return 1;
    } else if (!strcmp(what, "complain")) {
        fprintf(stderr, "%s", "no way\nat all\n");
        return 3;
    } else if (!strcmp(what, "abort")) {
        abort();
    } else if (!strcmp(what, "crash")) {
        *(volatile char *)8 = 1;
    } else {
        return 2;
    }
    return 0;
}
