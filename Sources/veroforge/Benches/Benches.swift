import Pipeline

/// One thing that is measured: what it is called, what its figures say, how to take them.
protocol MeasuredBench: Sendable {
    /// Its name on the command line.
    var name: String { get }
    /// What its figures say, in a line.
    var summary: String { get }

    /// Measures and gives the lines to print. Nothing is compared with a limit here: a bench says what was.
    func run(_ programs: ProgramFiles, count: Int?) async throws -> String
}

/// Every bench of `veroforge bench`. The peers beside them are started by `Tests/Bench/NAME/run`.
let benches: [any MeasuredBench] = [
    AdvisoryMeasure(),
    StartMeasure(),
    RuntimeMeasure(),
    SandboxMeasure(),
    RegistryMeasure(),
    PublishingMeasure(),
    ScanMeasure(),
    MoneyNight(),
]
