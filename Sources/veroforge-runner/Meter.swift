import Glibc

/// What the present call has used, and whether a limit has ended it.
struct Meter {
    /// The limit that was hit, by its name.
    private(set) var hit: String?
    private(set) var cpuStart: UInt64 = 0
    private var cpuDeadline = UInt64.max
    private(set) var wallDeadline = UInt64.max
    private(set) var operationsLeft: UInt32 = 0

    mutating func begin(cpuNanoseconds: UInt64, wallNanoseconds: UInt64, operations: UInt32) {
        hit = nil
        cpuStart = Meter.cpu()
        cpuDeadline = cpuStart &+ cpuNanoseconds
        wallDeadline = Meter.monotonic() &+ wallNanoseconds
        operationsLeft = operations
    }

    /// Between calls nothing is limited: only the runner's own code runs.
    mutating func rest() {
        cpuDeadline = .max
        wallDeadline = .max
    }

    var cpuUsed: UInt64 { Meter.cpu() - cpuStart }

    mutating func end(by limit: String) {
        if hit == nil { hit = limit }
    }

    mutating func takeOperation() -> Bool {
        guard operationsLeft > 0 else {
            end(by: "apiCalls")
            return false
        }
        operationsLeft -= 1
        return true
    }

    /// Whether the call must stop, after a look at both clocks.
    mutating func mustStop() -> Bool {
        if hit != nil { return true }
        if cpuDeadline != .max, Meter.cpu() >= cpuDeadline { end(by: "cpu") }
        if wallDeadline != .max, Meter.monotonic() >= wallDeadline { end(by: "wall") }
        return hit != nil
    }

    static func monotonic() -> UInt64 { read(CLOCK_MONOTONIC) }
    static func cpu() -> UInt64 { read(CLOCK_PROCESS_CPUTIME_ID) }

    /// Milliseconds since 1970, whole: a finer clock would be a stop-watch for what runs beside us.
    static func wallMilliseconds() -> Int64 {
        Int64(read(CLOCK_REALTIME) / 1_000_000)
    }

    private static func read(_ clock: clockid_t) -> UInt64 {
        var time = timespec()
        clock_gettime(clock, &time)
        return UInt64(time.tv_sec) &* 1_000_000_000 &+ UInt64(time.tv_nsec)
    }
}
