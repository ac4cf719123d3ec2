// A guest's ports where they are sockets of the machine's own family. A connection does not outlive a snapshot, a
// socket that listens does: so the guest's keeper listens, the host connects to each machine that is restored, and the
// keeper hands bytes on between a connection and the runner, which holds its descriptors from the beginning.
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <stdint.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/types.h>
#include <linux/vm_sockets.h>
#include <time.h>
#include <unistd.h>

#include "guest.h"

// The numbers stand in `FirecrackerMonitor.swift` as well.
enum { FIRST_PORT = 1025 };

static int listen_on(unsigned port) {
    struct sockaddr_vm address = {.svm_family = AF_VSOCK, .svm_cid = VMADDR_CID_ANY, .svm_port = port};
    int fd = socket(AF_VSOCK, SOCK_STREAM | SOCK_CLOEXEC, 0);
    guest_must(fd, "a socket of the machine's family");
    guest_must(bind(fd, (struct sockaddr *)&address, sizeof address), "taking a port");
    guest_must(listen(fd, 2), "listening on a port");
    return fd;
}

static void set_non_blocking(int fd) { fcntl(fd, F_SETFL, fcntl(fd, F_GETFL) | O_NONBLOCK); }

void guest_listen(struct guest_sockets *sockets) {
    for (int port = 0; port < GUEST_PORTS; port++) {
        struct guest_line *line = &sockets->lines[port];
        line->listener = listen_on(FIRST_PORT + (unsigned)port);
        line->connection = line->inner = -1;
        if (port == GUEST_GUARD) continue;
        int pair[2];
        guest_must(socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, pair), "a pair of sockets");
        line->inner = pair[0];
        sockets->runner_ends[port] = pair[1];
        set_non_blocking(line->inner);
    }
    int guard = accept4(sockets->lines[GUEST_GUARD].listener, NULL, NULL, SOCK_CLOEXEC);
    guest_must(guard, "the host's first connection");
    sockets->lines[GUEST_GUARD].connection = guard;
}

static void let_go(struct guest_line *line) {
    close(line->connection);
    line->connection = -1;
    // What was on its way belonged to that connection.
    line->in.have = line->in.at = line->out.have = line->out.at = 0;
}

// Moves what can be moved. False when the connection has ended; what happens to the runner is seen elsewhere.
static int move(struct guest_way *way, int from, int to, int connection) {
    if (way->at == way->have) {
        ssize_t got = read(from, way->bytes, sizeof way->bytes);
        if (got < 0 && (errno == EAGAIN || errno == EINTR)) return 1;
        if (got <= 0) return from != connection;
        way->at = 0;
        way->have = (size_t)got;
    }
    ssize_t put = write(to, way->bytes + way->at, way->have - way->at);
    if (put > 0) way->at += (size_t)put;
    return put > 0 || errno == EAGAIN || errno == EINTR || to != connection;
}

static short wanted(const struct guest_way *way, int of_source) {
    return way->at == way->have ? (of_source ? POLLIN : 0) : (of_source ? 0 : POLLOUT);
}

int guest_wait(struct guest_sockets *sockets, const sigset_t *mask, int wait_ms) {
    struct pollfd watched[3 * GUEST_PORTS];
    for (int port = 0; port < GUEST_PORTS; port++) {
        struct guest_line *line = &sockets->lines[port];
        int is_guard = port == GUEST_GUARD, is_open = line->connection >= 0;
        watched[3 * port] = (struct pollfd){.fd = line->listener, .events = POLLIN};
        watched[3 * port + 1] = (struct pollfd){
            .fd = line->connection,
            .events = is_guard ? POLLIN : (short)(wanted(&line->in, 1) | wanted(&line->out, 0))};
        watched[3 * port + 2] = (struct pollfd){
            .fd = is_open ? line->inner : -1,
            .events = (short)(wanted(&line->out, 1) | wanted(&line->in, 0))};
    }
    struct timespec wait = {wait_ms / 1000, wait_ms % 1000 * 1000000L};
    if (ppoll(watched, 3 * GUEST_PORTS, wait_ms < 0 ? NULL : &wait, mask) < 0) return 0;
    for (int port = 0; port < GUEST_PORTS; port++) {
        struct guest_line *line = &sockets->lines[port];
        if (watched[3 * port].revents & POLLIN) {
            // A restored machine's host comes anew; whoever was there before is gone.
            int fresh = accept4(line->listener, NULL, NULL, SOCK_CLOEXEC);
            if (fresh < 0) continue;
            if (line->connection >= 0) let_go(line);
            line->connection = fresh;
            if (port != GUEST_GUARD) set_non_blocking(fresh);
            continue;
        }
        if (line->connection < 0) continue;
        short on_connection = watched[3 * port + 1].revents, on_inner = watched[3 * port + 2].revents;
        if (port == GUEST_GUARD) {
            if (on_connection) return 1;
            continue;
        }
        int is_up = 1;
        if (on_connection & (POLLIN | POLLHUP | POLLERR) || on_inner & POLLOUT)
            is_up = move(&line->in, line->connection, line->inner, line->connection);
        if (is_up && (on_inner & (POLLIN | POLLHUP | POLLERR) || on_connection & POLLOUT))
            is_up = move(&line->out, line->inner, line->connection, line->connection);
        if (!is_up) let_go(line);
        // A runner that is gone keeps its end ready for ever.
        if (on_inner & POLLHUP && line->out.at == line->out.have) usleep(1000);
    }
    return 0;
}

void guest_forget_guard(struct guest_sockets *sockets) { let_go(&sockets->lines[GUEST_GUARD]); }
