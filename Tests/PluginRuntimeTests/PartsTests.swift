import Foundation
import Marketplace
import Metering
import Provenance
import Testing

@testable import PluginRuntime

@Suite struct PartsTests {
    @Test func bucketGivesItsBurstAndThenItsRate() {
        let start = ContinuousClock.now
        var bucket = TokenBucket(TokenBucket.Rate(perSecond: 10, burst: 3), now: start)
        #expect((0..<3).allSatisfy { _ in bucket.take(now: start) == nil })
        let wait = bucket.take(now: start) ?? 0
        #expect(abs(wait - 0.1) < 0.001)
        #expect(bucket.take(now: start + .milliseconds(101)) == nil)
        #expect(bucket.borrow(10, now: start + .milliseconds(101)) > 0.9)
    }

    @Test func gateServesTenantsInTurn() async throws {
        var limits = FairGate.Limits()
        limits.runningMax = 1
        let gate = FairGate(limits)
        try await gate.enter(acme)
        let order = Locked<[String]>([])
        try await withThrowingTaskGroup(of: Void.self) { group in
            for index in 0..<4 {
                group.addTask {
                    try await gate.enter(acme)
                    order.change { $0.append("acme\(index)") }
                    gate.leave(acme)
                }
            }
            while gate.load.waiting < 4 { try await Task.sleep(for: .milliseconds(1)) }
            group.addTask {
                try await gate.enter(rival)
                order.change { $0.append("rival") }
                gate.leave(rival)
            }
            while gate.load.waiting < 5 { try await Task.sleep(for: .milliseconds(1)) }
            gate.leave(acme)
            try await group.waitForAll()
        }
        // The rival came fifth and is served at the second place at the latest.
        #expect(order.value.prefix(2).contains("rival"))
        #expect(gate.load == (0, 0))
    }

    @Test func gateRefusesBeyondItsQueueAndForgetsTheCancelled() async throws {
        var limits = FairGate.Limits()
        limits.runningMax = 1
        limits.tenantWaitingMax = 1
        let gate = FairGate(limits)
        try await gate.enter(acme)
        let waiter = Task { try await gate.enter(acme) }
        while gate.load.waiting < 1 { try await Task.sleep(for: .milliseconds(1)) }
        await #expect(throws: RuntimeError.self) { try await gate.enter(acme) }
        waiter.cancel()
        await #expect(throws: RuntimeError.self) { try await waiter.value }
        gate.leave(acme)
        #expect(gate.load == (0, 0))
        try await gate.enter(acme)
    }

    @Test func removedIsTheEndAndEveryStateCanReachIt() {
        for state in HostState.allCases where state != .removed { #expect(state.after(.remove) == .removed) }
        for event in HostState.Event.allCases { #expect(HostState.removed.after(event) == nil) }
        #expect(HostState.suspended.after(.startBegins) == nil)
        #expect(HostState.installed.after(.workBegins) == nil)
        #expect(HostState.draining.after(.startBegins) == nil)
    }

    @Test func auditChainShowsEveryChange() {
        var previous = AuditChain.origin
        var lines: [[UInt8]] = []
        for number in 1...5 {
            let line = AuditLine(
                time: epoch, node: "a", actor: "plugin", act: "readData", subject: "orders-\(number)",
                outcome: "ok")
            lines.append(line.bytes(after: previous))
            previous = Digest.sha256(of: lines.last!)
        }
        func check(_ lines: [[UInt8]]) -> Int {
            AuditChain.verify([("2026-01-05.jsonl", lines.flatMap { $0 + [0x0A] })]).breaks.count
        }
        #expect(check(lines) == 0)
        var changed = lines
        changed[2][20] ^= 1
        #expect(check(changed) > 0)
        #expect(check([lines[0], lines[1], lines[3], lines[4]]) > 0)
        #expect(check([lines[1], lines[0]] + lines[2...]) > 0)
        #expect(check(Array(lines[1...])) > 0)
    }

    @Test func auditLogGoesOnAfterATornLine() throws {
        let folder = NSTemporaryDirectory() + "audit-" + UUID().uuidString
        defer { try? FileManager.default.removeItem(atPath: folder) }
        func line(_ subject: String) -> AuditLine {
            AuditLine(
                time: epoch, node: "a", actor: "plugin", act: "readData", subject: subject, outcome: "ok")
        }
        do {
            let log = try AuditLog(folder: folder, node: "a")
            try log.append(line("one"))
            try log.append(line("two"))
        }
        let path = "\(folder)/2026-01-05.jsonl"
        let handle = try #require(FileHandle(forWritingAtPath: path))
        try handle.seekToEnd()
        try handle.write(contentsOf: Data("{\"torn".utf8))
        try handle.close()
        let log = try AuditLog(folder: folder, node: "a")
        try log.append(line("three"))
        let bytes = Array(try Data(contentsOf: URL(filePath: path)))
        let checked = AuditChain.verify([("2026-01-05.jsonl", bytes)])
        #expect(checked.breaks.isEmpty && checked.lines == 3)
    }

    @Test func nodesThatWriteIntoOneFolderHaveAChainEach() throws {
        let folder = NSTemporaryDirectory() + "audit-" + UUID().uuidString
        defer { try? FileManager.default.removeItem(atPath: folder) }
        func append(_ node: String, _ log: AuditLog, at time: Instant = epoch) throws {
            try log.append(
                AuditLine(
                    time: time, node: node, actor: "plugin", act: "readData", subject: "orders", outcome: "ok"
                ))
        }
        var logs = ["a", "b"].map { ($0, try! AuditLog(folder: folder, node: $0)) }
        for _ in 0..<3 { for (node, log) in logs { try append(node, log) } }
        // One goes on a day later, the other comes back after both.
        try append("a", logs[0].1, at: epoch.adding(days: 1))
        logs[1].1 = try AuditLog(folder: folder, node: "b")
        try append("b", logs[1].1, at: epoch.adding(days: 1))
        var files = try Disk().list(folder).map { ($0, try Disk().read("\(folder)/\($0)")) }
        let whole = AuditChain.verify(files)
        #expect(whole.breaks.isEmpty && whole.lines == 8 && whole.last.keys.sorted() == ["a", "b"])
        // A line of one that is gone is missed, whatever stands around it.
        var lines = files[0].1.split(separator: 0x0A)
        lines.remove(at: 2)
        files[0].1 = Array(lines.joined(separator: [0x0A])) + [0x0A]
        #expect(AuditChain.verify(files).breaks.count == 1)
    }

    @Test func workersStreamIsReadWholeOrNotAtAll() {
        var stream = Array("VFENTRY1".utf8)
        func add(_ tag: String, _ path: String, _ content: String) {
            stream += Array(tag.utf8) + [0, 0, 0, UInt8(path.utf8.count)] + Array(path.utf8)
            stream += [0, 0, 0, 0, 0, 0, 0, UInt8(content.utf8.count)] + Array(content.utf8)
        }
        add("F", "dist/index.js", "export default 1")
        add("S", "big.bin", "too large")
        let whole = stream + Array("E".utf8) + [0, 0, 0, 2]
        #expect(
            EntryStreamReader.files(whole) == [
                BundleFile(path: "dist/index.js", bytes: Array("export default 1".utf8))
            ])
        for cut in 0..<whole.count { #expect(EntryStreamReader.files(Array(whole.prefix(cut))) == nil) }
        #expect(EntryStreamReader.files(whole + [0]) == nil)
    }

    @Test func addressesOfThePublicInternetPass() throws {
        for text in ["93.184.215.14", "8.8.8.8", "2606:4700:4700::1111"] {
            #expect(AddressPolicy.isPublic(try #require(IPAddress(text))), "\(text)")
        }
        for text in [
            "0.0.0.0", "100.64.0.1", "172.31.0.1", "198.18.0.1", "224.0.0.1", "255.255.255.255", "fe80::1",
            "2001:db8::1", "2002:7f00:1::", "2001::1", "::", "ff02::1", "::ffff:10.0.0.1",
        ] {
            #expect(!AddressPolicy.isPublic(try #require(IPAddress(text))), "\(text)")
        }
        #expect(IPAddress("127.1") == nil && IPAddress("0x7f.0.0.1") == nil && IPAddress("2130706433") == nil)
    }

    @Test func settingsAreReadInTheirOrderAndWrongOnesNamed() throws {
        let folder = NSTemporaryDirectory() + "config-" + UUID().uuidString
        defer { try? FileManager.default.removeItem(atPath: folder) }
        try FileManager.default.createDirectory(atPath: folder, withIntermediateDirectories: true)
        func write(_ name: String, _ text: String) throws {
            try Data(text.utf8).write(to: URL(filePath: "\(folder)/\(name)"))
        }
        #expect(throws: RuntimeError.self) { try RuntimeConfiguration.read(data: folder, environment: [:]) }
        try write("veroforge.yaml", "format: 1\ndemo: false\n")
        func settings(_ text: String) -> String { "format: 1\ndemo: false\nruntime:\n" + text }
        try write(
            "veroforge.yaml",
            settings("  port: 9000\n  node: b\n  allowLoopbackHosts:\n    slack.com: 127.0.0.1:9999\n"))
        var read = try RuntimeConfiguration.read(
            data: folder, environment: ["VEROFORGE_RUNTIME_PORT": "9001"])
        #expect(
            read.port == 9001 && read.node == "b" && read.loopbackHosts == ["slack.com": "127.0.0.1:9999"])
        #expect(read.printed.contains("port: 9001\n"))
        read.clockFile = "/tmp/clock"
        #expect(throws: RuntimeError.self) { try read.check() }
        for wrong in [
            "  colour: red\n", "  port: many\n", "  allowLoopbackHosts:\n    slack.com: 10.0.0.1:80\n",
        ] {
            try write("veroforge.yaml", settings(wrong))
            #expect(throws: RuntimeError.self, "\(wrong)") {
                try RuntimeConfiguration.read(data: folder, environment: [:])
            }
        }
        try write("veroforge.yaml", "format: 2\n")
        let error = #expect(throws: RuntimeError.self) {
            try RuntimeConfiguration.read(data: folder, environment: [:])
        }
        #expect(error?.code == .newerData && error?.code.exitCode == .usage)
        #expect(RuntimeError.Code.portInUse.exitCode == .tryLater)
    }

    /// `docs/openapi.json` is the contract; `VEROFORGE_RECORD=1` writes it anew.
    @Test func contractInTheDocsIsTheOneThatAnswers() async throws {
        let node = try await TestNode.make()
        let served = await node.service.api.respond(
            to: try APIRequest(method: "GET", target: "/openapi.json"))
        let text = served.json.serializedBytes(pretty: true) + [0x0A]
        let path = URL(filePath: #filePath).deletingLastPathComponent().deletingLastPathComponent()
            .deletingLastPathComponent().appending(path: "docs/openapi.json")
        if ProcessInfo.processInfo.environment["VEROFORGE_RECORD"] != nil { try Data(text).write(to: path) }
        #expect(try Data(contentsOf: path) == Data(text))
        await node.end()
    }
}
