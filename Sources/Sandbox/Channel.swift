import Frames
import Glibc
import Marketplace
import Synchronization

/// How a back end's process is ended, watched and cleaned up after.
struct RunnerProcess: Sendable {
    /// The process that the host started and reaps.
    var process: pid_t
    /// Our ends: frames, and the report.
    var frames: Int32
    var report: Int32
    /// Asks for the end of everything that was started.
    var end: @Sendable () -> Void
    /// Whether the processor time of the confined process can be read from outside.
    var hasOwnClock: Bool
    /// Removes what the back end has made (groups, folders); called once, after the process is reaped.
    var cleanUp: @Sendable () -> Void
    /// Whether the kernel ended something of it for want of memory.
    var ranOutOfMemory: @Sendable () -> Bool
    /// The processor time of everything of it, in nanoseconds, where it has no clock of its own; and how many
    /// processors it may use at one time.
    var processorTime: (@Sendable () -> UInt64?)?
    var processors: UInt64 = 1
    /// What everything of it holds in memory and may hold, where nothing in the kernel bounds it.
    var memory: (@Sendable () -> (bytes: Int, most: Int))?
    /// Another limit by which the kernel has ended it or refused it something.
    var endedByKernel: (@Sendable () -> LimitName?)?
    /// What the end means, where the process that the host reaps does not tell it.
    var readExit: (@Sendable (RunnerExit) -> RunnerExit)?
}

/// How a runner's process ended.
struct RunnerExit: Hashable, Sendable {
    var status: Int32
    /// The limit that made the host end it.
    var endedBy: LimitName?
    /// What was wrong with its frames, if that was why.
    var violation: FrameError?
    var lastReport: String
    var ranOutOfMemory: Bool
    /// Another limit that the kernel has enforced.
    var endedByKernel: LimitName?
}

/// What the watch holds a call to, from outside the engine.
struct Watch: Sendable {
    var wallDeadline: UInt64
    var cpuLimit: UInt64
    var cpuStart: UInt64
    var cpuCheck: UInt64
}

/// The host's end of one runner: frames in and out, deadlines, and the process's end. All state is behind one lock,
/// which is never held across a call of anyone else's code.
final class Channel: ReactorSource {
    enum Event: Sendable {
        case message(RunnerMessage)
        case closed(RunnerExit)
    }

    private enum Life {
        case open
        /// The end was asked for, or its frames ended, at that time.
        case ending(UInt64)
        case reaped
    }

    private struct State {
        var session: HostSession
        var decoder: FrameDecoder
        var inbox: [Event] = []
        /// Who waits for the next event: the call under way, and whoever waits for the end.
        var waiters: [CheckedContinuation<Event, Never>] = []
        var outbox: [UInt8] = []
        var framesKey: UInt64 = 0
        var reportKey: UInt64 = 0
        var framesOpen = true
        var reportOpen = true
        var report: [UInt8] = []
        var confined: pid_t?
        var life = Life.open
        var watch: Watch?
        var memoryCheck: UInt64 = 0
        var endedBy: LimitName?
        var violation: FrameError?
        var exit: RunnerExit?
    }

    /// Outside limits leave the engine this much to report its own.
    static let graceNs: UInt64 = 50_000_000
    private static let reportBytesMax = 16 << 10
    private static let memoryCheckNs: UInt64 = 50_000_000

    private let state: Mutex<State>
    private let process: RunnerProcess

    init(_ process: RunnerProcess, limits: FrameLimits) {
        self.process = process
        state = Mutex(
            State(session: HostSession(limits: limits), decoder: FrameDecoder(from: .runner, limits: limits)))
        Spawn.setNonBlocking(process.frames)
        Spawn.setNonBlocking(process.report)
        Reactor.shared.join(self)
        state.withLock {
            $0.framesKey = Reactor.shared.add(process.frames, self)
            $0.reportKey = Reactor.shared.add(process.report, self)
        }
    }

    // MARK: For the runner's actor

    /// The confined process as the host sees it, once the report has said so.
    var confined: pid_t? { state.withLock { $0.confined } }
    var hostProcess: pid_t { process.process }
    var isOpen: Bool {
        state.withLock { if case .open = $0.life { true } else { false } }
    }
    var nextCall: UInt32 { state.withLock { $0.session.nextCall } }
    var reportText: String { state.withLock { String(decoding: $0.report, as: UTF8.self) } }

    /// Writes bytes that come before the first frame.
    func sendPreface(_ bytes: [UInt8]) {
        state.withLock { write(bytes, &$0) }
    }

    /// Sends a message, or says why not. Nothing is sent to a runner that is ending.
    func send(_ message: HostMessage) throws(FrameError) {
        try state.withLock { state throws(FrameError) in
            guard case .open = state.life else { return }
            write(try state.session.send(message), &state)
        }
    }

    /// The next message, or the end.
    func next() async -> Event {
        await withCheckedContinuation { continuation in
            let ready: Event? = state.withLock { state in
                if !state.inbox.isEmpty { return state.inbox.removeFirst() }
                if let exit = state.exit { return .closed(exit) }
                state.waiters.append(continuation)
                return nil
            }
            if let ready { continuation.resume(returning: ready) }
        }
    }

    func begin(_ given: Watch) {
        var watch = given
        if watch.cpuLimit != .max, let used = processorTime(confined) {
            watch.cpuStart = used
            watch.cpuCheck = Clock.monotonic() + watch.cpuLimit / process.processors
        }
        state.withLock { $0.watch = watch }
        Reactor.shared.keepTicking()
    }

    func endWatch() {
        state.withLock { $0.watch = nil }
    }

    /// Ends the runner, by a limit or because nobody needs it any more.
    func end(by limit: LimitName? = nil) {
        state.withLock { end(&$0, by: limit) }
    }

    // MARK: On the reactor's thread

    func ready(_ fd: Int32, _ events: UInt32) {
        if fd == process.report {
            readReport()
        } else {
            if events & Epoll.writable != 0 { state.withLock { flush(&$0) } }
            if events & (Epoll.readable | Epoll.hangUp | Epoll.error) != 0 { readFrames() }
        }
        reapIfGone()
    }

    func tick(_ now: UInt64) {
        state.withLock { state in
            if case .ending(let since) = state.life {
                Reactor.shared.keepTicking(now)
                // A runner whose frames ended is given a moment to say how; one that was asked is then made.
                if now > since + 500_000_000 { process.end() }
                if now > since + 3_000_000_000 { kill(process.process, SIGKILL) }
            }
            guard case .open = state.life, var watch = state.watch else { return }
            Reactor.shared.keepTicking(now)
            if now >= watch.wallDeadline { return end(&state, by: .wall) }
            if let memory = process.memory, now >= state.memoryCheck {
                state.memoryCheck = now + Channel.memoryCheckNs
                let (bytes, most) = memory()
                if bytes > most { return end(&state, by: .memory) }
            }
            // No more processor time is used than passes, on as many processors as it may use.
            guard now >= watch.cpuCheck, let time = processorTime(state.confined) else { return }
            let used = time > watch.cpuStart ? time - watch.cpuStart : 0
            if used >= watch.cpuLimit { return end(&state, by: .cpu) }
            watch.cpuCheck = now + (watch.cpuLimit - used) / process.processors
            state.watch = watch
        }
        reapIfGone()
    }

    /// The processor time used so far, as far as it can be read from outside.
    private func processorTime(_ confined: pid_t?) -> UInt64? {
        if let time = process.processorTime { return time() }
        return process.hasOwnClock ? confined.flatMap(Clock.processorTime(of:)) : nil
    }

    private func end(_ state: inout State, by limit: LimitName?) {
        guard case .open = state.life else { return }
        state.endedBy = limit
        state.life = .ending(Clock.monotonic())
        state.session.end()
        process.end()
        Reactor.shared.keepTicking()
    }

    private func readFrames() {
        withUnsafeTemporaryAllocation(byteCount: 1 << 16, alignment: 16) { buffer in
            let got = read(process.frames, buffer.baseAddress!, buffer.count)
            if got < 0, errno == EAGAIN || errno == EINTR { return }
            let wakes: (CheckedContinuation<Event, Never>, Event)? = state.withLock { state in
                guard got > 0 else {
                    closeFrames(&state)
                    return nil
                }
                state.decoder.append(UnsafeRawBufferPointer(rebasing: buffer[..<got]))
                take(&state)
                guard !state.inbox.isEmpty, !state.waiters.isEmpty else { return nil }
                return (state.waiters.removeFirst(), state.inbox.removeFirst())
            }
            if let (waiter, event) = wakes { waiter.resume(returning: event) }
        }
    }

    /// Everything is checked here, before it is kept: a flood ends its sender and not the host.
    private func take(_ state: inout State) {
        guard case .open = state.life else { return }
        do {
            while let frame = try state.decoder.next() {
                state.inbox.append(.message(try state.session.receive(frame)))
            }
        } catch {
            state.violation = error
            let limit: LimitName? =
                switch error.code {
                case .tooManyOperations: .apiCalls
                case .tooLong, .tooMuchLog: .output
                default: nil
                }
            end(&state, by: limit)
        }
    }

    private func readReport() {
        withUnsafeTemporaryAllocation(byteCount: 4096, alignment: 16) { buffer in
            let got = read(process.report, buffer.baseAddress!, buffer.count)
            if got < 0, errno == EAGAIN || errno == EINTR { return }
            state.withLock { state in
                guard got > 0 else {
                    state.reportOpen = false
                    Reactor.shared.remove(state.reportKey, process.report)
                    Reactor.shared.keepTicking()
                    return
                }
                state.report += UnsafeRawBufferPointer(rebasing: buffer[..<got])
                // The end is what counts; what a runner writes in between is not.
                if state.report.count > Channel.reportBytesMax {
                    state.report.removeFirst(state.report.count - Channel.reportBytesMax)
                }
                if state.confined == nil { state.confined = Channel.confinedProcess(state.report) }
            }
        }
    }

    private static func confinedProcess(_ report: [UInt8]) -> pid_t? {
        let mark = Array("csandbox: confined pid=".utf8)
        guard report.starts(with: mark), let end = report.firstIndex(of: 10) else { return nil }
        return pid_t(String(decoding: report[mark.count..<end], as: UTF8.self))
    }

    private func closeFrames(_ state: inout State) {
        guard state.framesOpen else { return }
        state.framesOpen = false
        Reactor.shared.remove(state.framesKey, process.frames)
        guard case .open = state.life else { return }
        state.life = .ending(Clock.monotonic())
        state.session.end()
        Reactor.shared.keepTicking()
    }

    private func write(_ bytes: [UInt8], _ state: inout State) {
        guard state.framesOpen else { return }
        if !state.outbox.isEmpty {
            state.outbox += bytes
            return
        }
        let put = bytes.withUnsafeBytes { Glibc.write(process.frames, $0.baseAddress!, $0.count) }
        guard put < bytes.count else { return }
        state.outbox = Array(bytes[max(0, put)...])
        Reactor.shared.update(state.framesKey, process.frames, wantsWrite: true)
    }

    private func flush(_ state: inout State) {
        guard state.framesOpen, !state.outbox.isEmpty else { return }
        let put = state.outbox.withUnsafeBytes { Glibc.write(process.frames, $0.baseAddress!, $0.count) }
        if put > 0 { state.outbox.removeFirst(put) }
        if state.outbox.isEmpty { Reactor.shared.update(state.framesKey, process.frames, wantsWrite: false) }
    }

    /// The report's other end is closed when the last process is gone: then there is one to reap.
    private func reapIfGone() {
        let wakes: ([CheckedContinuation<Event, Never>], RunnerExit)? = state.withLock { state in
            if case .reaped = state.life { return nil }
            guard !state.reportOpen else { return nil }
            var status: Int32 = 0
            let reaped = waitpid(process.process, &status, WNOHANG)
            guard reaped == process.process || (reaped < 0 && errno == ECHILD) else { return nil }
            // What it said before it ended still counts.
            if state.framesOpen {
                state.framesOpen = false
                Reactor.shared.remove(state.framesKey, process.frames)
            }
            state.life = .reaped
            close(process.frames)
            close(process.report)
            var exit = RunnerExit(
                status: status, endedBy: state.endedBy, violation: state.violation,
                lastReport: String(decoding: state.report, as: UTF8.self),
                ranOutOfMemory: process.ranOutOfMemory(), endedByKernel: process.endedByKernel?())
            if let readExit = process.readExit { exit = readExit(exit) }
            state.exit = exit
            defer { state.waiters = [] }
            return (state.waiters, exit)
        }
        guard let (waiters, exit) = wakes else { return }
        Reactor.shared.leave(self)
        process.cleanUp()
        for waiter in waiters { waiter.resume(returning: .closed(exit)) }
    }
}
