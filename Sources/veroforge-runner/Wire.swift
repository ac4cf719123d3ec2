import Frames
import Glibc

/// The two descriptors that lead to the host. When it lets go there is nothing left to live for.
struct Wire {
    private var decoder = FrameDecoder(from: .host, limits: FrameLimits())
    private var buffer = [UInt8](repeating: 0, count: 1 << 16)

    /// The next frame; `nil` when `deadline` (monotonic nanoseconds) passes first.
    mutating func next(until deadline: UInt64?) -> Frame? {
        while true {
            do {
                if let frame = try decoder.next() { return frame }
            } catch { Wire.fail("the host's frames: \(error.code) \(error.subject)") }
            if let deadline, !wait(until: deadline) { return nil }
            let got = read(0, &buffer, buffer.count)
            if got > 0 {
                buffer.withUnsafeBytes { decoder.append(UnsafeRawBufferPointer(rebasing: $0[..<got])) }
            } else if got == 0 {
                exit(0)
            } else {
                Wire.wait(0, POLLIN, errno)
            }
        }
    }

    private func wait(until deadline: UInt64) -> Bool {
        let now = Meter.monotonic()
        let left = deadline > now ? deadline - now : 0
        var descriptor = pollfd(fd: 0, events: Int16(POLLIN), revents: 0)
        return poll(&descriptor, 1, Int32(min((left + 999_999) / 1_000_000, 1_000_000))) > 0
    }

    /// After a read or write that did nothing: again, later, or never.
    private static func wait(_ fd: Int32, _ event: Int32, _ error: Int32) {
        switch error {
        case EINTR: return
        case EAGAIN:
            var descriptor = pollfd(fd: fd, events: Int16(event), revents: 0)
            _ = poll(&descriptor, 1, -1)
        case EPIPE, ECONNRESET: exit(0)
        default: fail("descriptor \(fd): \(String(cString: strerror(error)))")
        }
    }

    static func write(_ bytes: [UInt8]) {
        var at = 0
        bytes.withUnsafeBytes { bytes in
            while at < bytes.count {
                let put = Glibc.write(1, bytes.baseAddress! + at, bytes.count - at)
                if put > 0 { at += put } else { Wire.wait(1, POLLOUT, errno) }
            }
        }
    }

    static func fail(_ text: String) -> Never {
        var line = Array("veroforge-runner: \(text)\n".utf8)
        _ = Glibc.write(2, &line, line.count)
        exit(2)
    }
}
