import Glibc
import Marketplace
import Synchronization

/// The runner as the only process of a gVisor sandbox: a kernel in user space stands between it and the host's.
/// The root holds the runner's one file and is read-only; there is no network.
public struct GVisorIsolation: Isolation {
    public let backEnd = BackEnd.gvisor
    /// How gVisor takes the system calls over: the first of `systrap`, `kvm`, `ptrace` that really worked.
    public let platform: String
    public var mode: String { "runsc, platform \(platform)" }
    private let runsc: String
    private let executable: String
    /// Where its sandboxes' control groups are made.
    var groups: ControlGroups
    private let folder: String
    private let list: [UInt8]

    private static let names = Atomic<UInt64>(0)
    private static let probeMs: UInt64 = 5_000

    /// Prepares the container's files in `folder`, which the caller makes and removes, and tries the platforms.
    ///
    /// - Throws: `missing` without `runsc`, `unavailable` when no platform works.
    public static func prepare(
        executable: String, seccompList: String, folder: String, runsc: String? = nil
    ) async throws(SandboxError) -> GVisorIsolation {
        guard let runsc = runsc ?? findProgram() else {
            throw SandboxError(.missing, "runsc", cause: "install the Debian package `runsc`")
        }
        let list = try Spawn.read(seccompList)
        try layOut(executable, folder)
        var failures: [String] = []
        for platform in ["systrap", "kvm", "ptrace"] {
            let candidate = GVisorIsolation(
                platform: platform, runsc: runsc, executable: executable, folder: folder, list: list,
                groups: .own)
            do {
                // The last resort may be slow on a busy machine; one that hangs is given up sooner.
                let deadline = platform == "ptrace" ? 3 * probeMs : probeMs
                let runner = try await candidate.start(RunnerLimits(), deadlineMs: deadline)
                await runner.kill()
                return candidate
            } catch {
                failures.append("\(platform): \(error.cause ?? error.description)")
            }
        }
        throw SandboxError(.unavailable, "gvisor", cause: failures.joined(separator: "; "))
    }

    private init(
        platform: String, runsc: String, executable: String, folder: String, list: [UInt8],
        groups: ControlGroups
    ) {
        self.platform = platform
        self.runsc = runsc
        self.executable = executable
        self.groups = groups
        self.folder = folder
        self.list = list
    }

    public func start(_ limits: RunnerLimits) async throws(SandboxError) -> PluginRunner {
        try await start(limits, deadlineMs: 20_000)
    }

    private func start(_ limits: RunnerLimits, deadlineMs: UInt64) async throws(SandboxError) -> PluginRunner
    {
        let number = Self.names.add(1, ordering: .relaxed).newValue
        let name = "veroforge-\(getpid())-\(number)"
        let frames = try Spawn.socketPair()
        let report = try Spawn.socketPair()
        let group = groups.make(Self.bounds(limits))
        let joined = group?.descriptors() ?? []
        defer { for fd in joined { close(fd) } }
        let process: pid_t
        do {
            process = try Spawn.start(
                executable, ["--guard", "\(joined.count)"] + command(name),
                descriptors: [frames.theirs, frames.theirs, report.theirs] + joined)
        } catch {
            group?.remove()
            for fd in [frames.ours, frames.theirs, report.ours, report.theirs] { close(fd) }
            throw error
        }
        close(frames.theirs)
        close(report.theirs)
        let state = "\(folder)/state"
        let memoryMost = Self.bounds(limits).memoryBytes
        var running = RunnerProcess(
            process: process, frames: frames.ours, report: report.ours,
            // The guard ends `runsc run`, which is attached: the sandbox asks the kernel to die with it.
            end: { _ = Glibc.kill(process, SIGTERM) }, hasOwnClock: false,
            cleanUp: {
                group?.remove()
                Self.removeState(of: name, in: state)
            },
            ranOutOfMemory: { group?.ending == .memory })
        running.processorTime = { group?.processorTime ?? ProcessTree.processorTime(of: process) }
        running.processors = 2
        running.endedByKernel = { group?.ending }
        if group == nil {
            running.memory = { (bytes: ProcessTree.residentBytes(of: process), most: memoryMost) }
        }
        let channel = Channel(running, limits: Greeting.frameLimits(limits))
        let engine = try await Greeting.exchange(channel, list: list, deadlineMs: deadlineMs)
        return PluginRunner(backEnd: .gvisor, limits: limits, engine: engine, channel: channel) { _, limits in
            group?.hold(memoryBytes: Self.bounds(limits).memoryBytes)
        }
    }

    /// What runs one sandbox of that name.
    func command(_ name: String) -> [String] {
        [runsc, "--root", "\(folder)/state", "--platform", platform, "--network", "none", "--ignore-cgroups"]
            + (geteuid() == 0 ? [] : ["--rootless"]) + ["run", "--bundle", "\(folder)/bundle", name]
    }

    /// Where sandboxes that run have their entries.
    var stateFolder: String { "\(folder)/state" }

    /// gVisor's own kernel and its helpers, beside the plugin; its threads count as processes.
    private static func bounds(_ limits: RunnerLimits) -> GroupBounds {
        GroupBounds(
            memoryBytes: Int(limits.limits.memoryMiB) << 20 + 160 << 20, processes: 512, processorPercent: 220
        )
    }

    public func report() async -> BackEndReport {
        let report = BackEndReport(
            backEnd: .gvisor, works: false, mode: mode,
            enforcement: [
                "cpu: by the engine, then by the host's watch over all processes of the sandbox",
                "wall: by the engine, then by the host's watch and the end of the sandbox",
                "memory: by the engine, then by RLIMIT_AS in gVisor's kernel and by "
                    + (groups.isUsable ? "the control group" : "the host's watch"),
                "processes, files: no call for them in the runner's own list inside gVisor",
                "syscall: the runner's own list inside gVisor, told by its watcher there",
                groups.words,
            ])
        return await tried(report)
    }

    // MARK: Files

    private static func findProgram() -> String? {
        ["/usr/bin/runsc", "/usr/local/bin/runsc"].first { access($0, X_OK) == 0 }
    }

    private static func layOut(_ executable: String, _ folder: String) throws(SandboxError) {
        for name in ["", "/state", "/bundle", "/bundle/rootfs"] {
            guard mkdir(folder + name, 0o755) == 0 || errno == EEXIST else {
                throw SandboxError(.startFailed, folder + name, cause: Spawn.message(errno))
            }
        }
        try write(
            try Spawn.read(executable, bytesMax: 64 << 20), to: "\(folder)/bundle/rootfs/runner", mode: 0o555)
        let noCapability: JSONValue = [
            "bounding": [], "effective": [], "inheritable": [], "permitted": [], "ambient": [],
        ]
        let namespaces = ["pid", "network", "ipc", "uts", "mount"].map {
            JSONValue.object(["type": .string($0)])
        }
        let configuration: JSONValue = [
            "ociVersion": "1.0.2",
            "process": [
                "terminal": false, "user": ["uid": 65534, "gid": 65534], "args": ["/runner", "--inside"],
                "env": [], "cwd": "/", "capabilities": noCapability, "noNewPrivileges": true,
            ],
            "root": ["path": "rootfs", "readonly": true], "mounts": [],
            "linux": ["namespaces": .array(namespaces)],
        ]
        try write(configuration.serializedBytes(), to: "\(folder)/bundle/config.json", mode: 0o444)
    }

    private static func write(_ bytes: [UInt8], to path: String, mode: mode_t) throws(SandboxError) {
        unlink(path)
        let fd = open(path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, mode)
        guard fd >= 0 else { throw SandboxError(.startFailed, path, cause: Spawn.message(errno)) }
        defer { close(fd) }
        var at = 0
        while at < bytes.count {
            let put = bytes[at...].withUnsafeBytes { Glibc.write(fd, $0.baseAddress, $0.count) }
            guard put > 0 else { throw SandboxError(.startFailed, path, cause: Spawn.message(errno)) }
            at += put
        }
    }

    /// A sandbox that was ended from outside leaves its entry and its lock behind.
    private static func removeState(of name: String, in folder: String) {
        for suffix in ["state", "lock"] { unlink("\(folder)/\(name)_sandbox:\(name).\(suffix)") }
    }
}
