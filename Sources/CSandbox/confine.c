#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <grp.h>
#include <linux/capability.h>
#include <linux/sched.h>
#include <linux/securebits.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/auxv.h>
#include <sys/mount.h>
#include <sys/prctl.h>
#include <sys/ptrace.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "internal.h"

static const char namespaces_advice[] =
    "as an ordinary user this needs `sysctl user.max_user_namespaces=10000` and, where they exist, "
    "`kernel.unprivileged_userns_clone=1` and `kernel.apparmor_restrict_unprivileged_userns=0`; in a container, "
    "a security profile that permits clone and mount in a user namespace";

_Noreturn void csandbox_fail(int code, int error, const char *step, const char *advice) {
    dprintf(2, "csandbox: %s%s%s%s%s\n", step, error ? ": " : "", error ? strerror(error) : "", advice ? "; " : "",
            advice ? advice : "");
    _exit(code);
}

static void must(int result, const char *step) {
    if (result != 0) csandbox_fail(CSANDBOX_EXIT_STEP, errno, step, NULL);
}

// Inside the new user namespace there is one user and one group, `nobody`. Started by root it is the host's
// nobody outside as well, so that even a way out of the namespaces would arrive without a right.
static void write_map(pid_t child, const char *file, unsigned outside) {
    char path[64], line[64];
    snprintf(path, sizeof path, "/proc/%d/%s", child, file);
    int length = snprintf(line, sizeof line, "65534 %u 1", outside);
    int fd = open(path, O_WRONLY | O_CLOEXEC);
    if (fd < 0 || write(fd, line, (size_t)length) != length)
        csandbox_fail(CSANDBOX_EXIT_NOT_PERMITTED, errno, "mapping the user into its namespace", namespaces_advice);
    close(fd);
}

static void deny_setgroups(pid_t child) {
    char path[64];
    snprintf(path, sizeof path, "/proc/%d/setgroups", child);
    int fd = open(path, O_WRONLY | O_CLOEXEC);
    if (fd >= 0) {
        if (write(fd, "deny", 4) != 4) csandbox_fail(CSANDBOX_EXIT_STEP, errno, "denying setgroups", NULL);
        close(fd);
    }
}

void csandbox_map_user(pid_t child, int as_nobody) {
    if (geteuid() != 0) deny_setgroups(child);
    write_map(child, "uid_map", as_nobody ? 65534 : geteuid());
    write_map(child, "gid_map", as_nobody ? 65534 : getegid());
}

// An empty, read-only root with room for nothing: no /proc, no /dev, no library, no name that could be opened.
static void enter_empty_root(void) {
    must(mount(NULL, "/", NULL, MS_REC | MS_PRIVATE, NULL), "making the mounts private");
    // Any directory that certainly exists serves as the place; nobody outside sees this mount.
    must(mount("none", "/proc", "tmpfs", MS_NOSUID | MS_NODEV | MS_NOEXEC, "size=4k,nr_inodes=1,mode=0555"),
         "mounting the empty root");
    must(chdir("/proc"), "entering the empty root");
    must((int)syscall(SYS_pivot_root, ".", "."), "making the empty root the root");
    must(umount2(".", MNT_DETACH), "letting go of the old root");
    must(chdir("/"), "standing in the empty root");
    must(mount(NULL, "/", NULL, MS_REMOUNT | MS_BIND | MS_RDONLY | MS_NOSUID | MS_NODEV | MS_NOEXEC, NULL),
         "making the empty root read-only");
}

static void become_nobody(void) {
    // Groups of the starting user would travel along; in a namespace with `deny` they are already unusable.
    if (setgroups(0, NULL) != 0 && errno != EPERM) must(-1, "dropping groups");
    must(setresgid(65534, 65534, 65534), "taking the group nobody");
    must(setresuid(65534, 65534, 65534), "taking the user nobody");
}

// The system call list refuses new namespaces; the kernel is told as well, because a process that makes itself a
// user namespace holds every capability in it. Where /proc/sys is read-only the list stands alone.
static void forbid_inner_namespaces(void) {
    int fd = open("/proc/sys/user/max_user_namespaces", O_WRONLY | O_CLOEXEC);
    if (fd < 0) return;
    if (write(fd, "0", 1) != 1) errno = 0;
    close(fd);
}

// The names this program was started by stand on its stack: a path of the host's is nobody's business inside.
static void forget_names(void) {
    char *executed = (char *)getauxval(AT_EXECFN);
    if (executed) memset(executed, 0, strlen(executed));
    if (program_invocation_name) memset(program_invocation_name, 0, strlen(program_invocation_name));
    program_invocation_name = program_invocation_short_name = "";
}

void csandbox_drop_capabilities(void) {
    // Even inside its own namespace the process keeps none: a capability there reaches kernel code that only
    // privileged callers reach elsewhere. The bounding set first, as dropping it is itself a privilege.
    for (int capability = 0; capability <= 63; capability++)
        if (prctl(PR_CAPBSET_DROP, capability, 0, 0, 0) != 0 && errno == EINVAL) break;
    prctl(PR_CAP_AMBIENT, PR_CAP_AMBIENT_CLEAR_ALL, 0, 0, 0);
    // No identity change ever gives any back.
    prctl(PR_SET_SECUREBITS, SECBIT_NOROOT | SECBIT_NOROOT_LOCKED | SECBIT_NO_SETUID_FIXUP |
          SECBIT_NO_SETUID_FIXUP_LOCKED | SECBIT_KEEP_CAPS_LOCKED | SECBIT_NO_CAP_AMBIENT_RAISE |
          SECBIT_NO_CAP_AMBIENT_RAISE_LOCKED, 0, 0, 0);
    struct __user_cap_header_struct header = {.version = _LINUX_CAPABILITY_VERSION_3, .pid = 0};
    struct __user_cap_data_struct none[2] = {{0}, {0}};
    must((int)syscall(SYS_capset, &header, none), "dropping capabilities");
}

// A second fence for files and networks, independent of mounts and of the system call list. Kernels before 5.13
// have none; the other steps do not lean on it.
static void forbid_by_landlock(void) {
    struct {
        uint64_t files, network, scoped;
    } rules = {0};
    long version = syscall(444, NULL, 0, 1 /* LANDLOCK_CREATE_RULESET_VERSION */);
    if (version < 1) return;
    // The rights known at each version; handling a right and granting it nowhere forbids it everywhere.
    rules.files = version >= 5 ? 0xffff : version >= 3 ? 0x7fff : version == 2 ? 0x3fff : 0x1fff;
    rules.network = version >= 4 ? 0x3 : 0;  // TCP bind and connect
    rules.scoped = version >= 6 ? 0x3 : 0;   // abstract sockets, and signals to anyone outside
    size_t size = version >= 6 ? 24 : version >= 4 ? 16 : 8;
    int ruleset = (int)syscall(444, &rules, size, 0);
    if (ruleset < 0) csandbox_fail(CSANDBOX_EXIT_STEP, errno, "Landlock's rules", NULL);
    must((int)syscall(446, ruleset, 0), "Landlock");
    close(ruleset);
}

static void set_limit(const struct csandbox_profile *profile, int resource, uint64_t value, const char *name) {
    struct rlimit limit = {value, value};
    // gVisor's kernel implements some of these and refuses the rest; there the guest kernel is the fence.
    if (setrlimit(resource, &limit) != 0 && profile->place == CSANDBOX_ON_HOST) must(-1, name);
}

static void set_limits(const struct csandbox_profile *profile) {
    // The host tightens the address space from outside when it knows the plugin's own limit.
    set_limit(profile, RLIMIT_AS, profile->address_space_bytes, "RLIMIT_AS");
    if (profile->cpu_seconds) set_limit(profile, RLIMIT_CPU, profile->cpu_seconds, "RLIMIT_CPU");
    set_limit(profile, RLIMIT_NOFILE, profile->open_files, "RLIMIT_NOFILE");
    // No further process or thread, even if the system call list let one through.
    set_limit(profile, RLIMIT_NPROC, 1, "RLIMIT_NPROC");
    // No core image of a customer's data, no file that grows, no locked page, no queued message.
    set_limit(profile, RLIMIT_CORE, 0, "RLIMIT_CORE");
    set_limit(profile, RLIMIT_FSIZE, 0, "RLIMIT_FSIZE");
    set_limit(profile, RLIMIT_MEMLOCK, 0, "RLIMIT_MEMLOCK");
    set_limit(profile, RLIMIT_MSGQUEUE, 0, "RLIMIT_MSGQUEUE");
}

static void load_list(scmp_filter_ctx filter) {
    seccomp_attr_set(filter, SCMP_FLTATR_CTL_NNP, 0);  // set above, visibly
    int result = seccomp_load(filter);
    if (result != 0) csandbox_fail(CSANDBOX_EXIT_STEP, -result, "loading the list of system calls", NULL);
}

static void put(int fd, int value) {
    if (write(fd, &value, sizeof value) != sizeof value) _exit(CSANDBOX_EXIT_STEP);
}

static int take(int fd) {
    int value;
    ssize_t got;
    do got = read(fd, &value, sizeof value); while (got < 0 && errno == EINTR);
    // The other half is gone; whatever it had to say stands on descriptor 2.
    if (got != sizeof value) _exit(CSANDBOX_EXIT_STEP);
    return value;
}

// Every step of the confined half, in order. Nothing of a stranger has been read yet.
static void confine_child(const struct csandbox_profile *profile, scmp_filter_ctx filter, int link) {
    take(link);               // the supervisor has written the user map; before it no identity is ours to take
    csandbox_join_tasks(profile->highest_fd + 1, profile->groups);  // before anything is used; the supervisor stays outside
    become_nobody();          // first, so that the root below belongs to nobody
    setsid();                 // no controlling terminal to push keystrokes into
    forget_names();           // the host's paths
    forbid_inner_namespaces();  // while there is a /proc
    enter_empty_root();       // while mounting is still permitted
    csandbox_drop_capabilities();  // after the last step that needs one
    prctl(PR_SET_DUMPABLE, 0, 0, 0, 0);          // no debugger, no core
    prctl(PR_SET_PDEATHSIG, SIGKILL, 0, 0, 0);   // after the identity changes, which clear it
    must(prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0), "no_new_privs");  // no set-uid file ever helps; Landlock and seccomp ask for it
    forbid_by_landlock();     // before seccomp, which does not list its calls
    set_limits(profile);      // likewise
    load_list(filter);        // last: from here on only the list
    put(link, seccomp_notify_fd(filter));
    take(link);               // the supervisor holds its own copy of the listener, so it is alive and watching
    // The descriptor table is its own now: only what the profile names stays.
    for (int fd = profile->highest_fd + 1; fd < 64; fd++) close(fd);
}

static void confine_here(const struct csandbox_profile *profile) {
    pid_t child = fork();
    if (child < 0) csandbox_fail(CSANDBOX_EXIT_STEP, errno, "parting from the watcher", NULL);
    if (child != 0) csandbox_trace(child);
    must((int)ptrace(PTRACE_TRACEME, 0, NULL, NULL), "asking to be watched");
    raise(SIGSTOP);  // the watcher sets its options
    // Without a watcher such a call answers ENOSYS: refused all the same.
    scmp_filter_ctx filter = csandbox_read_list(profile, SCMP_ACT_TRACE(1));
    csandbox_drop_capabilities();
    prctl(PR_SET_DUMPABLE, 0, 0, 0, 0);
    must(prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0), "no_new_privs");
    set_limits(profile);
    load_list(filter);
}

pid_t csandbox_clone_into_namespaces(int *child_fd, uint64_t more, int group) {
    struct clone_args arguments = {
        .flags = CLONE_NEWUSER      // its own users: no right over anything outside
                 | CLONE_NEWPID     // sees no process but itself
                 | CLONE_NEWNET     // no interface, not even loopback up
                 | CLONE_NEWNS      // its own mounts, for the empty root
                 | CLONE_NEWIPC     // no shared memory or queue of the host
                 | CLONE_NEWUTS     // no host name
                 | CLONE_NEWCGROUP  // no view of the host's groups
                 | (group >= 0 ? CLONE_INTO_CGROUP : 0)  // born in its group, which costs no lock of the machine
                 | CLONE_PIDFD      // a handle that cannot come to mean another process
                 | more,
        .pidfd = (uint64_t)(uintptr_t)child_fd,
        .exit_signal = SIGCHLD,
        .cgroup = group >= 0 ? (uint64_t)group : 0,
    };
    pid_t child = (pid_t)syscall(SYS_clone3, &arguments, sizeof arguments);
    if (child < 0)
        csandbox_fail(CSANDBOX_EXIT_NOT_PERMITTED, errno, "making namespaces is not permitted here", namespaces_advice);
    return child;
}

static _Noreturn void supervise_from(pid_t child, int child_fd, int link) {
    csandbox_map_user(child, geteuid() == 0);
    put(link, 0);
    int listener = take(link);
    // Part the descriptor tables: the supervisor keeps its report, the child's handle and the listener.
    must(unshare(CLONE_FILES), "parting the descriptor tables");
    dprintf(2, "csandbox: confined pid=%d\n", child);
    put(link, 0);
    for (int fd = 0; fd < 64; fd++)
        if (fd != 2 && fd != child_fd && fd != listener) close(fd);
    csandbox_supervise(child, child_fd, listener, 1);
}

int csandbox_confine(const struct csandbox_profile *profile) {
    // Nothing of the starter's environment or of its other descriptors travels along.
    clearenv();
    int first = profile->highest_fd + 1 + profile->groups;
    if (profile->list_fd > profile->highest_fd) first = profile->list_fd + 1;
    syscall(SYS_close_range, first, ~0u, 0);
    umask(077);

    if (profile->place == CSANDBOX_INSIDE) {
        confine_here(profile);
        return 0;
    }
    // A refused call is suspended by the kernel and told to the supervisor, which ends the process and knows the name.
    scmp_filter_ctx filter = csandbox_read_list(profile, SCMP_ACT_NOTIFY);
    int pair[2], child_fd = -1;
    must(socketpair(AF_UNIX, SOCK_SEQPACKET, 0, pair), "a pair of sockets");
    // The listener made inside appears in the supervisor's table; the tables are parted afterwards.
    int group = csandbox_group_folder(profile->highest_fd + 1, profile->groups);
    pid_t child = csandbox_clone_into_namespaces(&child_fd, CLONE_FILES, group);
    if (child != 0) supervise_from(child, child_fd, pair[0]);
    confine_child(profile, filter, pair[1]);
    return 0;
}

int csandbox_confine_runner(enum csandbox_place place, int groups) {
    struct csandbox_profile profile = CSANDBOX_RUNNER;
    profile.place = place;
    profile.groups = groups >= 0 && groups <= 8 ? groups : 0;
    return csandbox_confine(&profile);
}

int csandbox_confine_worker(void) {
    struct csandbox_profile profile = CSANDBOX_WORKER;
    return csandbox_confine(&profile);
}
