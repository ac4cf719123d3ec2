// The first process of a virtual machine. The runner's own file is the guest's /init: the kernel starts it with
// `--guest`, and before anything of Swift runs (its start-up reads /proc) this makes a place to stand in, starts the
// runner proper as its child, and stays as the guest's keeper. The child then confines itself exactly as on a host:
// a broken engine has the runner's fences to leave, then this kernel, then the machine.
//
// Three ports lead to the host, serial ones or sockets (`--sockets`), and no other device does: `frames` is the runner's descriptors 0 and 1, `report` its
// descriptor 2, and `guard` is the keeper's alone, so that nothing the plugin's side writes can pass for its word.
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <linux/random.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mount.h>
#include <sys/reboot.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/utsname.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "guest.h"
#include "internal.h"

// What the host hands over on the guard port at each start: 'S', entropy, and its time in nanoseconds since 1970,
// most significant byte first.
enum { SEED_BYTES = 64, RECORD_BYTES = 1 + SEED_BYTES + 8 };

static int in_guest;

static _Noreturn void stop_machine(void) {
    // The machine is started with `-no-reboot`: this ends it at once, with nothing left to flush.
    reboot(RB_AUTOBOOT);
    for (;;) pause();
}

void guest_must(int result, const char *step) {
    if (result >= 0) return;
    dprintf(2, "guest: %s: %s\n", step, strerror(errno));
    stop_machine();
}

// Where the machine's devices are, as a monitor without a table of them writes it into the kernel's words:
// `virtio_mmio.device=4K@0xd0000000:5`. The module's loader passes them on.
static void read_device_words(char *into, size_t room) {
    static char words[4096];
    into[0] = 0;
    if (mount("proc", "/proc", "proc", MS_NOSUID | MS_NODEV | MS_NOEXEC, NULL) != 0) return;
    int fd = open("/proc/cmdline", O_RDONLY | O_CLOEXEC);
    ssize_t length = fd < 0 ? 0 : read(fd, words, sizeof words - 1);
    if (fd >= 0) close(fd);
    umount2("/proc", MNT_DETACH);
    static const char mark[] = "virtio_mmio.";
    for (char *word = strtok(words, " \n"); length > 0 && word; word = strtok(NULL, " \n")) {
        size_t have = strlen(into), more = strlen(word) - (sizeof mark - 1);
        if (strncmp(word, mark, sizeof mark - 1) != 0 || have + more + 2 > room) continue;
        snprintf(into + have, room - have, "%s ", word + sizeof mark - 1);
    }
}

// In the order of their names: the image writer numbers them by what needs what. The third is `virtio_mmio`.
static void load_modules(void) {
    static char devices[1024];
    char path[32];
    read_device_words(devices, sizeof devices);
    for (int number = 0; number < 16; number++) {
        snprintf(path, sizeof path, "/modules/%02d.ko", number);
        int fd = open(path, O_RDONLY | O_CLOEXEC);
        if (fd < 0) return;
        const char *words = number == 2 ? devices : "";
        if (syscall(SYS_finit_module, fd, words, 0) != 0 && errno != EEXIST) guest_must(-1, path);
        close(fd);
    }
}

// A port appears when its driver has met the device.
static int open_port(int number) {
    char path[32];
    snprintf(path, sizeof path, "/dev/vport0p%d", number);
    for (int tries = 0; tries < 10000; tries++) {
        int fd = open(path, O_RDWR | O_CLOEXEC);
        if (fd >= 0) return fd;
        usleep(1000);
    }
    guest_must(-1, path);
    return -1;
}

// The first root of a kernel cannot be left by pivot_root, which the runner's confinement does: stand on a copy.
static void stand_on_own_root(void) {
    guest_must(mount("/", "/root", NULL, MS_BIND, NULL), "binding the root");
    guest_must(chdir("/root"), "entering the root");
    guest_must(mount("proc", "proc", "proc", MS_NOSUID | MS_NODEV | MS_NOEXEC, NULL), "mounting /proc");
    guest_must(mount(".", "/", NULL, MS_MOVE, NULL), "moving the root");
    guest_must(chroot("."), "standing in the root");
}

static uint64_t word(const unsigned char *at) {
    uint64_t value = 0;
    for (int i = 0; i < 8; i++) value = value << 8 | at[i];
    return value;
}

// Two machines from one snapshot hold the same random state and the same old time. The host's bytes part them,
// before a plugin is there to see either. False when the host is gone, or says something else.
static int take_seed(int guard) {
    unsigned char record[RECORD_BYTES];
    for (size_t have = 0; have < sizeof record;) {
        ssize_t got = read(guard, record + have, sizeof record - have);
        if (got < 0 && (errno == EINTR || errno == EAGAIN)) continue;
        if (got <= 0) return 0;
        have += (size_t)got;
    }
    if (record[0] != 'S') return 0;
    // `struct rand_pool_info`: how many bits to count, how many bytes follow, the bytes.
    int pool[2 + SEED_BYTES / sizeof(int)] = {SEED_BYTES * 8, SEED_BYTES};
    memcpy(pool + 2, record + 1, SEED_BYTES);
    int random = open("/dev/urandom", O_RDWR | O_CLOEXEC);
    if (random < 0) random = open("/urandom", O_RDWR | O_CLOEXEC);
    guest_must(random, "/dev/urandom");
    guest_must(ioctl(random, RNDADDENTROPY, pool), "adding entropy");
    guest_must(ioctl(random, RNDRESEEDCRNG), "seeding anew");
    close(random);
    uint64_t now = word(record + 1 + SEED_BYTES);
    struct timespec time = {(time_t)(now / 1000000000), (long)(now % 1000000000)};
    guest_must(clock_settime(CLOCK_REALTIME, &time), "setting the clock");
    // The kernel's own word for itself, so that the host can tell this kernel from its own.
    struct utsname kernel;
    uname(&kernel);
    dprintf(guard, "guest: seeded %s\n", kernel.release);
    return 1;
}

// Whether this kernel has ended a process for want of memory; there is one that it could be.
static int ran_out_of_memory(void) {
    static char text[16 << 10];
    int fd = open("/proc/vmstat", O_RDONLY | O_CLOEXEC);
    if (fd < 0) return 0;
    size_t have = 0;
    for (ssize_t got; have < sizeof text - 1 && (got = read(fd, text + have, sizeof text - 1 - have)) > 0;)
        have += (size_t)got;
    close(fd);
    text[have] = 0;
    char *found = strstr(text, "\noom_kill ");
    return found && atoi(found + 10) > 0;
}

static void child_ended(int signal_number) { (void)signal_number; }

static int exit_code_of(int status) { return WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status); }

static void say_how_it_ended(int guard, int status) {
    dprintf(guard, "guest: %s %d\n", ran_out_of_memory() ? "memory" : "exit", exit_code_of(status));
}

static _Noreturn void keep_guest(pid_t runner, int guard) {
    struct pollfd watched = {.fd = guard, .events = POLLIN};
    // The signal is let in only while waiting, so that none is missed between looking and waiting.
    sigset_t none;
    sigemptyset(&none);
    for (;;) {
        int status;
        pid_t ended = waitpid(-1, &status, WNOHANG);
        if (ended == runner) {
            say_how_it_ended(guard, status);
            stop_machine();
        }
        if (ended > 0) continue;
        watched.revents = 0;
        if (ppoll(&watched, 1, NULL, &none) < 0) continue;
        if (watched.revents & (POLLHUP | POLLERR)) stop_machine();
        if (watched.revents & POLLIN && !take_seed(guard)) stop_machine();
    }
}

static struct guest_sockets sockets;

// The same where the ports are sockets. A host that is gone has taken the machine along; a connection that ends here
// is one that did not outlive a snapshot.
static _Noreturn void keep_guest_on_sockets(pid_t runner) {
    sigset_t none;
    sigemptyset(&none);
    for (;;) {
        int status;
        pid_t ended = waitpid(-1, &status, WNOHANG);
        if (ended == runner) {
            // Its last words first, then how it ended, then a moment for both to leave the machine.
            for (int turn = 0; turn < 50; turn++) guest_wait(&sockets, &none, 1);
            if (sockets.lines[GUEST_GUARD].connection >= 0)
                say_how_it_ended(sockets.lines[GUEST_GUARD].connection, status);
            usleep(50000);
            stop_machine();
        }
        if (ended > 0) continue;
        if (guest_wait(&sockets, &none, -1) && !take_seed(sockets.lines[GUEST_GUARD].connection))
            guest_forget_guard(&sockets);
    }
}

// Returns in the runner's process, which goes on like one that a host has spawned.
static void start_guest(int on_sockets) {
    in_guest = 1;
    guest_must(mount("dev", "/dev", "devtmpfs", MS_NOSUID | MS_NOEXEC, NULL), "mounting /dev");
    load_modules();
    int frames, report, guard;
    if (on_sockets) {
        guest_listen(&sockets);
        frames = sockets.runner_ends[GUEST_FRAMES];
        report = sockets.runner_ends[GUEST_REPORT];
        guard = sockets.lines[GUEST_GUARD].connection;
    } else {
        frames = open_port(1), report = open_port(2), guard = open_port(3);
    }
    // The ports are open and no other device is needed: names to open go away, all but the random one.
    guest_must(mknod("/urandom", S_IFCHR | 0600, 1 << 8 | 9), "the random device");
    guest_must(umount2("/dev", MNT_DETACH), "unmounting /dev");
    stand_on_own_root();
    // Before the first process that needs randomness.
    if (!take_seed(guard)) stop_machine();

    struct sigaction on_child = {.sa_handler = child_ended};
    sigaction(SIGCHLD, &on_child, NULL);
    sigset_t blocked, before;
    sigemptyset(&blocked);
    sigaddset(&blocked, SIGCHLD);
    sigprocmask(SIG_BLOCK, &blocked, &before);
    pid_t runner = fork();
    guest_must(runner, "starting the runner");
    if (runner != 0) {
        close(frames);
        close(report);
        if (on_sockets) {
            signal(SIGPIPE, SIG_IGN);
            keep_guest_on_sockets(runner);
        }
        keep_guest(runner, guard);
    }
    sigprocmask(SIG_SETMASK, &before, NULL);
    signal(SIGCHLD, SIG_DFL);
    if (dup2(frames, 0) < 0 || dup2(frames, 1) < 0 || dup2(report, 2) < 0) _exit(CSANDBOX_EXIT_STEP);
    // Listeners, connections and the keeper's ends as well: nothing but the three travels along.
    syscall(SYS_close_range, 3, ~0u, 0);
}

void csandbox_ready(void) {
    static const char line[] = "guest: ready\n";
    if (in_guest && write(2, line, sizeof line - 1) < 0) {
        // The host is gone, and the guard port tells the keeper.
    }
}

// Before the constructors of Swift's runtime, which read /proc and end the process where there is none.
__attribute__((constructor(101))) static void before_all(int count, char **arguments) {
    if (count > 1 && getpid() == 1 && strcmp(arguments[1], "--guest") == 0)
        start_guest(count > 2 && strcmp(arguments[2], "--sockets") == 0);
    if (count > 2 && strcmp(arguments[1], "--machine") == 0) csandbox_keep_machine(arguments + 2, NULL, 0);
    if (count > 4 && strcmp(arguments[1], "--machine-in") == 0)
        csandbox_keep_machine(arguments + 4, arguments[2], (uint64_t)atoll(arguments[3]));
}
