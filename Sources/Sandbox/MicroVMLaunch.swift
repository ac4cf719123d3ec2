import Glibc

/// QEMU that was started, and our ends of what leads to it.
struct QEMULaunch: Sendable {
    let machine: RunningMachine
    /// Orders for the monitor.
    let control: Int32

    /// Starts the supervisor and, kept by it, the monitor. `files` follow the ports in the descriptors' order.
    init(keeper: String, _ arguments: [String], memory: Int32, files: [Int32]) throws(SandboxError) {
        var open: [Int32] = []
        func pair() throws(SandboxError) -> (ours: Int32, theirs: Int32) {
            let pair = try Spawn.socketPair()
            open += [pair.ours, pair.theirs]
            return pair
        }
        do {
            let (frames, report) = (try pair(), try pair())
            let (guardian, control) = (try pair(), try pair())
            // The monitor's own words and its guest's report are read at one place.
            let said = report.theirs
            let process = try Spawn.start(
                keeper, arguments,
                descriptors: [said, said, said, frames.theirs, said, guardian.theirs, memory, control.theirs]
                    + files)
            for fd in [frames.theirs, report.theirs, guardian.theirs, control.theirs] { close(fd) }
            let ours = control.ours
            machine = RunningMachine(
                process: process, frames: frames.ours, report: report.ours, guard: guardian.ours,
                release: { close(ours) })
            self.control = ours
        } catch {
            for fd in open { close(fd) }
            throw error
        }
    }
}

/// What the host says to the guest's first process.
enum GuestGuard {
    static let seedBytes = 64

    /// Fresh entropy and the time: without them two machines from one snapshot would be the same machine.
    static func seedRecord(_ entropy: [UInt8], nanoseconds: UInt64) -> [UInt8] {
        precondition(entropy.count == seedBytes)
        return [UInt8(ascii: "S")] + entropy
            + (0..<8).reversed().map { UInt8(truncatingIfNeeded: nanoseconds >> (8 * UInt64($0))) }
    }

    /// A record for now, from the kernel's randomness.
    static func freshSeed() -> [UInt8] {
        var kernel = SystemRandomNumberGenerator()
        let entropy = (0..<seedBytes).map { _ in UInt8.random(in: 0...255, using: &kernel) }
        var time = timespec()
        clock_gettime(CLOCK_REALTIME, &time)
        return seedRecord(
            entropy, nanoseconds: UInt64(time.tv_sec) * 1_000_000_000 + UInt64(time.tv_nsec))
    }

    /// Says it; an end that is gone is seen by who reads.
    static func say(_ bytes: [UInt8], to fd: Int32) {
        _ = bytes.withUnsafeBytes { send(fd, $0.baseAddress, $0.count, Int32(MSG_NOSIGNAL)) }
    }

    /// Everything that it has said since it was last asked; nothing is waited for.
    static func said(_ fd: Int32) -> String {
        var text: [UInt8] = []
        var buffer = [UInt8](repeating: 0, count: 512)
        while text.count < 4_096 {
            let got = recv(fd, &buffer, buffer.count, Int32(MSG_DONTWAIT))
            guard got > 0 else { break }
            text += buffer[..<got]
        }
        return String(decoding: text, as: UTF8.self)
    }

    /// Returns when the runner in the guest has said that it waits for its first frame.
    static func waitUntilReady(_ report: Int32, _ deadline: UInt64) throws(SandboxError) {
        var text = ""
        while !text.contains("guest: ready") {
            guard let more = Waiting.read(report, until: deadline) else {
                throw SandboxError(
                    .startFailed, "the guest", cause: "it was not ready in time; \(tail(text))")
            }
            guard !more.isEmpty, text.utf8.count < 1 << 20 else {
                throw SandboxError(.startFailed, "the guest", cause: tail(text))
            }
            text += String(decoding: more, as: UTF8.self)
        }
    }

    /// The last lines of what a machine has said.
    static func tail(_ text: String) -> String {
        let lines = text.split(whereSeparator: \.isNewline).suffix(3)
        return lines.isEmpty ? "it said nothing" : lines.joined(separator: "; ")
    }

    /// The kernel's release, once the guest has given it: that is on another port than the runner's word that it is
    /// ready, and may come after it.
    static func waitForRelease(_ fd: Int32, _ deadline: UInt64) throws(SandboxError) -> String {
        var text = ""
        while true {
            text += said(fd)
            if let release = release(in: text) { return release }
            guard Clock.monotonic() < deadline else {
                throw SandboxError(.startFailed, "the guest", cause: "it did not take its seed")
            }
            usleep(1_000)
        }
    }

    /// The kernel's release in "guest: seeded RELEASE", once the line is whole.
    static func release(in said: String) -> String? {
        let whole = said.split(separator: "\n", omittingEmptySubsequences: false).dropLast()
        for line in whole where line.hasPrefix("guest: seeded ") {
            return String(line.dropFirst("guest: seeded ".count))
        }
        return nil
    }

    /// How the runner in the guest ended, as the guest's first process saw it.
    static func exit(in said: String) -> (status: Int32, outOfMemory: Bool)? {
        for line in said.split(separator: "\n").reversed() {
            let words = line.split(separator: " ")
            guard words.count == 3, words[0] == "guest:", let code = Int32(words[2]) else { continue }
            if words[1] == "exit" { return ((code & 0xff) << 8, false) }
            if words[1] == "memory" { return ((code & 0xff) << 8, true) }
        }
        return nil
    }
}
