import Dispatch
import Foundation
import Marketplace
import Provenance
import Registry
import Synchronization
import TestSupport
import Testing

@Suite struct ConcurrencyTests {
    /// Several connections, as several processes would have, take items at once: each item is leased once.
    @Test func noItemIsLeasedTwice() throws {
        let desk = try Desk()
        let count = 60
        for number in 0..<count {
            _ = try desk.registry.receive(
                bundle: digest("item \(number)"), byteCount: 1, publisher: Desk.acme, now: at(0))
        }
        let path = desk.folder + "/registry.sqlite"
        let taken = Mutex<[Digest]>([])
        DispatchQueue.concurrentPerform(iterations: 4) { worker in
            guard let registry = try? Registry.open(path: path) else { return }
            while let leases = try? registry.lease(in: .received, limit: 3, owner: "w\(worker)", now: at(1)),
                !leases.isEmpty
            {
                taken.withLock { $0 += leases.map(\.submission.id) }
            }
            try? registry.close()
        }
        let all = taken.withLock { $0 }
        #expect(all.count == count && Set(all).count == count)
    }

    /// Workers that die in the middle (they take a lease and never come back) lose nothing: every item is listed in the
    /// end, once, and moved along the table of states.
    @Test func workersThatDieAnywhereLoseNothing() throws {
        let desk = try Desk()
        var random = SeededRandom(200)
        let count = 8
        for number in 0..<count {
            _ = try desk.registry.receive(
                bundle: digest("item \(number)"), byteCount: 1, publisher: Desk.acme, now: at(0))
        }
        let steps: [(SubmissionState, SubmissionState)] = [
            (.received, .ingested), (.ingested, .unpacked), (.unpacked, .scanned), (.scanned, .tried),
            (.tried, .approved), (.approved, .listed),
        ]
        var clock: Int64 = 0
        var deaths = 0
        while try desk.registry.stateCounts()[.listed]?.count != count {
            clock += 1
            #expect(clock < 2_000)
            guard clock < 2_000 else { return }
            let run = try desk.registry.beginRun(of: "submission", now: at(clock))
            work: for (from, to) in steps {
                for lease in try desk.registry.lease(in: from, owner: run.owner, now: at(clock)) {
                    // The process is killed here, before the item has moved.
                    if Int.random(in: 0..<4, using: &random) == 0 {
                        deaths += 1
                        break work
                    }
                    let number = (0..<count).first { digest("item \($0)") == lease.submission.id }!
                    let plugin = PluginID("acme.item-\(number)")!
                    var records: [StageRecord] = []
                    if to == .ingested {
                        records = [
                            .identity(plugin, Version(1, 0, 0), manifest: Desk.manifest(plugin.text, "1.0.0"))
                        ]
                    }
                    if to == .listed { records = [.listing(channel: .stable, securityFix: false)] }
                    try desk.registry.advance(
                        lease, to: to, reason: TransitionReason("t", "t"), records: records, actor: "t",
                        now: at(clock))
                }
            }
        }
        #expect(deaths > 0)
        #expect(try desk.registry.allVersions().count == count)
        for number in 0..<count {
            #expect(
                try desk.registry.transitions(of: digest("item \(number)")).map(\.to) == [
                    .received, .ingested, .unpacked, .scanned, .tried, .approved, .listed,
                ])
        }
    }

    @Test func aStandingCountsWhatBecameOfThePublishersWork() throws {
        let desk = try Desk()
        try desk.list("acme.tool", "1.0.0")
        try desk.list("acme.tool", "1.1.0", permissions: [Desk.readPermission("orders")])
        try desk.registry.yank(
            PluginID("acme.tool")!, Version(1, 0, 0), reason: "x", actor: "acme", now: at(1))
        let standing = try desk.registry.standing(of: Desk.acme, now: at(10))
        #expect(
            standing.listed == 2 && standing.rejected == 0 && standing.ageMs == 10_000 && !standing.isVerified
        )
        #expect(
            try desk.registry.permissionsBefore(PluginID("acme.tool")!, Version(1, 2, 0))?.permissions.map(
                \.description)
                == ["readData orders"])
        #expect(try desk.registry.permissionsBefore(PluginID("acme.tool")!, Version(1, 0, 0)) == nil)
        #expect(try desk.registry.submissionCount(of: Desk.acme, since: at(-1)) == 2)
    }

    @Test func theFeedEscapesWhatStrangersWrote() throws {
        let desk = try Desk()
        try desk.list("acme.tool", "1.0.0")
        try desk.registry.install(
            PluginID("acme.tool")!, for: Desk.tenant,
            InstallationRequest(version: Version(1, 0, 0), plan: "free", accepted: PermissionSet([])),
            now: at(0))
        try desk.registry.yank(
            PluginID("acme.tool")!, Version(1, 0, 0), reason: "<script>&\u{7}", actor: "acme", now: at(1))
        try desk.registry.writeNotices(now: at(2))
        let tenant = try desk.registry.tenant(Desk.tenant)
        let feed = NoticeFeed.atom(
            for: tenant, notices: try desk.registry.notices(for: Desk.tenant),
            base: "https://example.com/tenants")
        let text = String(decoding: feed, as: UTF8.self)
        #expect(text.contains("&lt;script&gt;&amp;\u{FFFD}") && !text.contains("<script>"))
        #expect(text.contains("<updated>\(at(2))</updated>"))
        let parser = XMLWellFormedness(feed)
        #expect(parser.isWellFormed)
    }
}

/// Whether bytes are well-formed XML, asked of libxml2's own program.
private struct XMLWellFormedness {
    let isWellFormed: Bool

    init(_ bytes: [UInt8]) {
        let path = NSTemporaryDirectory() + "feed-\(UUID().uuidString).xml"
        defer { try? FileManager.default.removeItem(atPath: path) }
        try? Data(bytes).write(to: URL(fileURLWithPath: path))
        let process = Process()
        process.executableURL = URL(fileURLWithPath: "/usr/bin/env")
        process.arguments = ["python3", "-c", "import sys, xml.dom.minidom as m; m.parse(sys.argv[1])", path]
        process.standardError = FileHandle.nullDevice
        do { try process.run() } catch {
            isWellFormed = false
            return
        }
        process.waitUntilExit()
        isWellFormed = process.terminationStatus == 0
    }
}
