import Frames
import Glibc
import Marketplace

/// A program that carries virtual machines out, with its own way to boot one, to keep it at the moment when its
/// runner waits for the first frame, and to start further ones from there.
protocol MachineMonitor: Sendable {
    associatedtype Snapshot: KeptMachine

    /// Who it is and how it carries a guest's instructions out.
    var words: String { get }
    /// How it is confined itself.
    var confinement: String { get }
    /// How many times longer a plugin's own work takes than on the host.
    var slowdown: Int { get }

    /// Boots a machine and keeps it. Waits: for a thread of its own.
    func boot(memoryMiB: Int) throws(SandboxError) -> Snapshot
    /// What an earlier process has kept, if it still fits.
    func kept(memoryMiB: Int) -> Snapshot?
    func forget(memoryMiB: Int)
    /// Starts a machine where the kept one stood. Waits: for a thread of its own.
    func restore(_ snapshot: Snapshot) throws(SandboxError) -> RunningMachine
}

/// A machine at the moment when its runner waits for the first frame.
protocol KeptMachine: Sendable {
    /// The guest kernel's release, as its first process gave it.
    var release: String { get }
}

/// A machine that runs, and our ends of what leads to it. Each end is closed by who takes it over.
struct RunningMachine: Sendable {
    /// The supervisor that keeps the monitor.
    let process: pid_t
    let frames: Int32
    /// What the supervisor writes, and the monitor; its end tells that both are gone.
    let report: Int32
    let `guard`: Int32
    /// The guest's own report, where it does not come by the same way.
    var guestReport: Int32?
    /// Whether the supervisor names the monitor's process.
    var namesItsMonitor = true
    /// Lets go of everything else, once the process is reaped.
    var release: @Sendable () -> Void

    /// Ends everything and waits for it.
    func end() {
        kill(process, SIGTERM)
        var status: Int32 = 0
        while waitpid(process, &status, 0) < 0, errno == EINTR {}
        for fd in [frames, report, `guard`, guestReport ?? -1] where fd >= 0 { close(fd) }
        release()
    }

    /// Makes the machine differ from its sisters, and greets the runner in it.
    func greet(_ limits: RunnerLimits, deadlineMs: UInt64) async throws(SandboxError) -> PluginRunner {
        GuestGuard.say(GuestGuard.freshSeed(), to: `guard`)
        let (process, guardian, guestReport, release) = (process, `guard`, guestReport, release)
        var running = RunnerProcess(
            process: process, frames: frames, report: report,
            end: { _ = Glibc.kill(process, SIGTERM) }, hasOwnClock: namesItsMonitor,
            cleanUp: {
                for fd in [guardian, guestReport ?? -1] where fd >= 0 { close(fd) }
                release()
            }, ranOutOfMemory: { false },
            readExit: { Self.readExit($0, GuestGuard.said(guardian), guestReport) })
        if !namesItsMonitor { running.processorTime = { ProcessTree.processorTime(of: process) } }
        let channel = Channel(running, limits: Greeting.frameLimits(limits))
        let engine = try await Greeting.exchange(channel, list: nil, deadlineMs: deadlineMs)
        let deadline = Clock.monotonic() + deadlineMs * 1_000_000
        // No plugin before the guest has said that its randomness and its time are its own.
        var said = ""
        while true {
            said += GuestGuard.said(guardian)
            if GuestGuard.release(in: said) != nil { break }
            guard channel.isOpen, Clock.monotonic() < deadline else {
                channel.end()
                throw SandboxError(.startFailed, "the guest", cause: "it did not take its seed")
            }
            try? await Task.sleep(nanoseconds: 500_000)
        }
        return PluginRunner(backEnd: .microvm, limits: limits, engine: engine, channel: channel) { _, _ in }
    }

    /// The monitor's own end says little: the guest's first process has told how the runner ended, and the runner's
    /// supervisor why.
    private static func readExit(_ exit: RunnerExit, _ said: String, _ guestReport: Int32?) -> RunnerExit {
        guard let end = GuestGuard.exit(in: said) else { return exit }
        var exit = exit
        exit.status = end.status
        exit.ranOutOfMemory = end.outOfMemory
        if let guestReport { exit.lastReport += GuestGuard.said(guestReport) }
        return exit
    }
}

/// The kept machines of one monitor, one for each size of memory, and the starts from them.
actor MachineShelf<Monitor: MachineMonitor> {
    private let monitor: Monitor
    private var taken: [Int: Task<Monitor.Snapshot, any Error>] = [:]

    init(_ monitor: Monitor) { self.monitor = monitor }

    /// Has a machine of every size kept, so that no start waits for a boot; gives the guest kernel's release.
    func fill() async throws(SandboxError) -> String {
        do throws(SandboxError) {
            await (try start(RunnerLimits())).kill()
        } catch {
            let size = MachineSize.memoryMiB(RunnerLimits())
            guard taken[size] != nil else { throw error }
            // A kept machine of another day may not fit any more: once more from the beginning.
            for size in MachineSize.all { forget(size) }
            await (try start(RunnerLimits())).kill()
        }
        for size in MachineSize.all { _ = try await snapshot(size) }
        return try await snapshot(MachineSize.all[0]).release
    }

    private func forget(_ size: Int) {
        monitor.forget(memoryMiB: size)
        taken[size] = nil
    }

    func start(_ limits: RunnerLimits) async throws(SandboxError) -> PluginRunner {
        let snapshot = try await snapshot(MachineSize.memoryMiB(limits))
        let monitor = monitor
        let running: Result<RunningMachine, SandboxError> = await OwnThread.run {
            Result { () throws(SandboxError) in try monitor.restore(snapshot) }
        }
        return try await running.get().greet(limits, deadlineMs: 20_000)
    }

    private func snapshot(_ size: Int) async throws(SandboxError) -> Monitor.Snapshot {
        let task: Task<Monitor.Snapshot, any Error>
        if let present = taken[size] {
            task = present
        } else {
            let monitor = monitor
            task = Task {
                let result: Result<Monitor.Snapshot, SandboxError> = await OwnThread.run {
                    if let kept = monitor.kept(memoryMiB: size) { return .success(kept) }
                    return Result { () throws(SandboxError) in try monitor.boot(memoryMiB: size) }
                }
                return try result.get()
            }
            taken[size] = task
        }
        do { return try await task.value } catch {
            taken[size] = nil
            throw error as? SandboxError ?? SandboxError(.startFailed, "the snapshot", cause: "\(error)")
        }
    }
}

/// How much memory machines have.
enum MachineSize {
    /// What the guest's kernel, the runner's program and its engine take beside the plugin's heap.
    static let ownMiB = 80
    /// The heaps that machines are kept for; a smaller plugin gets the next larger machine.
    static let heapsMiB = [64, 128, 256]
    static let all = heapsMiB.map { $0 + ownMiB }

    static func memoryMiB(_ limits: RunnerLimits) -> Int {
        let heap = Int(limits.limits.memoryMiB)
        return (heapsMiB.first { $0 >= heap } ?? heap) + ownMiB
    }
}
