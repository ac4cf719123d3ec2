import Marketplace
import Sandbox
import Testing

@Suite struct RunnerPoolContract {
    @Test func aSpareIsTakenAndReplaced() async throws {
        let pool = RunnerPool(try Fixture.native(), limits: RunnerLimits(Fixture.quick), spares: 2)
        await pool.warm()
        #expect(await pool.readyCount == 2)
        let (first, second) = (try await pool.take(), try await pool.take())
        #expect(first !== second)
        #expect(first.processID != second.processID)
        await pool.warm()
        #expect(await pool.readyCount == 2)
        for runner in [first, second] { await runner.kill() }
        await pool.close()
    }

    @Test func aRunnerIsBoundToOnePlugin() async throws {
        let runner = try await Fixture.native().start(RunnerLimits(Fixture.quick))
        _ = try await runner.load(Fixture.image("return 1;"))
        await #expect(throws: SandboxError(.wrongState, "loading a second plugin")) {
            try await runner.load(Fixture.image("return 2;"))
        }
        await runner.kill()
    }

    @Test func aSpareTakesTheLimitsOfThePluginItIsTakenFor() async throws {
        let pool = RunnerPool(try Fixture.native(), limits: RunnerLimits(.standard), spares: 1)
        await pool.warm()
        let runner = try await pool.take(RunnerLimits(Fixture.quick))
        #expect(runner.limits == RunnerLimits(Fixture.quick))
        _ = try await runner.load(Fixture.image("for (;;);"))
        _ = try await runner.initialize(Answers())
        let result = try await runner.execute(action: "go", data: nil, handler: Answers())
        #expect(result.outcome.limit == .cpu)
        #expect(result.cpuMs < 900)
        await pool.close()
    }

    @Test func otherLimitsOfTheProtocolGetARunnerOfTheirOwn() async throws {
        let pool = RunnerPool(try Fixture.native(), limits: RunnerLimits(Fixture.quick), spares: 1)
        await pool.warm()
        let other = RunnerLimits(.standard, outputBytes: 1_000)
        let runner = try await pool.take(other)
        #expect(runner.limits == other)
        await runner.kill()
        await pool.close()
    }

    @Test func aMissingProgramIsNamed() {
        #expect(throws: SandboxError.self) {
            try NativeIsolation(executable: "/nowhere/veroforge-runner", seccompList: "/nowhere/runner.list")
        }
    }

    @Test func theDoctorTellsWhatHolds() async throws {
        let report = try await Fixture.native().report()
        #expect(report.works)
        #expect(report.problems == [])
        #expect(report.enforcement.count >= 5)
    }
}
