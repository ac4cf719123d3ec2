// A program in the runner's place: confined like it, speaking its frames, and hostile in ways that JavaScript cannot
// express. Whatever the engine may one day let through, this already does. Each attack is named by the request's
// `data`; what it got is answered as {"result": number, "errno": number}, where it lives to answer.
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <poll.h>
#include <signal.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/auxv.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/uio.h>
#include <sys/un.h>
#include <unistd.h>

#include "CSandbox.h"

extern char **environ;

static void need(ssize_t got, size_t wanted) {
    if (got != (ssize_t)wanted) _exit(0);
}

static void read_all(void *into, size_t count) {
    for (size_t have = 0; have < count;) {
        ssize_t got = read(0, (char *)into + have, count - have);
        if (got < 0 && errno == EINTR) continue;
        if (got < 0 && errno == EAGAIN) {
            struct pollfd ready = {.fd = 0, .events = POLLIN};
            poll(&ready, 1, -1);
            continue;
        }
        if (got < 0) _exit(40 + (errno & 15));
        if (got == 0) _exit(0);
        have += (size_t)got;
    }
}

static void put32(unsigned char *at, uint32_t value) {
    for (int i = 0; i < 4; i++) at[i] = (unsigned char)(value >> (24 - 8 * i));
}

static void write_all(const void *from, size_t length) {
    for (size_t at = 0; at < length;) {
        ssize_t put = write(1, (const char *)from + at, length - at);
        if (put < 0 && errno == EAGAIN) {
            struct pollfd ready = {.fd = 1, .events = POLLOUT};
            poll(&ready, 1, -1);
            continue;
        }
        if (put <= 0) _exit(0);
        at += (size_t)put;
    }
}

static void frame(unsigned char kind, uint32_t id, const void *payload, size_t length) {
    unsigned char head[9];
    put32(head, (uint32_t)length);
    head[4] = kind;
    put32(head + 5, id);
    write_all(head, 9);
    write_all(payload, length);
}

static void answer(uint32_t id, long result, int error) {
    char text[96];
    int length = snprintf(text + 1, sizeof text - 1, "{\"result\":%ld,\"errno\":%d}", result, result < 0 ? error : 0);
    text[0] = 0;  // success
    frame(0x85, id, text, (size_t)length + 1);
}

static unsigned char page[1 << 16];

static long inet(int number, int kind) {
    int fd = socket(AF_INET, kind, 0);
    if (fd < 0) return -1;
    struct sockaddr_in to = {.sin_family = AF_INET, .sin_port = htons(80), .sin_addr = {htonl(0x7f000001)}};
    return number ? connect(fd, (struct sockaddr *)&to, sizeof to) : bind(fd, (struct sockaddr *)&to, sizeof to);
}

static long abstract_socket(void) {
    int fd = socket(AF_UNIX, SOCK_STREAM, 0);
    if (fd < 0) return -1;
    struct sockaddr_un to = {.sun_family = AF_UNIX, .sun_path = "\0/tmp/.X11-unix/X0"};
    return connect(fd, (struct sockaddr *)&to, sizeof to);
}

// Counts descriptors that are open beyond the three it may have.
static long open_descriptors(void) {
    long count = 0;
    for (int fd = 3; fd < 64; fd++) {
        char byte;
        if (lseek(fd, 0, SEEK_CUR) >= 0 || errno != EBADF) count++;
        (void)byte;
    }
    return count;
}

static long touch_memory(void) {
    long mebibytes = 0;
    for (;; mebibytes++) {
        char *piece = mmap(NULL, 1 << 20, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
        if (piece == MAP_FAILED) return mebibytes;
        for (int at = 0; at < 1 << 20; at += 4096) piece[at] = 1;
    }
}

// The direct system calls: name, number, arguments that would do harm if they were let through.
struct attempt {
    const char *name;
    long number, a, b, c, d, e, f;
};
#define S(name, ...) {#name, SYS_##name, __VA_ARGS__}
static char root[] = "/", passwd[] = "/etc/passwd", self[] = "/proc/self/mem", shell[] = "/bin/sh";
static char *const shell_arguments[] = {shell, NULL};

static const struct attempt *attempts(size_t *count) {
    static struct attempt list[] = {
        S(clone, SIGCHLD, 0, 0, 0, 0), S(clone3, (long)page, 64), S(unshare, 0x10000000),
        S(setns, 0, 0), S(execve, (long)shell, (long)shell_arguments, 0),
        S(execveat, AT_FDCWD, (long)shell, (long)shell_arguments, 0, 0),
        S(openat, AT_FDCWD, (long)passwd, O_RDONLY), S(openat2, AT_FDCWD, (long)passwd, (long)page, 24),
        S(readlinkat, AT_FDCWD, (long)self, (long)page, 100), S(memfd_create, (long)root, 0),
        S(open_by_handle_at, AT_FDCWD, (long)page, 0), S(name_to_handle_at, AT_FDCWD, (long)root, (long)page, (long)page, 0),
        S(newfstatat, AT_FDCWD, (long)passwd, (long)page, 0), S(faccessat, AT_FDCWD, (long)passwd, 0),
        S(chdir, (long)root), S(chroot, (long)root), S(mkdirat, AT_FDCWD, (long)"/x", 0700),
        S(unlinkat, AT_FDCWD, (long)passwd, 0), S(symlinkat, (long)passwd, AT_FDCWD, (long)"/x"),
        S(mknodat, AT_FDCWD, (long)"/x", 020600, 0x103), S(fchmodat, AT_FDCWD, (long)root, 04777),
        S(getcwd, (long)page, 100), S(getdents64, 0, (long)page, 1000),
        S(mount, 0, (long)root, (long)"tmpfs", 0, 0), S(umount2, (long)root, 1),
        S(pivot_root, (long)root, (long)root), S(fsopen, (long)"tmpfs", 0), S(open_tree, AT_FDCWD, (long)root, 1),
        S(move_mount, 0, (long)root, 0, (long)root, 0), S(mount_setattr, AT_FDCWD, (long)root, 0, (long)page, 32),
        S(swapon, (long)root, 0), S(quotactl, 0, 0, 0, 0), S(fanotify_init, 0, 0), S(inotify_init1, 0),
        S(socket, AF_INET, SOCK_STREAM, 0), S(socketpair, AF_UNIX, SOCK_STREAM, 0, (long)page),
        S(sendmsg, 1, (long)page, 0), S(recvmsg, 0, (long)page, 0), S(setsockopt, 0, 1, 1, 0, 0),
        S(listen, 0, 1), S(accept4, 0, 0, 0, 0), S(ptrace, 16, 1, 0, 0), S(process_vm_readv, 1, 0, 0, 0, 0, 0),
        S(process_vm_writev, 1, 0, 0, 0, 0, 0), S(process_madvise, 0, 0, 0, 0, 0), S(kcmp, 1, 1, 0, 0, 0),
        S(pidfd_open, 1, 0), S(pidfd_getfd, 0, 0, 0), S(pidfd_send_signal, 0, 9, 0, 0), S(kill, 1, 0),
        S(tkill, 1, 0), S(tgkill, 3, 3, 9), S(rt_sigqueueinfo, 1, 0, (long)page), S(keyctl, 0, -3, 0, 0, 0),
        S(add_key, (long)"user", (long)"x", (long)"y", 1, -3), S(request_key, (long)"user", (long)"x", 0, -3),
        S(io_uring_setup, 8, (long)page), S(io_uring_enter, 0, 1, 0, 0, 0), S(io_uring_register, 0, 0, 0, 0),
        S(userfaultfd, 0), S(bpf, 0, (long)page, 64), S(perf_event_open, (long)page, 0, -1, -1, 0),
        S(seccomp, 1, 0, (long)page), S(prctl, PR_SET_DUMPABLE, 1, 0, 0, 0), S(capset, (long)page, (long)page),
        S(setuid, 0), S(setresuid, 0, 0, 0), S(setgroups, 0, 0), S(setsid), S(personality, 0x0040000),
        S(prlimit64, 0, 7, (long)page, 0), S(setrlimit, 7, (long)page), S(sched_setaffinity, 0, 8, (long)page),
        S(sched_setattr, 0, (long)page, 0), S(setpriority, 0, 0, -20), S(ioprio_set, 1, 0, 0),
        S(init_module, (long)page, 10, (long)""), S(finit_module, 0, (long)"", 0), S(delete_module, (long)"x", 0),
        S(kexec_load, 0, 0, 0, 0), S(reboot, 0xfee1dead, 672274793, 0, 0), S(sethostname, (long)"x", 1),
        S(settimeofday, (long)page, 0), S(clock_settime, 0, (long)page), S(adjtimex, (long)page),
        S(syslog, 3, (long)page, 1000), S(acct, 0), S(shmget, 0, 4096, 01777), S(msgget, 0, 01777),
        S(semget, 0, 1, 01777), S(mq_open, (long)"/x", 0102, 0600, 0), S(dup, 0), S(dup3, 0, 20, 0),
        S(pipe2, (long)page, 0), S(eventfd2, 0, 0), S(epoll_create1, 0), S(timerfd_create, 0, 0),
        S(signalfd4, -1, (long)page, 8, 0), S(timer_create, 0, 0, (long)page), S(memfd_secret, 0),
        S(mlock, (long)page, 4096), S(remap_file_pages, (long)page, 4096, 0, 0, 0), S(membarrier, 0, 0, 0),
        S(landlock_create_ruleset, 0, 0, 1), S(fcntl, 0, 1, 0), S(ioctl, 0, 0x5412, (long)page),
        S(sendfile, 1, 0, 0, 10), S(splice, 0, 0, 1, 0, 10, 0), S(vmsplice, 1, (long)page, 1, 0),
        S(copy_file_range, 0, 0, 1, 0, 10, 0), S(uname, (long)page), S(getrusage, 0, (long)page), S(sysinfo, (long)page),
        S(getppid), S(getuid), S(capget, (long)page, (long)page), S(rt_sigtimedwait, (long)page, 0, 0, 8),
        S(ustat, 0, (long)page), S(lookup_dcookie, 0, 0, 0), S(modify_ldt, 0, (long)page, 16), S(iopl, 3),
        S(ioperm, 0x60, 1, 1), S(arch_prctl, 0x1001, 0), S(open, (long)passwd, 0), S(creat, (long)"/x", 0600),
        S(fork), S(vfork), S(stat, (long)passwd, (long)page), S(access, (long)passwd, 0),
    };
    *count = sizeof list / sizeof *list;
    return list;
}

static long open_at(const char *path, int flags) { return syscall(SYS_openat, AT_FDCWD, path, flags, 0); }

static void flood_requests(uint32_t many) {
    for (uint32_t id = 1; id <= many; id++) frame(0x82, id, "\x08readDatanull", 13);
}

// Files of the kernel's that a way out would begin with, and groups that it would end in.
static const struct {
    const char *name, *path;
    int flags;
} places[] = {
    {"proc-self-mem", "/proc/self/mem", O_RDWR}, {"proc-self-maps", "/proc/self/maps", O_RDONLY},
    {"proc-1-environ", "/proc/1/environ", O_RDONLY}, {"proc-1-root", "/proc/1/root", O_RDONLY},
    {"proc-sys", "/proc/sys/kernel/core_pattern", O_WRONLY}, {"proc-sysrq", "/proc/sysrq-trigger", O_WRONLY},
    {"cgroup-procs", "/sys/fs/cgroup/cgroup.procs", O_WRONLY},
    {"cgroup-tasks", "/sys/fs/cgroup/memory/tasks", O_WRONLY},
    {"cgroup-release", "/sys/fs/cgroup/memory/release_agent", O_WRONLY},
    {"dev-mem", "/dev/mem", O_RDWR}, {"dev-kvm", "/dev/kvm", O_RDWR}, {"own-program", "/runner", O_RDWR},
    {"link-in-bundle", "dist/link", O_RDONLY}, {"dot-dot", "../../../../etc/passwd", O_RDONLY},
};

static char *program_path;

// Does what the name says; gives 1 if the attack has already answered (or never will).
static int perform(const char *name, uint32_t id) {
    if (!strcmp(name, "mmap-exec"))
        return answer(id, (long)mmap(NULL, 4096, PROT_READ | PROT_EXEC, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0) == -1 ? -1 : 0, errno), 1;
    if (!strcmp(name, "mprotect-exec")) return answer(id, mprotect(page, 4096, PROT_READ | PROT_EXEC), errno), 1;
    if (!strcmp(name, "x32")) return answer(id, syscall(0x40000000 | SYS_getpid), errno), 1;
    if (!strcmp(name, "int80")) {
        long result;
        __asm__ volatile("int $0x80" : "=a"(result) : "a"(20L) : "memory");
        return answer(id, result, 0), 1;
    }
    if (!strcmp(name, "connect")) return answer(id, inet(1, SOCK_STREAM), errno), 1;
    if (!strcmp(name, "bind")) return answer(id, inet(0, SOCK_STREAM), errno), 1;
    if (!strcmp(name, "abstract-socket")) return answer(id, abstract_socket(), errno), 1;
    for (size_t i = 0; i < sizeof places / sizeof *places; i++)
        if (!strcmp(name, places[i].name)) {
            long result = open_at(places[i].path, places[i].flags);
            return answer(id, result, errno), 1;
        }
    if (!strcmp(name, "kill-all")) {
        long result = kill(-1, SIGKILL);
        return answer(id, result, errno), 1;
    }
    if (!strcmp(name, "fork-bomb")) for (;;) syscall(SYS_fork);
    if (!strcmp(name, "fd-leak")) for (;;) syscall(SYS_dup, 0);
    if (!strcmp(name, "names")) return answer(id, strlen(program_path) + strlen((char *)getauxval(AT_EXECFN)), 0), 1;
    if (!strcmp(name, "environment")) return answer(id, environ && *environ ? 1 : 0, 0), 1;
    if (!strcmp(name, "descriptors")) return answer(id, open_descriptors(), 0), 1;
    if (!strcmp(name, "process")) return answer(id, getpid(), 0), 1;
    if (!strcmp(name, "memory")) return answer(id, touch_memory(), 0), 1;
    if (!strcmp(name, "spin")) for (;;) {}
    if (!strcmp(name, "sleep")) for (;;) poll(NULL, 0, 1000);
    if (!strcmp(name, "segfault")) *(volatile int *)8 = 1;
    if (!strcmp(name, "abort")) abort();
    if (!strcmp(name, "exit")) _exit(0);
    if (!strcmp(name, "forged-report")) {
        static const char lie[] = "csandbox: confined pid=1\ncsandbox: syscall none 0\n";
        need(write(2, lie, sizeof lie - 1), sizeof lie - 1);
        _exit(0);
    }
    if (!strcmp(name, "forged-syscall")) {
        static const char lie[] = "csandbox: syscall fork 57\n";
        need(write(2, lie, sizeof lie - 1), sizeof lie - 1);
        _exit(73);
    }
    if (!strcmp(name, "long-result")) {
        unsigned char head[9] = {0x7f, 0xff, 0xff, 0xff, 0x85};
        put32(head + 5, id);
        need(write(1, head, 9), 9);
        return 1;
    }
    if (!strcmp(name, "garbage")) return memset(page, 0xaa, sizeof page), write_all(page, sizeof page), 1;
    if (!strcmp(name, "wrong-id")) return answer(id + 1, 0, 0), 1;
    if (!strcmp(name, "twice")) return answer(id, 0, 0), answer(id, 0, 0), 1;
    if (!strcmp(name, "host-frame")) return frame(0x05, id, "{}", 2), 1;
    if (!strcmp(name, "request-flood")) return flood_requests(100000), 1;
    if (!strcmp(name, "waiting-flood")) return flood_requests(65), 1;
    if (!strcmp(name, "log-flood")) {
        memset(page, 'x', 8000);
        page[0] = 1;
        for (int line = 0; line < 100000; line++) frame(0x83, 0, page, 8000);
        return 1;
    }
    if (!strcmp(name, "bad-json")) return frame(0x85, id, "\0{\"a\":1,\"a\":2}", 14), 1;
    if (!strcmp(name, "deep-json")) {
        memset(page, '[', sizeof page);
        page[0] = 0;
        return frame(0x85, id, page, sizeof page), 1;
    }
    if (!strcmp(name, "half-frame")) return need(write(1, "\0\0\0", 3), 3), 1;
    size_t count;
    const struct attempt *list = attempts(&count);
    for (size_t i = 0; i < count; i++)
        if (!strcmp(list[i].name, name)) {
            const struct attempt *a = &list[i];
            long result = syscall(a->number, a->a, a->b, a->c, a->d, a->e, a->f);
            return answer(id, result, errno), 1;
        }
    return answer(id, -1, 0), 1;
}

int main(int count, char **arguments) {
    if (count > 1 && !strcmp(arguments[1], "list")) {
        size_t total;
        const struct attempt *list = attempts(&total);
        for (size_t i = 0; i < total; i++) printf("%s\n", list[i].name);
        return 0;
    }
    program_path = arguments[0];
    if (count > 1 && !strcmp(arguments[1], "crash")) abort();
    // In the worker's place: `worker-NAME` tries one system call under the worker's list.
    if (count > 1 && !strncmp(arguments[1], "worker-", 7)) {
        csandbox_confine_worker();
        size_t total;
        const struct attempt *list = attempts(&total);
        for (size_t i = 0; i < total; i++)
            if (!strcmp(list[i].name, arguments[1] + 7)) {
                const struct attempt *a = &list[i];
                long result = syscall(a->number, a->a, a->b, a->c, a->d, a->e, a->f);
                dprintf(1, "%ld %d", result, result < 0 ? errno : 0);
                _exit(0);
            }
        _exit(2);
    }
    int groups = count > 2 && !strcmp(arguments[1], "--groups") ? atoi(arguments[2]) : 0;
    csandbox_confine_runner(count > 1 && !strcmp(arguments[1], "--inside") ? CSANDBOX_INSIDE : CSANDBOX_ON_HOST, groups);
    csandbox_ready();
    static char payload[1 << 16];
    for (;;) {
        unsigned char head[9];
        read_all(head, 9);
        uint32_t length = (uint32_t)head[0] << 24 | (uint32_t)head[1] << 16 | (uint32_t)head[2] << 8 | head[3];
        uint32_t id = (uint32_t)head[5] << 24 | (uint32_t)head[6] << 16 | (uint32_t)head[7] << 8 | head[8];
        if (length >= sizeof payload) return 0;
        read_all(payload, length);
        payload[length] = 0;
        if (head[4] == 0x01) frame(0x81, 0, "VFRP\0\1hostile", 13);
        else if (head[4] == 0x05) {
            // {"action":"go","data":"NAME"}, after twenty bytes of budget.
            char *name = strstr(payload + 20, "\"data\":\"");
            if (name == NULL) return 0;
            name += 8;
            char *end = strchr(name, '"');
            if (end) *end = 0;
            perform(name, id);
        } else if (head[4] == 0x03 || head[4] == 0x04 || head[4] == 0x06) frame(0x85, id, "\0null", 5);
    }
}
