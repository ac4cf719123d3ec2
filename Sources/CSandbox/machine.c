// How the virtual machine's monitor is kept: in namespaces of its own, as nobody, in a root that holds the system's
// programs and libraries read-only and nothing of anyone's, without a capability. A way out of the guest arrives
// there. The process that the host spawned stays outside as the supervisor, as with a native runner: it ends the
// monitor when the host says so or is gone.
//
//     veroforge-runner --machine [kvm|emulated] HIGHEST-FD PROGRAM ARGUMENT…
//     veroforge-runner --machine-in FOLDER BYTES [kvm|emulated] HIGHEST-FD PROGRAM ARGUMENT…
//
// With a folder the monitor sees that one of the host's as well, stands in it, and may write files of so many bytes
// there: one that is spoken to by sockets in a folder, and given its files by name.
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <grp.h>
#include <linux/sched.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "internal.h"

static void step(int result, const char *what) {
    if (result != 0) csandbox_fail(CSANDBOX_EXIT_STEP, errno, what, NULL);
}

static void show(const char *from, const char *to, int is_folder) {
    struct stat present;
    if (stat(from, &present) != 0) return;
    if (is_folder) {
        step(mkdir(to, 0755), to);
    } else {
        int fd = open(to, O_CREAT | O_WRONLY | O_CLOEXEC, 0644);
        if (fd < 0) step(-1, to);
        close(fd);
    }
    step(mount(from, to, NULL, MS_BIND | MS_REC, NULL), to);
    if (!is_folder) return;
    // Flags that the outer mount has locked must be named again, or the kernel refuses.
    unsigned long flags = MS_REMOUNT | MS_BIND | MS_RDONLY | MS_NOSUID | MS_NODEV;
    step(mount(NULL, to, NULL, flags, NULL), to);
}

static void enter_machine_root(int with_kvm, int folder) {
    step(mount(NULL, "/", NULL, MS_REC | MS_PRIVATE, NULL), "making the mounts private");
    step(mount("none", "/tmp", "tmpfs", MS_NOSUID, "size=64k,nr_inodes=64,mode=0755"), "mounting the machine's root");
    step(chdir("/tmp"), "entering the machine's root");
    static const char *const folders[] = {"usr", "lib", "lib64", "lib32", "bin", "sbin"};
    for (size_t i = 0; i < sizeof folders / sizeof *folders; i++) {
        char from[16];
        snprintf(from, sizeof from, "/%s", folders[i]);
        show(from, folders[i], 1);
    }
    step(mkdir("etc", 0755), "etc");
    show("/etc/ld.so.cache", "etc/ld.so.cache", 0);
    show("/etc/alternatives", "etc/alternatives", 1);
    step(mkdir("dev", 0755), "dev");
    show("/dev/null", "dev/null", 0);
    show("/dev/urandom", "dev/urandom", 0);
    if (with_kvm) show("/dev/kvm", "dev/kvm", 0);
    if (folder >= 0) {
        // By its descriptor: its name may lie below what this root has been mounted on.
        char from[32];
        snprintf(from, sizeof from, "/proc/self/fd/%d", folder);
        step(mkdir("machine", 0755), "the machine's folder");
        step(mount(from, "machine", NULL, MS_BIND, NULL), "mounting the machine's folder");
        unsigned long flags = MS_REMOUNT | MS_BIND | MS_NOSUID | MS_NODEV | MS_NOEXEC;
        step(mount(NULL, "machine", NULL, flags, NULL), "mounting the machine's folder");
    }
    // The monitor opens the guest's memory by its descriptor's name; in its own process namespace it sees itself only.
    step(mkdir("proc", 0555), "proc");
    step(mount("proc", "proc", "proc", MS_NOSUID | MS_NODEV | MS_NOEXEC, NULL), "mounting the machine's /proc");
    step((int)syscall(SYS_pivot_root, ".", "."), "making the machine's root the root");
    step(umount2(".", MNT_DETACH), "letting go of the old root");
    step(chdir(folder >= 0 ? "/machine" : "/"), "standing in the machine's root");
    step(mount(NULL, "/", NULL, MS_REMOUNT | MS_BIND | MS_RDONLY | MS_NOSUID, NULL), "making the root read-only");
}

// What a monitor is and may do.
struct machine {
    int with_kvm, highest;
    const char *folder;
    uint64_t file_bytes;
    char **program;
};

static _Noreturn void become_machine(int link, const struct machine *machine) {
    char go;
    char **program = machine->program;
    // A program that does not lie among the system's is not to be seen from the new root.
    int opened = open(program[0], O_RDONLY | O_CLOEXEC);
    int folder = machine->folder ? open(machine->folder, O_RDONLY | O_DIRECTORY | O_CLOEXEC) : -1;
    if (machine->folder && folder < 0) step(-1, machine->folder);
    // The supervisor has written the user map, or is gone.
    if (read(link, &go, 1) != 1) _exit(CSANDBOX_EXIT_STEP);
    if (setgroups(0, NULL) != 0 && errno != EPERM) step(-1, "dropping groups");
    step(setresgid(65534, 65534, 65534), "taking the group nobody");
    step(setresuid(65534, 65534, 65534), "taking the user nobody");
    prctl(PR_SET_PDEATHSIG, SIGKILL, 0, 0, 0);  // after the identity changes, which clear it
    // From here on the supervisor may end this process, and its own end does: if it is still there, it says so.
    if (write(link, "", 1) != 1 || read(link, &go, 1) != 1) _exit(CSANDBOX_EXIT_STEP);
    setsid();
    enter_machine_root(machine->with_kvm, folder);
    csandbox_drop_capabilities();
    step(prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0), "no_new_privs");
    struct rlimit none = {0, 0}, files = {64, 64}, file_bytes = {machine->file_bytes, machine->file_bytes};
    setrlimit(RLIMIT_CORE, &none);
    setrlimit(RLIMIT_FSIZE, &file_bytes);
    setrlimit(RLIMIT_MSGQUEUE, &none);
    setrlimit(RLIMIT_NOFILE, &files);
    for (int fd = machine->highest + 1; fd < 64; fd++)
        if (fd != opened) close(fd);
    char *empty[] = {NULL};
    execve(program[0], program, empty);
    if (errno == ENOENT && opened >= 0) fexecve(opened, program, empty);
    csandbox_fail(CSANDBOX_EXIT_STEP, errno, program[0], NULL);
}

_Noreturn void csandbox_keep_machine(char **arguments, const char *folder, uint64_t file_bytes) {
    if (!arguments[0] || !arguments[1] || !arguments[2])
        csandbox_fail(CSANDBOX_EXIT_STEP, 0, "--machine [kvm|emulated] HIGHEST-FD PROGRAM", NULL);
    int with_kvm = strcmp(arguments[0], "kvm") == 0;
    struct machine machine = {with_kvm, atoi(arguments[1]), folder, file_bytes, arguments + 2};
    clearenv();
    umask(022);
    syscall(SYS_close_range, machine.highest + 1, ~0u, 0);
    int pair[2], child_fd = -1;
    step(socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, pair), "a pair of sockets");
    pid_t child = csandbox_clone_into_namespaces(&child_fd, 0, -1);
    if (child == 0) {
        close(pair[0]);
        become_machine(pair[1], &machine);
    }
    // Hardware acceleration is a device that the starting user may open; without it nothing is lent.
    int as_nobody = geteuid() == 0 && !with_kvm;
    csandbox_map_user(child, as_nobody);
    // As the host sees it: it watches this process's time.
    dprintf(2, "csandbox: confined pid=%d\n", child);
    char answer;
    close(pair[1]);
    if (write(pair[0], "", 1) != 1 || read(pair[0], &answer, 1) != 1 || write(pair[0], "", 1) != 1)
        csandbox_fail(CSANDBOX_EXIT_STEP, errno, "starting the machine", NULL);
    for (int fd = 0; fd < 256; fd++)
        if (fd != 2 && fd != child_fd) close(fd);
    csandbox_supervise(child, child_fd, -1, as_nobody || geteuid() != 0);
}
