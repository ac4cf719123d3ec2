import Pipeline

/// From nothing to a plugin's first answer.
struct StartMeasure: MeasuredBench {
    let name = "start"
    let summary = "from nothing to a plugin's first answer"

    func run(_ programs: ProgramFiles, count: Int?) async throws -> String {
        try await StartBench.run(programs, count: count ?? 200)
    }
}
