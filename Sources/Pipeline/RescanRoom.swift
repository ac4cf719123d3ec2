import Advisories
import Bundles
import Foundation
import Marketplace
import Provenance
import Registry
import Scanning
import Synchronization

/// Scans of versions that are listed already, under the rules and advisories of now. Results are named by what they
/// came from, so that what did not change is not done again: new advisories alone start no worker at all.
struct RescanRoom: Sendable {
    /// What the scans of this round depend on beside the bundle.
    let ruleset: Digest
    let advisories: String
    let policy: Policy

    private let workshop: Workshop
    private let shelf: RuleShelf
    private let key: String
    private let context: RunContext

    init(_ context: RunContext) throws(PipelineError) {
        self.context = context
        workshop = try Workshop(programs: context.programs)
        do {
            let items = try EntryStream.decode(try RulesBlob.bytes(folder: context.programs.rules))
            let set = try RuleBook(files: items)
            ruleset = set.digest
            policy = set.policy
            let store = try AdvisoryShelf.open(context.data.advisories, context.programs)
            // Rules and exemptions that end with a day change the answer on that day and on no other.
            let today = context.now.day.description
            var ended = 0
            for item in items where item.kind == .file {
                for match in String(decoding: item.bytes, as: UTF8.self).matches(
                    of: /(?:expires|until)\W{1,4}(\d{4}-\d{2}-\d{2})/)
                where String(match.output.1) < today { ended += 1 }
            }
            let worker = try Digest.sha256(ofFile: context.programs.worker).digest
            key = "\(ruleset.hex) \(ended) \(worker.hex)"
            shelf = RuleShelf(set, store.source, now: store.isSeed ? nil : context.now.day.start)
            advisories =
                "\(store.source.count) advisories" + (store.source.asOf.map { " of \($0.day)" } ?? "")
        } catch let error as PipelineError {
            throw error
        } catch {
            throw PipelineError(
                .usage, "\(context.programs.rules): \(error)", remedy: "Restore the rules folder.")
        }
    }

    /// The report of a bundle under the present rules, and whether a worker had to look at it.
    func report(
        of bundle: Digest, title: String
    ) async throws(PipelineError) -> (report: ScanReport, isFresh: Bool) {
        let name = Digest.sha256(of: "\(bundle.hex) \(key)").hex
        let cached = "\(context.data.cache)/rescan/\(name.prefix(2))/\(name).json"
        if let bytes = try Files.readIfPresent(cached), let outcome = try? ScanOutcome(json: bytes) {
            return (shelf.complete(outcome), false)
        }
        let bytes = try Files.read(context.data.bundle(bundle))
        switch await workshop.scan(bytes, name: title + ".vfp", today: context.now.day) {
        case .refused(let why), .incomplete(let why):
            throw PipelineError(.incomplete, "\(title) was not rescanned: \(why)")
        case .done(let outcome):
            try Files.write(outcome.json(), to: cached)
            return (shelf.complete(outcome), true)
        }
    }
}

/// Rules and advisories, which are no values to be shared between threads, behind one lock: what is done with them here
/// takes a hundredth of the time that the worker takes.
// SAFETY: both are reached under the lock alone, and never leave it.
private final class RuleShelf: @unchecked Sendable {
    private let lock = Mutex<Void>(())
    private let rules: RuleBook
    private let source: any AdvisorySource
    private let now: Instant?

    init(_ rules: RuleBook, _ source: any AdvisorySource, now: Instant?) {
        self.rules = rules
        self.source = source
        self.now = now
    }

    func complete(_ outcome: ScanOutcome) -> ScanReport {
        lock.withLock { _ in outcome.completed(advisories: source, rules: rules, now: now) }
    }
}

/// `rescan.json` beside a version's other reports: what the present rules say of it.
struct RescanResult: Codable, Sendable, Equatable {
    static let schemaName = "veroforge.rescan-result/1"

    var schema = RescanResult.schemaName
    let bundle: Digest
    let ruleset: String
    let advisories: String
    let findings: [Finding]

    static func path(_ bundle: Digest, _ data: DataDirectory) -> String {
        data.report(bundle, "rescan.json")
    }

    static func read(_ bundle: Digest, _ data: DataDirectory) throws(PipelineError) -> RescanResult? {
        guard let bytes = try Files.readIfPresent(path(bundle, data)) else { return nil }
        return try ReportCoding.decode(RescanResult.self, bytes, "rescan.json")
    }
}

/// `rescans/latest.json`: the versions that rules or advisories match today and did not when they were decided.
struct RescanList: Codable, Sendable, Equatable {
    struct Match: Codable, Sendable, Equatable {
        let plugin: PluginID
        let version: Version
        let bundle: Digest
        /// Not in the list before this one.
        let isNew: Bool
        /// What the policy says: `revoke`, `hold` or `report`, and the rules that say so.
        let action: String
        let rules: [String]
        let findings: [Finding]
    }

    var schema = "veroforge.rescan/1"
    let ruleset: String
    let advisories: String
    let versions: Int
    let matches: [Match]

    static func folder(_ data: DataDirectory) -> String { data.root + "/rescans" }
    static func path(_ data: DataDirectory) -> String { folder(data) + "/latest.json" }

    static func read(_ data: DataDirectory) throws(PipelineError) -> RescanList? {
        guard let bytes = try Files.readIfPresent(path(data)) else { return nil }
        return try ReportCoding.decode(RescanList.self, bytes, "rescans/latest.json")
    }
}
