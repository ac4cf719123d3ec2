// The parts of a guest's first process.
#pragma once
#include <signal.h>
#include <stddef.h>

// Says what went wrong, if it did, and ends the machine.
void guest_must(int result, const char *step);

// What leads to the host, in the order of the ports' numbers.
enum { GUEST_FRAMES, GUEST_REPORT, GUEST_GUARD, GUEST_PORTS };

// Bytes on their way in one direction.
struct guest_way {
    size_t at, have;
    char bytes[1 << 16];
};

struct guest_line {
    int listener;
    int connection;  // to the host, or -1
    int inner;       // to the runner; the guard has none
    struct guest_way in, out;
};

struct guest_sockets {
    struct guest_line lines[GUEST_PORTS];
    int runner_ends[GUEST_PORTS];
};

// Listens on the three ports and waits for the guard's first connection.
void guest_listen(struct guest_sockets *sockets);

// Waits under that signal mask, at most so long (-1: for ever), and hands on what can be handed on; 1 when there is
// something from the host for the guard.
int guest_wait(struct guest_sockets *sockets, const sigset_t *mask, int wait_ms);

// The guard's connection has ended; the next is waited for.
void guest_forget_guard(struct guest_sockets *sockets);
