import Foundation
import Marketplace
import TestSupport
import Testing

@testable import Sandbox

/// What every back end must do, the same suite for each.
@Suite(.serialized) struct IsolationConformance {
    private func runner(_ backEnd: BackEnd, _ body: String, limits: Limits? = nil) async throws
        -> PluginRunner
    {
        let limits = RunnerLimits(limits ?? BackEnds.quick(on: backEnd), outputBytes: 100_000)
        let runner = try await BackEnds.isolation(backEnd).start(limits)
        let main = """
            export default { async initialize(context) { this.context = context; },
              async execute(request) { const context = this.context; \(body) } };
            """
        let image = PluginImage(files: ["index.mjs": Array(main.utf8)], main: "index.mjs", config: ["a": 1])
        let loaded = try await runner.load(image)
        #expect(loaded.outcome.value != nil, "\(loaded.outcome)")
        _ = try await runner.initialize(Answering())
        return runner
    }

    @Test(arguments: BackEnds.all) func aPluginIsLoadedCalledAndCleanedUp(backEnd: BackEnd) async throws {
        let runner = try await runner(
            backEnd, "return { a: context.config.a, d: await context.api.readData('orders', []) };")
        #expect(runner.backEnd == backEnd)
        #expect(runner.engine.hasPrefix("quickjs-ng"))
        let result = try await runner.execute(action: "go", data: nil, handler: Answering())
        #expect(result.outcome == .success(["a": 1, "d": [1]]))
        #expect(try await runner.cleanup(Answering()).outcome == .success(.null))
    }

    static let limits: [(backEnd: BackEnd, body: String, limit: LimitName)] = BackEnds.all.flatMap {
        backEnd in
        [
            (backEnd, "for (;;);", LimitName.cpu),
            (backEnd, "await new Promise((resolve) => setTimeout(resolve, 60000));", .wall),
            (backEnd, "const a = []; for (;;) a.push(new Array(10000).fill(1));", .memory),
            (backEnd, "await context.temp.write('a', new Uint8Array(2 << 20));", .temp),
            (backEnd, "for (;;) await context.storage.get('k');", .apiCalls),
            (
                backEnd,
                "await context.fetch('https://a.example/', { method: 'POST', body: 'x'.repeat(20000) });",
                .egress
            ),
            (backEnd, "return 'x'.repeat(200000);", .output),
        ]
    }

    @Test(arguments: limits) func everyLimitHasItsName(
        limit: (backEnd: BackEnd, body: String, limit: LimitName)
    ) async throws {
        let limits =
            limit.limit == .wall ? BackEnds.short(on: limit.backEnd) : BackEnds.quick(on: limit.backEnd)
        let runner = try await runner(limit.backEnd, limit.body, limits: limits)
        let tree = ProcessTree.members(of: [runner.hostProcess])
        let result = try await runner.execute(action: "go", data: nil, handler: Answering())
        #expect(result.outcome.limit == limit.limit, "\(result.outcome)")
        #expect(await runner.isAlive == false)
        #expect(await Leftovers.settled(tree) == [])
    }

    @Test(arguments: BackEnds.all) func anErrorIsTheSameEverywhere(backEnd: BackEnd) async throws {
        let runner = try await runner(backEnd, "throw new TypeError('bad');")
        let failure = try await runner.execute(action: "go", data: nil, handler: Answering()).outcome.failure
        #expect(failure?.name == "TypeError")
        #expect(failure?.file == "index.mjs")
        await runner.kill()
    }

    @Test(arguments: BackEnds.all) func nothingIsLeftBehindAfterAKill(backEnd: BackEnd) async throws {
        let runner = try await runner(backEnd, "for (;;);")
        let tree = ProcessTree.members(of: [runner.hostProcess])
        #expect(tree.count >= 2)
        async let call = runner.execute(action: "go", data: nil, handler: Answering())
        try await Task.sleep(nanoseconds: 50_000_000)
        await runner.kill()
        _ = try await call
        #expect(await Leftovers.settled(tree) == [])
    }

    @Test(arguments: BackEnds.all) func theDoctorFindsItWorking(backEnd: BackEnd) async throws {
        let report = try await BackEnds.isolation(backEnd).report()
        #expect(report.works, "\(report.problems)")
        #expect(report.backEnd == backEnd)
    }

    @Test func withoutNamespacesTheRunnerSaysWhatToSet() throws {
        let list = BackEnds.list
        let script = """
            echo 0 > /proc/sys/user/max_user_namespaces
            { printf '\\000\\000'; printf "\\\\x$(printf %02x $(( $(stat -c %s '\(list)') / 256 )))"; \
            printf "\\\\x$(printf %02x $(( $(stat -c %s '\(list)') % 256 )))"; cat '\(list)'; } \
            | '\(Products.path("veroforge-runner"))' 2>&1; echo code=${PIPESTATUS[1]}
            """
        let said = try HostileProgram.run("/usr/bin/unshare", ["-Ur", "/bin/bash", "-c", script])
        #expect(said.contains("making namespaces is not permitted here"))
        #expect(said.contains("user.max_user_namespaces"))
        #expect(said.contains("code=70"))
    }

    @Test func anOrdinaryUserIsConfinedAsWell() async throws {
        // In a namespace of its own without a root to spare: every privilege that root would lend is gone.
        let list = BackEnds.list
        let script = """
            cp '\(Products.path("veroforge-runner"))' "$1/runner"; chmod 755 "$1" "$1/runner"
            { printf '\\000\\000'; printf "\\\\x$(printf %02x $(( $(stat -c %s '\(list)') / 256 )))"; \
            printf "\\\\x$(printf %02x $(( $(stat -c %s '\(list)') % 256 )))"; cat '\(list)'; } \
            | setpriv --reuid=1000 --regid=1000 --clear-groups "$1/runner" 2>&1; echo code=${PIPESTATUS[1]}
            """
        guard getuid() == 0 else { return }
        let folder = try Scratch.folder("user")
        let said = try HostileProgram.run("/bin/bash", ["-c", script, "test", folder])
        #expect(said.contains("csandbox: confined pid="))
        #expect(said.contains("code=0"))
    }
}

/// What a runner could leave behind: processes below this one, and mounts that hold its empty root.
enum Leftovers {
    /// Which of the processes still run; one that only waits to be reaped is gone.
    static func alive(_ processes: Set<Int32>) -> Set<Int32> {
        processes.filter { process in
            guard let text = try? String(contentsOfFile: "/proc/\(process)/stat", encoding: .utf8),
                let end = text.lastIndex(of: ")")
            else { return false }
            return !["Z", "X"].contains(text[end...].split(separator: " ").dropFirst().first)
        }
    }

    /// What is left of a runner once its helpers have had a moment to see that it is gone: processes, mounts,
    /// control groups and entries of sandboxes.
    static func settled(_ tree: Set<Int32>) async -> [String] {
        var left: [String] = []
        for _ in 0..<150 {
            left = alive(tree).sorted().map { process in "process \(process)" }
            left += groups()
            left += entries()
            if mounts() > 0 { left.append("a mount") }
            if left.isEmpty { break }
            try? await Task.sleep(nanoseconds: 20_000_000)
        }
        return left
    }

    /// Control groups that this process has made.
    static func groups() -> [String] {
        let text = (try? String(contentsOfFile: "/proc/self/mounts", encoding: .utf8)) ?? ""
        var found: [String] = []
        for line in text.split(separator: "\n") {
            let words = line.split(separator: " ")
            guard words.count > 2, words[2].hasPrefix("cgroup") else { continue }
            let mount = String(words[1])
            let walk = FileManager.default.enumerator(atPath: mount)
            while let path = walk?.nextObject() as? String {
                if path.contains("veroforge-\(getpid())-") { found.append(mount + "/" + path) }
                if path.split(separator: "/").count > 4 { walk?.skipDescendants() }
            }
        }
        return found
    }

    /// Entries of gVisor sandboxes.
    static func entries() -> [String] {
        BackEnds.stateFolders.flatMap {
            ((try? FileManager.default.contentsOfDirectory(atPath: $0)) ?? []).map { "entry \($0)" }
        }
    }

    static func mounts() -> Int {
        let mounts = (try? String(contentsOfFile: "/proc/self/mounts", encoding: .utf8)) ?? ""
        return mounts.split(separator: "\n").filter { $0.contains("nr_inodes=1,") }.count
    }
}
