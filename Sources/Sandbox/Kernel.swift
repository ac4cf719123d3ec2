// Functions of the C library that Swift's Glibc module leaves out.
//
// SAFETY: they take and return integers and pointers only, for which Swift's calling convention and C's are the
// same on x86-64 and arm64; the linker checks that they exist.

import Glibc

@_silgen_name("epoll_create1") func epollCreate(_ flags: Int32) -> Int32
@_silgen_name("epoll_ctl")
func epollControl(_ epoll: Int32, _ operation: Int32, _ fd: Int32, _ event: UnsafeMutableRawPointer?) -> Int32
@_silgen_name("epoll_wait")
func epollWait(_ epoll: Int32, _ events: UnsafeMutableRawPointer, _ count: Int32, _ milliseconds: Int32)
    -> Int32
@_silgen_name("eventfd") func eventDescriptor(_ initial: UInt32, _ flags: Int32) -> Int32
@_silgen_name("prlimit")
func processLimit(
    _ process: Int32, _ resource: Int32, _ new: UnsafePointer<rlimit>?, _ old: UnsafeMutablePointer<rlimit>?
) -> Int32
@_silgen_name("posix_spawn_file_actions_addclosefrom_np")
func addCloseFrom(_ actions: UnsafeMutablePointer<posix_spawn_file_actions_t>, _ first: Int32) -> Int32

enum Epoll {
    static let closeOnExec: Int32 = 0o2000000
    static let readable: UInt32 = 0x001
    static let writable: UInt32 = 0x004
    static let error: UInt32 = 0x008
    static let hangUp: UInt32 = 0x010
    static let add: Int32 = 1
    static let delete: Int32 = 2
    static let modify: Int32 = 3
    /// The kernel's `struct epoll_event` is packed on x86-64 and nowhere else.
    #if arch(x86_64)
        static let eventBytes = 12
        static let dataOffset = 4
    #else
        static let eventBytes = 16
        static let dataOffset = 8
    #endif
}

enum Clock {
    /// Nanoseconds that never go back and never jump.
    static func monotonic() -> UInt64 { read(CLOCK_MONOTONIC) ?? 0 }

    /// The processor time of another process, in nanoseconds; `nil` when it is gone.
    static func processorTime(of process: pid_t) -> UInt64? {
        var clock = clockid_t()
        guard clock_getcpuclockid(process, &clock) == 0 else { return nil }
        return read(clock)
    }

    private static func read(_ clock: clockid_t) -> UInt64? {
        var time = timespec()
        guard clock_gettime(clock, &time) == 0 else { return nil }
        return UInt64(time.tv_sec) &* 1_000_000_000 &+ UInt64(time.tv_nsec)
    }
}
