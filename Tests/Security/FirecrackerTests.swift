import Foundation
import Marketplace
import TestSupport
import Testing

@testable import Sandbox

/// The driver of Firecracker, which itself cannot run where these tests do: every request is taken by a stand-in that
/// refuses what its published description does not have, and a plugin is called through the whole driver.
@Suite(.serialized) struct FirecrackerDriver {
    /// The stand-ins as programs without a file beside them: a monitor's own root has the system's programs only.
    static let programs: Result<FirecrackerPrograms, any Error> = Result {
        let folder = try Scratch.folder("firecracker")
        chmod(folder, 0o755)
        func make(_ name: String) throws -> String {
            let script = try String(
                contentsOfFile: Products.file("Tests/Security/\(name).py"), encoding: .utf8)
            let literal = script.utf8.map { "\($0)" }.joined(separator: ",")
            let source = """
                #include <unistd.h>
                static char script[] = {\(literal), 0};
                int main(int count, char **given) {
                    char *words[64] = {"/usr/bin/python3", "-I", "-c", script}, *none[] = {0};
                    for (int i = 1; i < count && i < 59; i++) words[3 + i] = given[i];
                    return execve(words[0], words, none);
                }
                """
            try source.write(toFile: "\(folder)/\(name).c", atomically: true, encoding: .utf8)
            _ = try HostileProgram.run(
                "/usr/bin/cc", ["-static", "-w", "\(folder)/\(name).c", "-o", "\(folder)/\(name)"])
            return "\(folder)/\(name)"
        }
        return FirecrackerPrograms(firecracker: try make("firecracker"), jailer: try make("jailer"))
    }

    /// A kernel's folder with what the stand-in looks at.
    static let kernel: Result<GuestKernel, any Error> = Result {
        let folder = try Scratch.folder("kernel")
        try Data([0x7f, 0x45, 0x4c, 0x46, 0, 0, 0, 0]).write(to: URL(fileURLWithPath: "\(folder)/vmlinuz"))
        try Data("6.1.0-stand-in\n".utf8).write(to: URL(fileURLWithPath: "\(folder)/release"))
        for name in GuestPorts.sockets.modules {
            try Data(name.utf8).write(to: URL(fileURLWithPath: "\(folder)/\(name).ko"))
        }
        return try GuestKernel(folder: folder)
    }

    private static func monitor(jailed: Bool, folder: String, program: String? = nil) throws
        -> FirecrackerMonitor
    {
        let programs = try programs.get()
        var monitor = FirecrackerMonitor(
            image: GuestImage(
                kernel: try kernel.get(), executable: program ?? Products.path("veroforge-runner")),
            list: try Spawn.read(BackEnds.list),
            programs: FirecrackerPrograms(
                firecracker: programs.firecracker, jailer: jailed ? programs.jailer : nil),
            folder: folder)
        // The stand-in puts the runner's program into memory, which counts as a file; a machine is mapped.
        monitor.fileBytes = 64 << 20
        return monitor
    }

    private struct Prepared {
        let isolation: MicroVMIsolation
        let folder: String
    }

    private static func prepare(jailed: Bool, program: String? = nil) async throws -> Prepared {
        let folder = try Scratch.folder("machines")
        let isolation = try await MicroVMIsolation(
            monitor(jailed: jailed, folder: folder, program: program), [])
        return Prepared(isolation: isolation, folder: folder)
    }

    /// Under the jailer only root can start it.
    static let ways = getuid() == 0 ? [false, true] : [false]

    @Test(arguments: ways) func aPluginIsCalledThroughTheWholeDriver(jailed: Bool) async throws {
        let prepared = try await Self.prepare(jailed: jailed)
        #expect(
            prepared.isolation.mode.hasPrefix(
                jailed ? "Firecracker under its jailer, KVM" : "Firecracker, KVM"))
        #expect(prepared.isolation.guestKernel == "6.1.0-stand-in")
        let runner = try await prepared.isolation.start(RunnerLimits(BackEnds.quick, outputBytes: 100_000))
        let main = "export default { async execute(request) { return request.data + 1; } };"
        _ = try await runner.load(PluginImage(files: ["index.mjs": Array(main.utf8)], main: "index.mjs"))
        let result = try await runner.execute(action: "go", data: 41, handler: Answering())
        #expect(result.outcome == .success(42))
        let tree = ProcessTree.members(of: [runner.hostProcess])
        await runner.kill()
        #expect(await Leftovers.settled(tree) == [])
        try Self.expectOnlySnapshots(in: prepared.folder)
    }

    private static func expectOnlySnapshots(in folder: String) throws {
        let left = try FileManager.default.contentsOfDirectory(atPath: folder)
        #expect(left.count == 3 * MachineSize.all.count)
        #expect(left.allSatisfy { $0.hasPrefix("snapshot-firecracker-") }, "\(left)")
    }

    @Test(arguments: ways) func aRunawayIsEndedByItsLimit(jailed: Bool) async throws {
        let prepared = try await Self.prepare(jailed: jailed)
        for (body, limit) in [
            ("for (;;);", LimitName.cpu), ("await new Promise((go) => setTimeout(go, 60000));", .wall),
            ("return 'x'.repeat(200000);", .output),
        ] {
            let limits = limit == .wall ? BackEnds.short : BackEnds.quick
            let runner = try await prepared.isolation.start(RunnerLimits(limits, outputBytes: 100_000))
            let main = "export default { async execute(request) { \(body) } };"
            _ = try await runner.load(PluginImage(files: ["index.mjs": Array(main.utf8)], main: "index.mjs"))
            let tree = ProcessTree.members(of: [runner.hostProcess])
            let result = try await runner.execute(action: "go", data: nil, handler: Answering())
            #expect(result.outcome.limit == limit, "\(result.outcome)")
            #expect(await Leftovers.settled(tree) == [])
        }
        try Self.expectOnlySnapshots(in: prepared.folder)
    }

    /// What the guest's own report and its keeper's word say of the end is what the caller is told.
    @Test(arguments: ways) func theEndInsideTheGuestIsToldByName(jailed: Bool) async throws {
        let prepared = try await Self.prepare(jailed: jailed, program: try HostileProgram.path.get())
        for (attack, limit) in [("ptrace", LimitName.syscall), ("fork", .processes), ("segfault", nil)] {
            let runner = try await prepared.isolation.start(RunnerLimits(BackEnds.quick))
            _ = try await runner.load(PluginImage(files: [:], main: "none"))
            let result = try await runner.execute(action: "go", data: .string(attack), handler: Answering())
            await runner.kill()
            #expect(result.outcome.limit == limit, "\(attack): \(result.outcome)")
            if limit != nil {
                #expect(result.detail == attack)
            } else {
                #expect(result.outcome.failure?.code == "crashed", "\(result.outcome)")
            }
        }
    }

    /// What was asked, in order and whole: the record that the stand-in keeps with the machine.
    @Test func theRequestsAreThoseOfThePublishedDescription() async throws {
        let folder = try Scratch.folder("machines")
        let monitor = try Self.monitor(jailed: false, folder: folder)
        let snapshot = try await OwnThread.run { Result { try monitor.boot(memoryMiB: 144) } }.get()
        let state = try JSONValue.parse(
            Array(Data(contentsOf: URL(fileURLWithPath: snapshot.path + ".state"))))
        let expected: JSONValue = [
            ["PUT", "/machine-config", ["vcpu_count": 1, "mem_size_mib": 144, "smt": false]],
            [
                "PUT", "/boot-source",
                [
                    "kernel_image_path": "kernel", "initrd_path": "root",
                    "boot_args": .string(FirecrackerMonitor.kernelLine),
                ],
            ],
            ["PUT", "/vsock", ["guest_cid": 3, "uds_path": "ports"]],
            ["PUT", "/actions", ["action_type": "InstanceStart"]],
            ["PATCH", "/vm", ["state": "Paused"]],
            [
                "PUT", "/snapshot/create",
                ["snapshot_type": "Full", "snapshot_path": "state", "mem_file_path": "memory"],
            ],
        ]
        #expect(state["asked"] == expected)
        #expect(snapshot.release == "6.1.0-stand-in")
        // What is kept is found again, and can be read by its owner's monitors only through their own folder.
        #expect(monitor.kept(memoryMiB: 144)?.path == snapshot.path)
        #expect(monitor.kept(memoryMiB: 208) == nil)
        let running = try await OwnThread.run { Result { try monitor.restore(snapshot) } }.get()
        running.end()
        monitor.forget(memoryMiB: 144)
        #expect(try FileManager.default.contentsOfDirectory(atPath: folder) == [])
    }

    /// The stand-in itself: what the description does not have is refused, and the driver passes the words on.
    static let refusals: [(request: FirecrackerRequest, why: String)] = [
        (
            FirecrackerRequest(method: .put, path: "/machines", body: [:]),
            "Invalid request method and/or path"
        ),
        (FirecrackerRequest(method: .patch, path: "/vsock", body: [:]), "Invalid request method and/or path"),
        (
            FirecrackerRequest(method: .put, path: "/vsock", body: ["guest_cid": 3]),
            "missing field `uds_path`"
        ),
        (
            FirecrackerRequest(method: .put, path: "/vsock", body: ["guest_cid": 2, "uds_path": "p"]),
            "invalid value for `guest_cid`"
        ),
        (
            FirecrackerRequest(
                method: .put, path: "/machine-config", body: ["vcpu_count": "1", "mem_size_mib": 9]),
            "invalid type for `vcpu_count`"
        ),
        (
            FirecrackerRequest(
                method: .put, path: "/machine-config",
                body: ["vcpu_count": 1, "mem_size_mib": 9, "memory": 9]),
            "unknown field `memory`"
        ),
        (
            FirecrackerRequest(method: .put, path: "/actions", body: ["action_type": "InstanceStart"]),
            "without kernel"
        ),
        (
            FirecrackerRequest(method: .patch, path: "/vm", body: ["state": "Paused"]),
            "before starting the microVM"
        ),
        (
            FirecrackerRequest(
                method: .put, path: "/snapshot/create", body: ["mem_file_path": "m", "snapshot_path": "s"]),
            "not supported in state new"
        ),
        (
            FirecrackerRequest(method: .put, path: "/snapshot/load", body: ["snapshot_path": "s"]),
            "exactly one of `mem_backend`"
        ),
    ]

    @Test(arguments: refusals) func whatTheDescriptionDoesNotHaveIsRefusedInItsWords(
        refusal: (request: FirecrackerRequest, why: String)
    ) async throws {
        let place = try FirecrackerPlace(
            Self.monitor(jailed: false, folder: Scratch.folder("machines")), files: 0)
        defer { place.remove() }
        let process = try place.launch(keeper: Products.path("veroforge-runner"))
        defer { process.end() }
        let deadline = Clock.monotonic() + 20_000_000_000
        #expect(try process.sockets.ask(.version, deadline: deadline)["firecracker_version"] == "1.7.0")
        do {
            try process.sockets.ask(refusal.request, deadline: deadline)
            Issue.record("\(refusal.request) was taken")
        } catch {
            #expect(error.cause?.contains(refusal.why) == true, "\(error)")
        }
    }

    @Test func aProgramThatEndsAtOnceIsNotWaitedFor() async throws {
        let programs = FirecrackerPrograms(firecracker: "/bin/false", jailer: nil)
        let monitor = FirecrackerMonitor(
            image: GuestImage(kernel: try Self.kernel.get(), executable: Products.path("veroforge-runner")),
            list: [], programs: programs, folder: try Scratch.folder("machines"))
        let began = Clock.monotonic()
        let result: Result<FirecrackerSnapshot, SandboxError> = await OwnThread.run {
            Result { () throws(SandboxError) in try monitor.boot(memoryMiB: 144) }
        }
        #expect(throws: SandboxError.self) { try result.get() }
        #expect(Clock.monotonic() - began < 5_000_000_000)
    }

    /// One that is on the path and boots nothing is passed over by name: the report says so.
    @Test func onePassedOverIsNamed() async throws {
        let isolation = try await MicroVMIsolation.prepare(
            executable: Products.path("veroforge-runner"), seccompList: BackEnds.list,
            kernelFolder: Products.file(".deps/microvm"), folder: try BackEnds.machineFolder.get(),
            firecracker: "/bin/false")
        #expect(isolation.mode.hasPrefix("QEMU microvm"))
        let report = await isolation.report()
        #expect(report.works)
        let said = report.enforcement.first { $0.hasPrefix("passed over: Firecracker: ") }
        #expect(said?.hasSuffix("is not on the path") == false, "\(report.enforcement)")
    }

    @Test func answersAreReadAsTheyCome() throws {
        let whole = Array(
            "HTTP/1.1 400 Bad Request\r\nContent-Length: 21\r\n\r\n{\"fault_message\":\"x\"}".utf8)
        for count in 0..<whole.count { #expect(try FirecrackerAnswer.read(Array(whole[..<count])) == nil) }
        #expect(try FirecrackerAnswer.read(whole)?.body["fault_message"] == "x")
        #expect(try FirecrackerAnswer.read(Array("HTTP/1.1 204 No Content\r\n\r\n".utf8))?.status == 204)
        for broken in [
            "SSH-2.0\r\n\r\n", "HTTP/1.1 9999 x\r\n\r\n", "HTTP/1.1 200 OK\r\nContent-Length: -1\r\n\r\n",
            "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\n{]", "HTTP/1.1 200 OK\r\nno colon\r\n\r\n",
        ] {
            #expect(throws: SandboxError.self, "\(broken)") { try FirecrackerAnswer.read(Array(broken.utf8)) }
        }
    }
}

/// The guest's half of the same: its ports are sockets, on a real kernel, which a process of the guest's connects to the
/// serial ports of QEMU.
@Suite(.serialized) struct GuestOnSockets {
    private static let shared = Shared()

    private actor Shared {
        private var made: MicroVMIsolation?

        func isolation() async throws -> MicroVMIsolation {
            if let made { return made }
            let ports = GuestPorts(
                modules: GuestPorts.serial.modules + GuestPorts.sockets.modules.dropFirst(3)
                    + ["vsock_loopback"], words: GuestPorts.sockets.words)
            let image = GuestImage(
                kernel: try GuestKernel(folder: Products.file(".deps/microvm")), ports: ports,
                executable: try HostileProgram.bridged.get())
            let isolation = try await MicroVMIsolation(
                QEMUMonitor(
                    image: image, list: try Spawn.read(BackEnds.list),
                    path: try #require(QEMUMachine.findMonitor()), acceleration: .emulated,
                    folder: try Scratch.folder("sockets")), [])
            made = isolation
            return isolation
        }
    }

    private static let ends: [(attack: String, limit: LimitName?, code: String?)] = [
        ("ptrace", .syscall, nil), ("fork", .processes, nil), ("openat2", .files, nil), ("spin", .cpu, nil),
        ("sleep", .wall, nil), ("segfault", nil, "crashed"), ("garbage", nil, "protocol"),
        ("log-flood", .output, nil), ("request-flood", .apiCalls, nil),
    ]

    /// What comes from the runner arrives, and how it ended is told, as over serial ports.
    @Test(arguments: ends) func endsAsOnSerialPorts(end: (attack: String, limit: LimitName?, code: String?))
        async throws
    {
        let limits = end.limit == .wall ? BackEnds.short : BackEnds.quick(on: .microvm)
        let runner = try await Self.shared.isolation().start(RunnerLimits(limits, outputBytes: 100_000))
        _ = try await runner.load(PluginImage(files: [:], main: "none"))
        let result = try await runner.execute(
            action: "go", data: .string(end.attack), handler: Answering())
        await runner.kill()
        #expect(result.outcome.limit == end.limit, "\(end.attack): \(result.outcome)")
        #expect(result.outcome.failure?.code == end.code, "\(end.attack): \(result.outcome)")
        if end.limit == .syscall || end.limit == .processes { #expect(result.detail == end.attack) }
    }

    /// The sockets' family reaches no further than the runner's list lets it: there is no call to make one.
    @Test func theRunnerItselfMakesNoSocket() async throws {
        let runner = try await Self.shared.isolation().start(RunnerLimits(BackEnds.quick(on: .microvm)))
        _ = try await runner.load(PluginImage(files: [:], main: "none"))
        let result = try await runner.execute(action: "go", data: "descriptors", handler: Answering())
        #expect(result.outcome.value?["result"] == 0, "\(result.outcome)")
        let refused = try await runner.execute(action: "go", data: "socket", handler: Answering())
        #expect(refused.outcome.limit == .syscall)
        await runner.kill()
    }
}
