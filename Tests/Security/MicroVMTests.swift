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

    /// The monitor itself is confined: nobody, without a capability, in namespaces and a root of its own.
    @Test func theMonitorHoldsNothing() async throws {
        let runner = try await runner("return 1;")
        let monitor = try #require(runner.processID)
        let status = try String(contentsOfFile: "/proc/\(monitor)/status", encoding: .utf8)
        func field(_ name: String) -> String? {
            status.split(separator: "\n").first { $0.hasPrefix(name + ":") }?
                .split(separator: "\t").dropFirst().first.map(String.init)
        }
        #expect(field("CapEff") == "0000000000000000")
        #expect(field("CapBnd") == "0000000000000000")
        #expect(field("NoNewPrivs") == "1")
        #expect(field("Seccomp") == "2")
        if getuid() == 0, try await BackEnds.isolation(.microvm).slowdown > 1 {
            #expect(field("Uid") == "65534")
        }
        for space in ["user", "pid", "net", "mnt", "ipc", "uts"] {
            let (own, its) = ("/proc/self/ns/\(space)", "/proc/\(monitor)/ns/\(space)")
            #expect(
                try FileManager.default.destinationOfSymbolicLink(atPath: own)
                    != FileManager.default.destinationOfSymbolicLink(atPath: its))
        }
        let root = try FileManager.default.contentsOfDirectory(atPath: "/proc/\(monitor)/root").sorted()
        #expect(
            Set(root).isSubset(of: ["bin", "dev", "etc", "lib", "lib32", "lib64", "proc", "sbin", "usr"]))
        await runner.kill()
    }

    /// What a host that dies does is let go of its descriptors; nothing else has to be done.
    @Test func theMachineEndsWithItsHost() throws {
        let monitor = try #require(QEMUMachine.findMonitor())
        let report = try Spawn.socketPair()
        let process = try Spawn.start(
            Products.path("veroforge-runner"),
            ["--machine", "emulated", "2", monitor, "-M", "isapc", "-S", "-display", "none", "-nodefaults"],
            descriptors: [report.theirs, report.theirs, report.theirs])
        close(report.theirs)
        usleep(300_000)
        let tree = ProcessTree.members(of: [process])
        #expect(tree.count == 2)
        close(report.ours)
        var status: Int32 = 0
        let began = Clock.monotonic()
        while waitpid(process, &status, WNOHANG) == 0, Clock.monotonic() - began < 5_000_000_000 {
            usleep(5_000)
        }
        #expect(status == (128 + SIGKILL) << 8)
        #expect(Leftovers.alive(tree) == [])
    }

    @Test func aKilledMachineLeavesNoFile() async throws {
        let before = try FileManager.default.contentsOfDirectory(atPath: BackEnds.machineFolder.get())
            .sorted()
        let runner = try await runner("for (;;);")
        async let call = runner.execute(action: "go", data: nil, handler: Answering())
        try await Task.sleep(nanoseconds: 50_000_000)
        await runner.kill()
        _ = try await call
        let after = try FileManager.default.contentsOfDirectory(atPath: BackEnds.machineFolder.get()).sorted()
        #expect(before == after || before.isEmpty)
        #expect(after.allSatisfy { $0.hasPrefix("snapshot-") })
    }

    @Test func aRestoredMachineHasTheHostsTime() async throws {
        let before = Int64(Date().timeIntervalSince1970 * 1_000)
        let told = try #require(try await answer("return Date.now();")?.integerValue)
        let after = Int64(Date().timeIntervalSince1970 * 1_000)
        // A second each way for a clock that moves a little differently in an emulated machine.
        #expect(told >= before - 1_000 && told <= after + 1_000)
    }
}

/// The native program in the runner's place, in a virtual machine: confined there as on a host, by the guest's kernel.
@Suite(.serialized) struct MicroVMAttacks {
    private static func attack(_ name: String, list: String? = nil, limits: Limits? = nil) async throws
        -> ExecutionResult
    {
        try await HostileProgram.attack(
            name, on: .microvm, list: list, limits: limits ?? BackEnds.quick(on: .microvm))
    }

    static let representatives = [
        "ptrace", "socket", "bpf", "io_uring_setup", "mount", "fork", "execve", "open",
    ]

    /// Unlike under gVisor, the call's name reaches the host: the guest's supervisor tells it.
    @Test(arguments: Rounds.isFull ? HostileProgram.attempts : representatives)
    func aRefusedCallEndsTheMachineByName(name: String) async throws {
        let result = try await Self.attack(name)
        if let error = NativeAttacks.answered[name] {
            #expect(result.outcome.value?["errno"]?.integerValue == error, "\(name): \(result.outcome)")
        } else {
            #expect(result.outcome.limit == Reading.limit(ofSyscall: name), "\(name): \(result.outcome)")
            #expect(result.detail == name)
        }
    }

    static let fenced = [
        "fork", "unshare", "open", "mount", "finit_module", "reboot", "clock_settime", "connect",
    ]

    @Test(arguments: Rounds.isFull ? NativeAttacks.fenced : fenced)
    func theGuestsOtherFencesHoldWithAnOpenList(name: String) async throws {
        let result = try await Self.attack(name, list: try NativeAttacks.openList.get())
        #expect(result.outcome.value?["result"] == -1, "\(name): \(result.outcome) \(result.detail ?? "")")
    }

    @Test func memoryIsBoundedByTheMachinesSize() async throws {
        let result = try await Self.attack("memory")
        // Either the guest's kernel has no more to give, or it ends the program for it.
        if let mebibytes = result.outcome.value?["result"]?.integerValue {
            #expect(mebibytes < 64 + 80)
        } else {
            #expect(result.outcome.limit == .memory, "\(result.outcome) \(result.detail ?? "")")
        }
    }

    @Test(arguments: [("spin", LimitName.cpu), ("sleep", .wall)])
    func aRunawayIsEndedFromOutsideTheMachine(name: String, limit: LimitName) async throws {
        let result = try await Self.attack(name, limits: BackEnds.short)
        #expect(result.outcome.limit == limit, "\(result.outcome)")
    }

    @Test(arguments: ["garbage", "wrong-id", "segfault", "forged-report"])
    func aRunnerThatIsNotOursAnyMoreIsEnded(name: String) async throws {
        let result = try await Self.attack(name)
        let expected = name == "segfault" || name == "forged-report" ? "crashed" : "protocol"
        #expect(result.outcome.failure?.code == expected, "\(name): \(result.outcome)")
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
