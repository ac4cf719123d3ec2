// A guest whose ports are sockets, where the machine has serial ports only: this process of the guest's hands bytes on
// between both, over the kernel's own loopback of the socket family. So what a guest does under Firecracker is tried on
// a real kernel without it. Linked with the hostile program; it starts before the guest's first process does anything.
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <sched.h>
#include <stdio.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/socket.h>
#include <linux/vm_sockets.h>
#include <unistd.h>

enum { FIRST_PORT = 1025, PORTS = 3 };

static int open_port(int number) {
    char path[32];
    snprintf(path, sizeof path, "/dev/vport0p%d", number);
    for (;;) {
        int fd = open(path, O_RDWR | O_CLOEXEC);
        if (fd >= 0) return fd;
        usleep(5000);
    }
}

static int connect_to(int number) {
    struct sockaddr_vm to = {
        .svm_family = AF_VSOCK, .svm_cid = VMADDR_CID_LOCAL, .svm_port = (unsigned)(FIRST_PORT + number)};
    for (;;) {
        int fd = socket(AF_VSOCK, SOCK_STREAM | SOCK_CLOEXEC, 0);
        if (fd >= 0 && connect(fd, (struct sockaddr *)&to, sizeof to) == 0) return fd;
        if (fd >= 0) close(fd);
        usleep(5000);
    }
}

static void hand_on(int from, int to) {
    if (fork() != 0) return;
    char bytes[1 << 14];
    for (;;) {
        ssize_t got = read(from, bytes, sizeof bytes);
        if (got < 0 && errno == EINTR) continue;
        if (got <= 0) {
            usleep(1000);
            continue;
        }
        for (ssize_t at = 0, put; at < got; at += put)
            if ((put = write(to, bytes + at, (size_t)(got - at))) < 0) _exit(0);
    }
}

__attribute__((constructor(99))) static void bridge(int count, char **arguments) {
    if (count < 3 || getpid() != 1 || strcmp(arguments[2], "--sockets") != 0 || fork() != 0) return;
    unshare(CLONE_NEWNS);
    mount("dev", "/dev", "devtmpfs", 0, NULL);
    int ports[PORTS], sockets[PORTS];
    for (int i = 0; i < PORTS; i++) ports[i] = open_port(i + 1);
    // The guard's is waited for by the guest's first process; the others are then listened to already.
    for (int i = PORTS - 1; i >= 0; i--) sockets[i] = connect_to(i);
    for (int i = 0; i < PORTS; i++) {
        hand_on(ports[i], sockets[i]);
        hand_on(sockets[i], ports[i]);
    }
    for (;;) pause();
}
