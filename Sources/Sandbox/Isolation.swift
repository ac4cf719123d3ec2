/// The ways to keep a plugin apart.
public enum BackEnd: String, Hashable, Sendable, Codable, CaseIterable {
    /// The runner confines itself on the host's kernel.
    case native
    /// The runner under gVisor's user-space kernel.
    case gvisor
    /// The runner as the first process of a small virtual machine.
    case microvm
}

/// One way to keep a plugin apart. Every way gives the same runner and the same protocol.
public protocol Isolation: Sendable {
    var backEnd: BackEnd { get }

    /// How it really runs here: the gVisor platform, the machine's acceleration.
    var mode: String { get }

    /// Starts a runner that has no plugin yet. It has answered the greeting when this returns.
    func start(_ limits: RunnerLimits) async throws(SandboxError) -> PluginRunner

    /// Whether this works on this machine, what it lacks, and which limits hold by which means.
    func report() async -> BackEndReport

    /// How many times longer a plugin's own work takes here than on the host: 1 unless its processor is emulated.
    var slowdown: Int { get }
}

extension Isolation {
    public var slowdown: Int { 1 }
}

extension Isolation {
    /// The report of a back end that was made ready: whether a runner really starts on it.
    func tried(_ report: BackEndReport) async -> BackEndReport {
        var report = report
        do {
            let runner = try await start(RunnerLimits())
            await runner.kill()
            report.works = true
        } catch {
            report.problems = [error.description]
        }
        return report
    }
}

/// What `veroforge sandbox doctor` says of a back end.
public struct BackEndReport: Hashable, Sendable, Codable {
    public var backEnd: BackEnd
    public var works: Bool
    /// How it really runs: the gVisor platform, the machine's acceleration.
    public var mode: String?
    /// What is missing or forbidden, and how to get it.
    public var problems: [String]
    /// Which limit holds by which means.
    public var enforcement: [String]

    public init(
        backEnd: BackEnd, works: Bool, mode: String? = nil, problems: [String] = [],
        enforcement: [String] = []
    ) {
        self.backEnd = backEnd
        self.works = works
        self.mode = mode
        self.problems = problems
        self.enforcement = enforcement
    }
}
