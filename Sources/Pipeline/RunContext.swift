public import Marketplace
public import Provenance
public import Registry

/// What a stage may use. The clock is a value: a run speaks of one moment.
public struct RunContext: Sendable {
    public let data: DataDirectory
    public let programs: ProgramFiles
    public let registry: Registry
    public let keys: KeyStore
    public let now: Instant
    public var options: RunOptions

    public init(
        data: DataDirectory, programs: ProgramFiles, registry: Registry, keys: KeyStore, now: Instant,
        options: RunOptions
    ) {
        self.data = data
        self.programs = programs
        self.registry = registry
        self.keys = keys
        self.now = now
        self.options = options
    }

    /// Opens the data directory's registry and keys.
    public static func open(
        data: DataDirectory, programs: ProgramFiles, now: Instant, options: RunOptions = RunOptions()
    ) throws(PipelineError) -> RunContext {
        let registry = try PipelineError.translating { () throws(RegistryError) in
            try Registry.open(path: data.registry)
        }
        return RunContext(
            data: data, programs: programs, registry: registry, keys: KeyStore(folder: data.keys), now: now,
            options: options)
    }
}

/// What the command line asked of a run.
public struct RunOptions: Sendable {
    public var stage: String?
    public var id: Digest?
    public var limit: Int?
    public var dryRun: Bool
    /// A stage's name after which the process kills itself: how the tests prove that any border may be crossed by
    /// running again. Honoured only in a data directory marked as a demo.
    public var crashAfter: String?
    /// The lease owner: the run's entry in the registry, so that a dead run's leases are known as such.
    var owner = "by-hand"

    public init(
        stage: String? = nil, id: Digest? = nil, limit: Int? = nil, dryRun: Bool = false,
        crashAfter: String? = nil
    ) {
        self.stage = stage
        self.id = id
        self.limit = limit
        self.dryRun = dryRun
        self.crashAfter = crashAfter
    }
}

extension PipelineError {
    /// A lower module's error becomes the stage's: the one place where codes of one become codes of the other.
    static func translating<T>(_ body: () throws(RegistryError) -> T) throws(PipelineError) -> T {
        do { return try body() } catch { throw PipelineError(error) }
    }

    static func provenance<T>(_ body: () throws(ProvenanceError) -> T) throws(PipelineError) -> T {
        do { return try body() } catch { throw PipelineError(error) }
    }

    public init(_ error: RegistryError) {
        let code: ExitCode =
            switch error.code {
            case .notFound, .notAllowed: .notFound
            case .leaseLost, .database: .tryLater
            case .limit: .limit
            case .conflict, .illegalTransition, .invalid, .newerDatabase, .provenance: .usage
            }
        self.init(code, "\(error)")
    }

    public init(_ error: ProvenanceError) { self.init(.usage, "\(error)") }
}
