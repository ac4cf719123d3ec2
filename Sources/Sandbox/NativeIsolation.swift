import Frames
import Glibc
import Marketplace

/// The runner on the host's own kernel: it confines itself as `CSandbox` describes.
public struct NativeIsolation: Isolation {
    public let backEnd = BackEnd.native
    public let mode = "namespaces, seccomp, Landlock where the kernel has it"
    private let executable: String
    private let list: [UInt8]
    private let groups: ControlGroups

    /// What the runner's own program, stack and engine take of memory, beside the plugin's heap.
    static let ownMemoryBytes = 24 << 20
    /// What the runner's own program, stack and engine take of the address space, beside the plugin's heap.
    static let ownAddressSpaceBytes: UInt64 = 96 << 20

    /// `executable` is `veroforge-runner`; `seccompList` the path of `rules/seccomp/runner.list`.
    public init(executable: String, seccompList: String) throws(SandboxError) {
        try self.init(executable: executable, seccompList: seccompList, groups: .own)
    }

    init(executable: String, seccompList: String, groups: ControlGroups) throws(SandboxError) {
        guard access(executable, X_OK) == 0 else {
            throw SandboxError(.missing, executable, cause: Spawn.message(errno))
        }
        self.executable = executable
        list = try Spawn.read(seccompList)
        self.groups = groups
        NativeIsolation.raiseDescriptorLimit()
    }

    public func start(_ limits: RunnerLimits) async throws(SandboxError) -> PluginRunner {
        let frames = try Spawn.socketPair()
        let report = try Spawn.socketPair()
        let group = groups.make(Self.bounds(limits))
        let joined = group?.descriptors() ?? []
        defer { for fd in joined { close(fd) } }
        let process: pid_t
        do {
            process = try Spawn.start(
                executable, joined.isEmpty ? [] : ["--groups", "\(joined.count)"],
                descriptors: [frames.theirs, frames.theirs, report.theirs] + joined)
        } catch {
            group?.remove()
            for fd in [frames.ours, frames.theirs, report.ours, report.theirs] { close(fd) }
            throw error
        }
        close(frames.theirs)
        close(report.theirs)
        let channel = Channel(
            RunnerProcess(
                process: process, frames: frames.ours, report: report.ours,
                end: { _ = Glibc.kill(process, SIGTERM) }, hasOwnClock: true,
                cleanUp: { group?.remove() }, ranOutOfMemory: { group?.ending == .memory },
                endedByKernel: { group?.ending }),
            limits: Greeting.frameLimits(limits))
        let engine = try await Greeting.exchange(channel, list: list, deadlineMs: 10_000)
        return PluginRunner(backEnd: .native, limits: limits, engine: engine, channel: channel) {
            process, limits in
            group?.hold(memoryBytes: Self.bounds(limits).memoryBytes)
            var space = rlimit()
            let bytes = rlim_t(limits.limits.memoryMiB) << 20 + rlim_t(NativeIsolation.ownAddressSpaceBytes)
            space.rlim_cur = bytes
            space.rlim_max = bytes
            _ = processLimit(process, Int32(RLIMIT_AS.rawValue), &space, nil)
        }
    }

    private static func bounds(_ limits: RunnerLimits) -> GroupBounds {
        GroupBounds(
            memoryBytes: Int(limits.limits.memoryMiB) << 20 + ownMemoryBytes, processes: 1)
    }

    public func report() async -> BackEndReport {
        let report = BackEndReport(
            backEnd: .native, works: false, mode: mode,
            enforcement: [
                "cpu, wall: by the engine, then by the host's watch and the end of the process",
                "memory: by the engine, then by RLIMIT_AS set from outside and by the control group",
                "processes: no clone in the list of system calls, RLIMIT_NPROC 1, the control group",
                groups.words,
                "files: empty read-only root, no open in the list, RLIMIT_NOFILE 16",
                "syscall: seccomp, told to the supervisor outside",
            ])
        return await tried(report)
    }

    /// A thousand runners are two thousand sockets.
    private static func raiseDescriptorLimit() {
        var limit = rlimit()
        guard getrlimit(__rlimit_resource_t(RLIMIT_NOFILE.rawValue), &limit) == 0 else { return }
        limit.rlim_cur = min(limit.rlim_max, 65_536)
        _ = setrlimit(__rlimit_resource_t(RLIMIT_NOFILE.rawValue), &limit)
    }
}

/// The first words with a started runner, the same on every back end.
enum Greeting {
    static func frameLimits(_ limits: RunnerLimits) -> FrameLimits {
        FrameLimits(
            outputBytesMax: limits.outputBytes, logLineBytesMax: limits.logLineBytes,
            logBytesMax: limits.logBytes,
            waitingMax: limits.waitingMax)
    }

    /// The list of system calls as a runner reads it: its length first.
    static func preface(_ list: [UInt8]) -> [UInt8] {
        let length = UInt32(list.count)
        return [24, 16, 8, 0].map { UInt8(truncatingIfNeeded: length >> $0) } + list
    }

    /// Hands over the list of system calls, where the runner does not have it yet, and greets; gives the engine's name.
    static func exchange(_ channel: Channel, list: [UInt8]?, deadlineMs: UInt64) async throws(SandboxError)
        -> String
    {
        if let list { channel.sendPreface(preface(list)) }
        let now = Clock.monotonic()
        channel.begin(
            Watch(wallDeadline: now + deadlineMs * 1_000_000, cpuLimit: .max, cpuStart: 0, cpuCheck: .max))
        defer { channel.endWatch() }
        do { try channel.send(.hello(FrameProtocol.versions)) } catch {
            throw SandboxError(.startFailed, "the runner", cause: error.subject)
        }
        switch await channel.next() {
        case .message(.hello(_, let engine)): return engine
        case .message:
            channel.end()
            throw SandboxError(.startFailed, "the runner", cause: "it did not greet")
        case .closed(let exit):
            let cause = exit.lastReport.split(separator: "\n").last.map(String.init) ?? "it ended at once"
            let code = exit.status >> 8 & 0xff
            throw SandboxError(
                code == exitNotPermitted ? .notPermitted : .startFailed,
                code == exitNotPermitted ? "the native sandbox" : "the runner",
                cause: exit.endedBy == .wall ? "it did not answer in time" : cause)
        }
    }

    /// `CSANDBOX_EXIT_NOT_PERMITTED`.
    private static let exitNotPermitted: Int32 = 70
}
