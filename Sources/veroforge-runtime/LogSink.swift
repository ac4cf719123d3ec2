import Dispatch
import Glibc
import Synchronization

/// Writes log lines to standard error off the threads that answer calls. A collector that does not read, or a plugin that
/// floods, costs lines and never a call: beyond a bound lines are dropped, and how many is said once there is room.
final class LogSink: Sendable {
    static let shared = LogSink()
    private static let pendingBytesMax = 4 << 20

    private let queue = DispatchQueue(label: "veroforge.log")
    private let pending = Atomic<Int>(0)
    private let dropped = Atomic<Int>(0)

    func put(_ line: [UInt8]) {
        guard pending.load(ordering: .relaxed) < Self.pendingBytesMax else {
            dropped.add(1, ordering: .relaxed)
            return
        }
        pending.add(line.count, ordering: .relaxed)
        queue.async { [self] in
            Self.write(line)
            pending.subtract(line.count, ordering: .relaxed)
            let lost = dropped.exchange(0, ordering: .relaxed)
            if lost > 0 {
                Self.write(
                    Array("{\"level\":\"warning\",\"message\":\"\(lost) log lines were dropped\"}\n".utf8))
            }
        }
    }

    /// Waits until what was put is written, but not for a reader that does not come.
    func flush() {
        let done = DispatchSemaphore(value: 0)
        queue.async { done.signal() }
        _ = done.wait(timeout: .now() + .seconds(1))
    }

    private static func write(_ bytes: [UInt8]) {
        var offset = 0
        while offset < bytes.count {
            let count = bytes.withUnsafeBytes {
                Glibc.write(STDERR_FILENO, $0.baseAddress! + offset, bytes.count - offset)
            }
            if count < 0 {
                if errno == EINTR { continue }
                return
            }
            offset += count
        }
    }
}
