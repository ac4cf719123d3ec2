import Advisories
import Bundles
import Foundation
public import Marketplace
import Provenance
public import Scanning

/// Scans of bundles, archives and folders through the confined worker: what the `scan` stage, `veroforge scan` and
/// `plugin check` share, so that they cannot come to different verdicts.
public struct ScanRoom: Sendable {
    public struct Result: Sendable {
        public let report: ScanReport
        /// Nothing was scanned: the same bytes were, under the same rules.
        public let isCached: Bool
        fileprivate let outcome: ScanOutcome
        fileprivate let rules: RuleBook

        public var sbom: [UInt8] {
            var whole = outcome
            whole.report = report
            return SBOMWriter.write(whole)
        }

        /// The same as lines for a terminal, with the excerpts and a caret under each place.
        public var text: String { TextWriter.write(report, carets: outcome.carets) }

        public func sarif() throws(PipelineError) -> [UInt8] {
            SARIFWriter.write(report, rules: try descriptions())
        }

        /// The same as one page for a reviewer.
        public func page() throws(PipelineError) -> String {
            HTMLReportWriter.write(report, rules: try descriptions(), carets: outcome.carets)
        }

        private func descriptions() throws(PipelineError) -> [RuleSet.Description] {
            do { return try rules.descriptions } catch {
                throw PipelineError(.usage, "rules: \(error)", remedy: "Restore the rules folder.")
            }
        }
    }

    let workshop: Workshop
    let programs: ProgramFiles
    let advisories: String
    private let cache: ScanCache?

    /// `advisories` is the store's file; if there is none, the seed in `rules/advisories` is asked.
    ///
    /// - Parameter environment: names the folder in which scans are remembered; nil remembers none.
    public init(
        _ programs: ProgramFiles, advisories: String?, environment: [String: String]? = nil
    ) throws(PipelineError) {
        cache = environment.flatMap(ScanCache.standard)
        workshop = try Workshop(programs: programs)
        self.programs = programs
        self.advisories = advisories ?? ""
    }

    /// A folder or a file from the disk. Contents are not looked into here: they go to the worker as they are.
    public func scan(path: String, asOf: Day) async throws(PipelineError) -> Workshop.Answer<Result> {
        let (bytes, name) = try Self.input(path)
        return await scan(bytes, name: name, asOf: asOf)
    }

    /// The same as it is printed. What was printed of the same bytes, by the same rules and advisories on the same day, is
    /// printed again, without being read.
    ///
    /// - Parameter form: names what `write` makes.
    public func printed(
        path: String, asOf: Day, form: String, write: (Result) throws(PipelineError) -> [UInt8]
    ) async throws(PipelineError) -> Workshop.Answer<PrintedScan> {
        let (bytes, name) = try Self.input(path)
        let digest = Digest.sha256(of: bytes)
        var key: String?
        if let cache, let asked = AdvisoryShelf.stamp(advisories, programs) {
            let rules = Digest.sha256(of: workshop.rulesBytes).hex
            let scan = ScanCache.key(digest, rules: rules, name: name, day: asOf, worker: programs.worker)
            let found = ScanCache.key(scan, form: form, advisories: asked)
            if let printed = cache.printed(found) { return .done(printed) }
            key = found
        }
        switch await scan(bytes, digest, name: name, asOf: asOf) {
        case .refused(let why): return .refused(why)
        case .incomplete(let why): return .incomplete(why)
        case .done(let result):
            let printed = PrintedScan(result.report, bytes: try write(result))
            if let cache, let key { cache.keep(printed, key) }
            return .done(printed)
        }
    }

    private static func input(_ path: String) throws(PipelineError) -> (bytes: [UInt8], name: String) {
        var isFolder: ObjCBool = false
        guard FileManager.default.fileExists(atPath: path, isDirectory: &isFolder) else {
            throw PipelineError(.notFound, "\(path) does not exist")
        }
        let bytes: [UInt8]
        if isFolder.boolValue {
            do {
                bytes = try FolderStream.bytes(folder: path)
            } catch {
                throw PipelineError(.notFound, "\(path) cannot be read: \(error.cause)")
            }
        } else {
            bytes = asArchive(try Files.read(path), name: (path as NSString).lastPathComponent)
        }
        return (bytes, (path as NSString).lastPathComponent)
    }

    /// Scans an archive's bytes, then looks its dependencies up.
    public func scan(_ bytes: [UInt8], name: String, asOf: Day) async -> Workshop.Answer<Result> {
        await scan(bytes, Digest.sha256(of: bytes), name: name, asOf: asOf)
    }

    private func scan(
        _ bytes: [UInt8], _ digest: Digest, name: String, asOf: Day
    ) async -> Workshop.Answer<Result> {
        let book: RuleBook
        do {
            book = try RuleBook(files: try EntryStream.decode(workshop.rulesBytes))
        } catch {
            return .incomplete("\(error)")
        }
        let key = cache.map { _ in
            ScanCache.key(digest, rules: book.digest.hex, name: name, day: asOf, worker: programs.worker)
        }
        if let cache, let key, let outcome = cache.outcome(key) {
            return finish(outcome, book, asOf, isCached: true)
        }
        switch await workshop.scan(bytes, name: name, today: asOf) {
        case .refused(let why): return .refused(why)
        case .incomplete(let why): return .incomplete(why)
        case .done(let outcome):
            if let cache, let key { cache.keep(outcome, key) }
            return finish(outcome, book, asOf, isCached: false)
        }
    }

    private func finish(
        _ outcome: ScanOutcome, _ book: RuleBook, _ asOf: Day, isCached: Bool
    ) -> Workshop.Answer<Result> {
        do {
            let store = try AdvisoryShelf.open(advisories, programs)
            let report = outcome.completed(
                advisories: store.source, rules: book, now: store.isSeed ? nil : asOf.start)
            return .done(Result(report: report, isCached: isCached, outcome: outcome, rules: book))
        } catch {
            return .incomplete("\(error)")
        }
    }

    /// Archives as they are; any other file as a folder of one.
    private static func asArchive(_ bytes: [UInt8], name: String) -> [UInt8] {
        let endings = [".vfp", ".zip", ".tgz", ".tar", ".gz"]
        if endings.contains(where: name.lowercased().hasSuffix) { return bytes }
        return EntryStream.encode([EntryStream.Item(path: name, bytes: bytes)])
    }
}

/// The advisories that a scan asks: the operator's store, or the small seed that comes with the rules.
enum AdvisoryShelf {
    static func open(
        _ path: String, _ programs: ProgramFiles
    ) throws(AdvisoryError) -> (source: any AdvisorySource, isSeed: Bool) {
        var isFolder: ObjCBool = false
        if !path.isEmpty, FileManager.default.fileExists(atPath: path, isDirectory: &isFolder) {
            guard isFolder.boolValue else { return (try AdvisoryStore(path: path), false) }
            return (try imported(path), false)
        }
        return (try AdvisoryFolder(programs.rules + "/advisories"), true)
    }

    /// What stands for the advisories that `open` asks; nil for a folder of them, which is read anew each time.
    static func stamp(_ path: String, _ programs: ProgramFiles) -> String? {
        var isFolder: ObjCBool = false
        if !path.isEmpty, FileManager.default.fileExists(atPath: path, isDirectory: &isFolder) {
            return isFolder.boolValue ? nil : ScanCache.stamp(path)
        }
        return (try? FolderStream.bytes(folder: programs.rules + "/advisories")).map {
            Digest.sha256(of: $0).hex
        }
    }

    /// Records from a folder in a store that lives as long as this process reads it.
    private static func imported(_ folder: String) throws(AdvisoryError) -> AdvisoryStore {
        let path = NSTemporaryDirectory() + "/veroforge-advisories-\(processID)-\(UUID().uuidString).sqlite"
        defer { try? FileManager.default.removeItem(atPath: path) }
        _ = try AdvisoryImport.run(source: folder, destination: path)
        return try AdvisoryStore(path: path)
    }
}
