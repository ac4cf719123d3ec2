import Glibc
public import Marketplace
import Synchronization

/// How a job of the confined worker ended. Whatever is not `completed` is an incomplete check for the caller.
public struct WorkerResult: Sendable {
    public enum Exit: Sendable, Hashable {
        /// The worker ended with code 0; its output.
        case completed([UInt8])
        /// It ended with another code of its own, with what it wrote as output.
        case failed(code: Int32, output: [UInt8])
        /// It died by that signal.
        case crashed(signal: Int32)
        /// It tried that system call, or could not confine itself; nothing was parsed outside the confinement.
        case refused(String)
        case timedOut
        /// Its output was longer than allowed.
        case tooLong
        /// The program is not there or cannot be started.
        case missing(String)
    }

    public var exit: Exit
    /// What it wrote on descriptor 2, cut at 16 KiB.
    public var diagnostics: String
    public var wallMs: Double
}

/// Runs jobs of `veroforge-worker`, one process each: strangers' bytes are parsed there and nowhere else.
public struct WorkerClient: Sendable {
    public enum Input: Sendable {
        case bytes([UInt8])
        /// A file, opened for reading here and handed over as a descriptor.
        case file(String)
    }

    private let executable: String
    private let seccompList: String

    public init(executable: String, seccompList: String) {
        self.executable = executable
        self.seccompList = seccompList
    }

    /// Runs a job: `argv = [worker, job, arguments as JSON]`, descriptor 0 the input, 1 the output, 2 diagnostics,
    /// 3 the list of system calls, 4 and up the further inputs, opened for reading.
    public func run(
        job: String, arguments: JSONValue = [:], input: Input, furtherInputs: [String] = [],
        deadlineMs: Int64 = 60_000, outputBytesMax: Int = 64 << 20
    ) -> WorkerResult {
        let began = Clock.monotonic()
        var run = WorkerRun(deadline: began + UInt64(deadlineMs) * 1_000_000, outputBytesMax: outputBytesMax)
        let exit = run.perform(executable, [job, arguments.serialized()], seccompList, input, furtherInputs)
        return run.result(exit, since: began)
    }

    /// Starts a worker for a job whose input comes later; nil where none can be started.
    public func prepare(job: String, arguments: JSONValue = [:]) -> WaitingWorker? {
        guard let input = try? Spawn.socketPair() else { return nil }
        let started = try? StartedWorker(
            executable, [job, arguments.serialized()], seccompList, standardInput: input.theirs, [])
        close(input.theirs)
        guard let started else {
            close(input.ours)
            return nil
        }
        return WaitingWorker(started, input: input.ours)
    }
}

/// A worker that has been started ahead and waits, confined, for the input of its one job. One that is let go of unused
/// ends.
public final class WaitingWorker: Sendable {
    private let started: StartedWorker
    private let input: Mutex<Int32?>

    fileprivate init(_ started: StartedWorker, input: Int32) {
        self.started = started
        self.input = Mutex(input)
    }

    deinit {
        guard let input = input.withLock({ $0 }) else { return }
        close(input)
        started.end()
    }

    /// Whether it still waits. What has died meanwhile is no job's failure.
    public var isThere: Bool {
        // It has said that it is confined, and nobody has read that yet: only the end of what it says counts.
        var polled = pollfd(fd: started.diagnostics, events: 0, revents: 0)
        return input.withLock { $0 != nil } && poll(&polled, 1, 0) == 0
    }

    /// Hands over the input and waits for the end; nil where it has had its job already.
    ///
    /// - Parameter isWhole: for output that itself says where it ends: once it does, the process's own end is not waited
    ///   for. It is asked after each part that comes.
    public func finish(
        _ bytes: [UInt8], deadlineMs: Int64, outputBytesMax: Int,
        until isWhole: (([UInt8]) -> Bool)? = nil
    ) -> WorkerResult? {
        let taken = input.withLock { input in
            defer { input = nil }
            return input
        }
        guard let taken else { return nil }
        let began = Clock.monotonic()
        var run = WorkerRun(deadline: began + UInt64(deadlineMs) * 1_000_000, outputBytesMax: outputBytesMax)
        return run.result(run.watch(started, feed: (taken, bytes), until: isWhole), since: began)
    }
}

/// A worker's process and our ends of its output and diagnostics.
private struct StartedWorker: Sendable {
    let process: pid_t
    let output: Int32
    let diagnostics: Int32

    /// The descriptors that are given stay the caller's to close.
    init(
        _ executable: String, _ arguments: [String], _ list: String, standardInput: Int32, _ further: [String]
    ) throws(SandboxError) {
        var theirs: [Int32] = []
        defer { for fd in theirs { close(fd) } }
        let out = try Spawn.socketPair()
        theirs.append(out.theirs)
        var ours = [out.ours]
        do throws(SandboxError) {
            let err = try Spawn.socketPair()
            theirs.append(err.theirs)
            ours.append(err.ours)
            for path in [list] + further { theirs.append(try Self.openForReading(path)) }
            process = try Spawn.start(executable, arguments, descriptors: [standardInput] + theirs)
        } catch {
            for fd in ours { close(fd) }
            throw error
        }
        (output, diagnostics) = (ours[0], ours[1])
    }

    /// Ends it, with nothing read.
    func end() {
        kill(process, SIGKILL)
        close(output)
        close(diagnostics)
        var status: Int32 = 0
        while waitpid(process, &status, 0) < 0, errno == EINTR {}
    }

    static func openForReading(_ path: String) throws(SandboxError) -> Int32 {
        let fd = open(path, O_RDONLY | O_CLOEXEC)
        guard fd >= 0 else { throw SandboxError(.missing, path, cause: Spawn.message(errno)) }
        return fd
    }
}

/// One run: feeds, drains and watches one process until it is gone.
private struct WorkerRun {
    let deadline: UInt64
    let outputBytesMax: Int
    var output: [UInt8] = []
    var diagnostics: [UInt8] = []
    private static let diagnosticsBytesMax = 16 << 10

    init(deadline: UInt64, outputBytesMax: Int) {
        self.deadline = deadline
        self.outputBytesMax = outputBytesMax
    }

    mutating func perform(
        _ executable: String, _ arguments: [String], _ list: String, _ input: WorkerClient.Input,
        _ further: [String]
    ) -> WorkerResult.Exit {
        do throws(SandboxError) {
            let standardInput: Int32
            var feed: (fd: Int32, bytes: [UInt8])?
            switch input {
            case .file(let path): standardInput = try StartedWorker.openForReading(path)
            case .bytes(let bytes):
                let pair = try Spawn.socketPair()
                standardInput = pair.theirs
                feed = (pair.ours, bytes)
            }
            let started: StartedWorker
            do {
                defer { close(standardInput) }
                started = try StartedWorker(
                    executable, arguments, list, standardInput: standardInput, further)
            } catch {
                if let feed { close(feed.fd) }
                throw error
            }
            return watch(started, feed: feed)
        } catch {
            return .missing(error.description)
        }
    }

    func result(_ exit: WorkerResult.Exit, since began: UInt64) -> WorkerResult {
        WorkerResult(
            exit: exit, diagnostics: String(decoding: diagnostics, as: UTF8.self),
            wallMs: Double(Clock.monotonic() - began) / 1_000_000)
    }

    mutating func watch(
        _ started: StartedWorker, feed: (fd: Int32, bytes: [UInt8])?,
        until isWhole: (([UInt8]) -> Bool)? = nil
    ) -> WorkerResult.Exit {
        let (process, out, err) = (started.process, started.output, started.diagnostics)
        var isLeft = false
        defer { if !isLeft { for fd in [out, err] { close(fd) } } }
        signal(SIGPIPE, SIG_IGN)
        var feed = feed
        var fed = 0
        if let feed { Spawn.setNonBlocking(feed.fd) }
        var isOutOpen = true
        var isErrOpen = true
        var ended: WorkerResult.Exit?
        func end(_ exit: WorkerResult.Exit) {
            if ended == nil { kill(process, SIGTERM) }
            ended = ended ?? exit
        }
        // The diagnostics' other end stays open until the last process is gone.
        while isErrOpen {
            var polled = [
                pollfd(fd: isOutOpen ? out : -1, events: Int16(POLLIN), revents: 0),
                pollfd(fd: err, events: Int16(POLLIN), revents: 0),
                pollfd(fd: feed?.fd ?? -1, events: Int16(POLLOUT), revents: 0),
            ]
            let now = Clock.monotonic()
            if now >= deadline { end(.timedOut) }
            let left = ended == nil ? min((deadline - now) / 1_000_000 + 1, 1_000_000) : 50
            _ = poll(&polled, 3, Int32(left))
            if ended != nil, now > deadline + 2_000_000_000 { kill(process, SIGKILL) }
            if polled[0].revents != 0 {
                isOutOpen = WorkerRun.take(out, &output, max: outputBytesMax + 1)
                if output.count > outputBytesMax { end(.tooLong) }
                if ended == nil, let isWhole, isWhole(output) {
                    isLeft = true
                    let (rest, left) = (self, feed.map { (fd: $0.fd, bytes: Array($0.bytes[fed...])) })
                    OwnThread.start {
                        var rest = rest
                        _ = rest.watch(started, feed: left)
                    }
                    return .completed(output)
                }
            }
            if polled[1].revents != 0 {
                isErrOpen = WorkerRun.take(err, &diagnostics, max: WorkerRun.diagnosticsBytesMax)
            }
            if polled[2].revents != 0, let open = feed {
                let put = open.bytes[fed...].withUnsafeBytes { write(open.fd, $0.baseAddress, $0.count) }
                fed += max(0, put)
                if fed == open.bytes.count || (put < 0 && errno != EAGAIN && errno != EINTR) {
                    close(open.fd)
                    feed = nil
                }
            }
        }
        if let feed { close(feed.fd) }
        while isOutOpen { isOutOpen = WorkerRun.take(out, &output, max: outputBytesMax + 1) }
        if output.count > outputBytesMax { ended = ended ?? .tooLong }
        var status: Int32 = 0
        while waitpid(process, &status, 0) < 0, errno == EINTR {}
        return ended ?? exit(status)
    }

    private func exit(_ status: Int32) -> WorkerResult.Exit {
        if status & 0x7f != 0 { return .crashed(signal: status & 0x7f) }
        let code = status >> 8 & 0xff
        let line = diagnostics.split(separator: 10).last.map { String(decoding: $0, as: UTF8.self) } ?? ""
        switch code {
        case 0: return .completed(output)
        case 70...73: return .refused(line)
        case 128 + SIGSYS: return .refused("a system call of another architecture")
        case 129...: return .crashed(signal: code - 128)
        default: return .failed(code: code, output: output)
        }
    }

    /// Reads what is there; whether more may come. What is beyond `max` is read and dropped.
    private static func take(_ fd: Int32, _ into: inout [UInt8], max: Int) -> Bool {
        withUnsafeTemporaryAllocation(byteCount: 1 << 16, alignment: 16) { buffer in
            let got = read(fd, buffer.baseAddress!, buffer.count)
            if got < 0 { return errno == EINTR || errno == EAGAIN }
            into += buffer[..<min(got, Swift.max(0, max - into.count))]
            return got > 0
        }
    }
}
