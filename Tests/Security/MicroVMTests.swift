import Foundation
import Marketplace
import TestSupport
import Testing

@testable import Sandbox

/// What is the virtual machine's alone; what every back end does stands in `IsolationConformance`.
@Suite(.serialized) struct MicroVM {
    private func runner(_ body: String, seed: UInt64? = nil) async throws -> PluginRunner {
        let runner = try await BackEnds.isolation(.microvm).start(RunnerLimits(BackEnds.quick(on: .microvm)))
        let main = "export default { async execute(request) { \(body) } };"
        let image = PluginImage(files: ["index.mjs": Array(main.utf8)], main: "index.mjs", seed: seed)
        let loaded = try await runner.load(image)
        #expect(loaded.outcome.value != nil, "\(loaded.outcome)")
        return runner
    }

    private func answer(_ body: String) async throws -> JSONValue? {
        let runner = try await runner(body)
        let result = try await runner.execute(action: "go", data: nil, handler: Answering())
        await runner.kill()
        return result.outcome.value
    }

    @Test func theGuestHasAKernelOfItsOwn() async throws {
        let isolation = try #require(try await BackEnds.isolation(.microvm) as? MicroVMIsolation)
        var host = utsname()
        uname(&host)
        let release = withUnsafeBytes(of: host.release) {
            String(decoding: $0.prefix { $0 != 0 }, as: UTF8.self)
        }
        #expect(!isolation.guestKernel.isEmpty)
        #expect(isolation.guestKernel != release)
        #expect(await isolation.report().mode?.contains(isolation.guestKernel) == true)
    }

    @Test func twoMachinesOfOneSnapshotDiffer() async throws {
        let body = """
            const bytes = crypto.getRandomValues(new Uint8Array(16));
            return [Array.from(bytes).join('-'), crypto.randomUUID(), Math.random()];
            """
        let (one, other) = (try await answer(body)?.arrayValue, try await answer(body)?.arrayValue)
        let (first, second) = (try #require(one), try #require(other))
        for index in 0..<3 { #expect(first[index] != second[index]) }
    }

    @Test func aRestoredMachineHasTheHostsTime() async throws {
        let before = Int64(Date().timeIntervalSince1970 * 1_000)
        let told = try #require(try await answer("return Date.now();")?.integerValue)
        let after = Int64(Date().timeIntervalSince1970 * 1_000)
        // A second each way for a clock that moves a little differently in an emulated machine.
        #expect(told >= before - 1_000 && told <= after + 1_000)
    }
}

/// The choice between the processor and software.
@Suite(.serialized) struct MicroVMAcceleration {
    private func runs(_ acceleration: Acceleration, deadlineMs: UInt64) throws -> Bool {
        let monitor = try #require(QEMUMachine.findMonitor())
        return KVMProbe.run(
            keeper: Products.path("veroforge-runner"), monitor: monitor,
            rom: try MachineFile(KVMProbe.program, name: "probe"), accelerator: acceleration,
            deadlineMs: deadlineMs)
    }

    @Test func theProbeRunsPrivilegedCodeToItsEnd() throws {
        #expect(try runs(.emulated, deadlineMs: 30_000))
    }

    @Test func theProbeGivesUpAtItsDeadline() throws {
        let began = Clock.monotonic()
        #expect(try runs(.emulated, deadlineMs: 1) == false)
        #expect(Clock.monotonic() - began < 5_000_000_000)
    }

    /// A device that opens is not enough: where it is chosen a whole guest has booted on it.
    @Test func theModeIsTheOneThatBooted() async throws {
        let isolation = try #require(try await BackEnds.isolation(.microvm) as? MicroVMIsolation)
        let hasDevice = access("/dev/kvm", R_OK | W_OK) == 0
        #expect(isolation.mode.contains(isolation.slowdown == 1 ? "KVM" : "software emulation"))
        if !hasDevice { #expect(isolation.slowdown > 1) }
    }
}
