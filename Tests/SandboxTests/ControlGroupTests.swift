import Foundation
import Marketplace
import TestSupport
import Testing

@testable import Sandbox

/// Control groups: found where they are, joined by the runner, and done without where none can be made.
@Suite(.serialized) struct ControlGroupContract {
    @Test func versionOneHierarchiesAreFoundThroughTheirMounts() {
        let mounts = """
            30 20 0:26 / /sys/fs/cgroup ro - tmpfs tmpfs ro
            31 30 0:27 / /groups/memory rw,relatime shared:9 - cgroup cgroup rw,memory
            32 30 0:28 /inner /groups/cpu rw - cgroup cgroup rw,cpu,cpuacct
            33 30 0:29 / /groups/systemd rw - cgroup cgroup rw,xattr,name=systemd
            """
        let membership = "4:memory:/\n2:cpu,cpuacct:/inner\n9:name=systemd:/\n0::/\n"
        let groups = ControlGroups(mounts: Array(mounts.utf8), membership: Array(membership.utf8))
        #expect(
            groups.kind
                == .version1(["memory": "/groups/memory", "cpu": "/groups/cpu", "cpuacct": "/groups/cpu"]))
        #expect(groups.words == "control groups (version 1: cpu, memory)")
    }

    @Test func versionTwoIsTakenWhereItHasTheMemoryController() throws {
        let folder = NSTemporaryDirectory() + "veroforge-groups-\(UUID().uuidString)"
        try FileManager.default.createDirectory(atPath: folder, withIntermediateDirectories: true)
        defer { try? FileManager.default.removeItem(atPath: folder) }
        let controllers = "cpuset cpu io memory pids\n"
        try controllers.write(toFile: "\(folder)/cgroup.controllers", atomically: true, encoding: .utf8)
        let mounts = "31 30 0:27 / \(folder) rw - cgroup2 cgroup2 rw\n"
        let groups = ControlGroups(mounts: Array(mounts.utf8), membership: Array("0::/\n".utf8))
        #expect(groups.kind == .version2(folder: folder, controllers: ["cpu", "memory", "pids"]))
    }

    /// What is written and read, on files of those names: the controllers themselves are the kernel's to test.
    @Test func versionTwosFilesAreWrittenAndReadAsTheKernelHasThem() throws {
        let folder = NSTemporaryDirectory() + "veroforge-groups-\(UUID().uuidString)"
        try FileManager.default.createDirectory(atPath: folder, withIntermediateDirectories: true)
        defer { try? FileManager.default.removeItem(atPath: folder) }
        func text(_ name: String) throws -> String {
            try String(contentsOfFile: "\(folder)/\(name)", encoding: .utf8)
        }
        for (name, content) in [
            ("memory.max", ""), ("memory.swap.max", ""), ("cpu.max", ""), ("pids.max", ""),
            ("memory.events", "low 0\noom 1\noom_kill 0\n"), ("pids.events", "max 0\n"),
            ("cpu.stat", "usage_usec 1500\nuser_usec 1000\n"),
        ] { try content.write(toFile: "\(folder)/\(name)", atomically: false, encoding: .utf8) }
        let group = ControlGroup(version2: folder, controllers: ["cpu", "memory", "pids"])
        #expect(group.hold(to: GroupBounds(memoryBytes: 64 << 20, processes: 1, processorPercent: 110)))
        #expect(try text("memory.max") == "67108864")
        #expect(try text("memory.swap.max") == "0")
        #expect(try text("cpu.max") == "110000 100000")
        #expect(try text("pids.max") == "1")
        #expect(group.processorTime == 1_500_000)
        #expect(group.ending == nil)
        try "max 3\n".write(toFile: "\(folder)/pids.events", atomically: false, encoding: .utf8)
        #expect(group.ending == .processes)
        try "oom 1\noom_kill 1\n".write(toFile: "\(folder)/memory.events", atomically: false, encoding: .utf8)
        #expect(group.ending == .memory)
        // Without the controller of memory there is no bound to hold, and the group is not taken for one.
        try FileManager.default.removeItem(atPath: "\(folder)/memory.max")
        #expect(!group.hold(to: GroupBounds(memoryBytes: 1 << 20, processes: 1)))
    }

    @Test func withoutAControllerThatIsSaid() {
        let groups = ControlGroups(mounts: [], membership: [])
        #expect(groups.make(GroupBounds(memoryBytes: 1, processes: 1)) == nil)
        #expect(groups.words.hasPrefix("no control groups ("))
    }

    private func runner(_ groups: ControlGroups) async throws -> PluginRunner {
        let isolation = try NativeIsolation(
            executable: Products.path("veroforge-runner"),
            seccompList: Products.file("rules/seccomp/runner.list"), groups: groups)
        return try await isolation.start(RunnerLimits(Fixture.quick))
    }

    private func membership(_ process: Int32?) throws -> String {
        try String(contentsOfFile: "/proc/\(#require(process))/cgroup", encoding: .utf8)
    }

    @Test func aRunnerJoinsItsGroupAndTheGroupGoesWithIt() async throws {
        let groups = ControlGroups.own
        let runner = try await runner(groups)
        // As an ordinary user there is none, and the report says so.
        guard groups.isUsable else {
            #expect(groups.words.hasPrefix("no control groups ("))
            return await runner.kill()
        }
        let mine = "/veroforge-\(getpid())-"
        #expect(try membership(runner.processID).contains(mine))
        #expect(try !membership(runner.hostProcess).contains(mine))
        await runner.kill()
    }

    /// Where the version 2 hierarchy is mounted.
    private static func unified() throws -> String? {
        for line in String(decoding: try Spawn.read("/proc/self/mounts"), as: UTF8.self).split(
            separator: "\n")
        {
            let words = line.split(separator: " ")
            if words.count > 2, words[2] == "cgroup2" { return String(words[1]) }
        }
        return nil
    }

    /// Version 2 as this machine has it, with or without controllers: the process is born in its group.
    @Test func aRunnerIsBornInAVersionTwoGroup() async throws {
        guard let unified = try Self.unified(), access(unified, W_OK) == 0 else { return }
        let runner = try await runner(ControlGroups(kind: .version2(folder: unified, controllers: [])))
        #expect(try membership(runner.processID).contains("0::/veroforge-\(getpid())-"))
        let names = try FileManager.default.contentsOfDirectory(atPath: unified)
        let folder = try #require(names.first { $0.hasPrefix("veroforge-\(getpid())-") })
        await runner.kill()
        for _ in 0..<100 where FileManager.default.fileExists(atPath: "\(unified)/\(folder)") {
            try await Task.sleep(nanoseconds: 20_000_000)
        }
        #expect(!FileManager.default.fileExists(atPath: "\(unified)/\(folder)"))
    }

    @Test func withoutGroupsTheOtherBoundsHold() async throws {
        let isolation = try NativeIsolation(
            executable: Products.path("veroforge-runner"),
            seccompList: Products.file("rules/seccomp/runner.list"),
            groups: ControlGroups(kind: .none("a test")))
        let report = await isolation.report()
        #expect(report.works)
        #expect(report.enforcement.contains("no control groups (a test)"))
        let body = "const a = []; for (;;) a.push(new Array(1000).fill(7));"
        let result = try await Fixture.run(Fixture.image(body), isolation: isolation)
        #expect(result.outcome.limit == .memory)
    }
}
