import Foundation
import Marketplace
import Synchronization
import TestSupport

@testable import Sandbox

/// The back ends that the suites run on, each started the way the product starts it.
enum BackEnds {
    static let all: [BackEnd] = [.native, .gvisor, .microvm]

    static let list = Products.file("rules/seccomp/runner.list")

    static func isolation(_ backEnd: BackEnd, program: String? = nil, list: String? = nil) async throws
        -> any Isolation
    {
        let executable = program ?? Products.path("veroforge-runner")
        switch backEnd {
        case .native: return try NativeIsolation(executable: executable, seccompList: list ?? self.list)
        case .gvisor: return try await shared.gvisor(executable, list ?? self.list)
        case .microvm: return try await shared.microvm(executable, list ?? self.list)
        }
    }

    private static let shared = Shared()
    private static let folders = Mutex<Set<String>>([])
    /// Where the sandboxes of these tests have their entries while they run.
    static var stateFolders: [String] { folders.withLock { $0.sorted() } }

    /// Where this run keeps its snapshots.
    static let machineFolder: Result<String, any Error> = Result { try Scratch.folder("microvm") }

    /// Laying out a container and trying the platforms takes seconds: once per program.
    private actor Shared {
        private var made: [String: Task<GVisorIsolation, any Error>] = [:]
        private var machines: [String: Task<MicroVMIsolation, any Error>] = [:]

        func gvisor(_ executable: String, _ list: String) async throws -> GVisorIsolation {
            if let present = made[executable] { return try await present.value }
            let task = Task {
                let made = try await GVisorIsolation.prepare(
                    executable: executable, seccompList: list, folder: try Scratch.folder("gvisor"))
                folders.withLock { _ = $0.insert(made.stateFolder) }
                return made
            }
            made[executable] = task
            return try await task.value
        }

        func microvm(_ executable: String, _ list: String) async throws -> MicroVMIsolation {
            if let present = machines[executable + list] { return try await present.value }
            let task = Task {
                try await MicroVMIsolation.prepare(
                    executable: executable, seccompList: list,
                    kernelFolder: Products.file(".deps/microvm"), folder: try BackEnds.machineFolder.get())
            }
            machines[executable + list] = task
            return try await task.value
        }
    }

    /// The limits of the suites on a back end: processor time counts more where a processor is emulated.
    static func quick(on backEnd: BackEnd) -> Limits {
        var limits = quick
        if backEnd == .microvm { limits.cpuMs *= 16 }
        return limits
    }

    /// The same for what waits instead of computing.
    static let short: Limits = {
        var limits = quick
        limits.wallMs = 1_500
        return limits
    }()

    static func short(on backEnd: BackEnd) -> Limits {
        var limits = short
        if backEnd == .microvm {
            limits.cpuMs *= 16
            limits.wallMs *= 4
        }
        return limits
    }

    /// Processor time is the limit of these; the wall time leaves room for a busy test machine.
    static let quick = Limits(
        cpuMs: 300, wallMs: 60_000, memoryMiB: 32, tempMiB: 1, storageMiB: 1, apiCalls: 10,
        egressBytes: 10_000,
        egressBytesPerSecond: 1_000_000)
}

/// Folders of this test run.
enum Scratch {
    static func folder(_ name: String) throws -> String {
        let path =
            NSTemporaryDirectory() + "veroforge-security-\(getpid())-\(name)-\(UInt32.random(in: 0 ... .max))"
        try FileManager.default.createDirectory(atPath: path, withIntermediateDirectories: true)
        return path
    }
}

/// The native program in the runner's place, compiled once per run from the corpus and `CSandbox` itself.
enum HostileProgram {
    static let path: Result<String, any Error> = Result { try build("attacks") }
    /// The same for a guest whose ports are sockets; see its source.
    static let bridged: Result<String, any Error> = Result { try build("bridged", ["bridge.c"]) }

    private static func build(_ name: String, _ more: [String] = []) throws -> String {
        let out = try Scratch.folder("native") + "/\(name)"
        let sandbox = Products.file("Sources/CSandbox")
        let sources = try FileManager.default.contentsOfDirectory(atPath: sandbox).sorted()
            .filter { $0.hasSuffix(".c") }.map { "\(sandbox)/\($0)" }
        _ = try run(
            "/usr/bin/cc",
            ["-O1", "-w", "-static", "-I\(sandbox)/include", "-I\(sandbox)"]
                + (["attacks.c"] + more).map { Products.file("Tests/Security/plugins/native/\($0)") }
                + sources + ["-lseccomp", "-o", out])
        return out
    }

    /// The names of the direct system calls that it tries.
    static let attempts: [String] = {
        guard let path = try? path.get(), let text = try? run(path, ["list"]) else { return [] }
        return text.split(separator: "\n").map(String.init)
    }()

    static func run(_ program: String, _ arguments: [String]) throws -> String {
        let process = Process()
        process.executableURL = URL(fileURLWithPath: program)
        process.arguments = arguments
        let pipe = Pipe()
        process.standardOutput = pipe
        try process.run()
        let data = pipe.fileHandleForReading.readDataToEndOfFile()
        process.waitUntilExit()
        guard process.terminationStatus == 0 else {
            throw SandboxError(.startFailed, program, cause: "code \(process.terminationStatus)")
        }
        return String(decoding: data, as: UTF8.self)
    }

    /// Starts it as a runner, and lets it do one thing.
    static func attack(
        _ name: String, on backEnd: BackEnd, list: String? = nil, limits: Limits = BackEnds.quick
    ) async throws -> ExecutionResult {
        let isolation = try await BackEnds.isolation(backEnd, program: try path.get(), list: list)
        let runner = try await isolation.start(RunnerLimits(limits, outputBytes: 100_000))
        _ = try await runner.load(PluginImage(files: [:], main: "none"))
        let result = try await runner.execute(action: "go", data: .string(name), handler: Answering())
        await runner.kill()
        return result
    }
}

struct Answering: OperationHandler {
    func perform(_ request: OperationRequest) async -> OperationOutcome {
        switch request.name {
        case "readData": .success([1])
        case "fetch": .success(["status": 200, "headers": [:], "body": ""])
        default: .success(.null)
        }
    }
}

extension ExecutionOutcome {
    var value: JSONValue? { if case .success(let value) = self { value } else { nil } }
    var failure: PluginFailure? { if case .failure(let failure) = self { failure } else { nil } }
    var limit: LimitName? { if case .ended(let limit) = self { limit } else { nil } }
}
