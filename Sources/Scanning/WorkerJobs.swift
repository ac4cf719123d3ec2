public import Bundles
public import Marketplace

/// What a reader outside the worker needs to know of an archive, parsed inside it.
public struct Inspection: Codable, Equatable, Sendable {
    public static let schemaName = "veroforge.inspection/1"

    public struct Entry: Codable, Equatable, Sendable {
        public var path: String
        public var sha256: String
        public var bytes: Int
    }

    public var schema = Inspection.schemaName
    public var format: UnpackedBundle.Format
    public var sha256: String
    public var bytes: Int
    public var entries: [Entry]
    /// Why the archive is refused; empty where it is sound.
    public var problems: [ArchiveProblem]
    /// The text of plugin.json; nil where there is none.
    public var manifest: String?
    /// What the manifest breaks, as `pointer: message`; empty where it is valid.
    public var manifestProblems: [String]
    /// README.md and CHANGELOG.md as text.
    public var readme: String?
    public var changelog: String?

    public init(_ bundle: UnpackedBundle) {
        format = bundle.format
        sha256 = bundle.sha256.hex
        bytes = bundle.byteCount
        entries = bundle.entries.map { Entry(path: $0.path, sha256: $0.sha256.hex, bytes: $0.byteCount) }
        problems = bundle.problems
        manifestProblems = []
        if let file = bundle.file("plugin.json") {
            manifest = String(decoding: file.bytes, as: UTF8.self)
            do {
                _ = try Manifest.parse(file.bytes)
            } catch {
                manifestProblems = error.problems.map { "\($0.pointer): \($0.message)" }
            }
        } else {
            manifestProblems = [
                bundle.problems.isEmpty
                    ? "the bundle holds no plugin.json" : "plugin.json cannot be read: the archive is refused"
            ]
        }
        readme = bundle.file("README.md").map { String(decoding: $0.bytes, as: UTF8.self) }
        changelog = bundle.file("CHANGELOG.md").map { String(decoding: $0.bytes, as: UTF8.self) }
    }

    public func json() -> [UInt8] { JSONCoding.encode(self) }

    public init(json bytes: [UInt8]) throws(ScanError) {
        self = try JSONCoding.decode(Inspection.self, bytes)
    }
}

/// The jobs of `veroforge-worker` as plain functions; the program around them confines itself first.
public enum WorkerJobs {
    /// `inspect`: an archive in, an `Inspection` out.
    public static func inspect(_ archive: [UInt8]) -> [UInt8] {
        Inspection(ArchiveReader.read(archive)).json()
    }

    /// `unpack`: an archive in, an `EntryStream` of its own files out (nested archives stay packed), paths below the
    /// bundle's root.
    /// - Throws: where anything speaks against the archive.
    public static func unpack(_ archive: [UInt8], to sink: ([UInt8]) -> Void) throws(BundleError) {
        let bundle = ArchiveReader.read(archive)
        guard bundle.isSound else {
            let first = bundle.problems[0]
            throw BundleError(
                .badStream, subject: first.path.isEmpty ? "archive" : first.path,
                cause: "\(first.rule): \(first.message)")
        }
        let root = bundle.root
        EntryStream.write(
            bundle.entries.lazy.filter { $0.nesting == 1 && $0.path.hasPrefix(root) }.map {
                EntryStream.Item(path: String($0.path.dropFirst(root.count)), bytes: $0.bytes)
            }, to: sink)
    }

    /// How a scan is to be done.
    public struct ScanRequest: Sendable {
        /// What the report calls the bundle.
        public var name: String
        public var today: Day?
        /// With it, only the files of that share are scanned, and their summaries are the answer.
        public var part: Int?
        public var parts: Int
        /// Summaries of files as an `EntryStream`, as shares gave them; they are not scanned again.
        public var known: [UInt8]

        public init(name: String, today: Day?, part: Int? = nil, parts: Int = 1, known: [UInt8] = []) {
            self.name = name
            self.today = today
            self.part = part
            self.parts = max(1, parts)
            self.known = known
        }
    }

    /// `scan`: an archive or a folder's stream in, a `ScanOutcome` out, or the summaries of a share.
    /// - Parameter rules: the rules blob, as `RulesBlob` makes it.
    public static func scan(
        _ archive: consuming [UInt8], rules: [UInt8], request: ScanRequest, engine: EngineQuestion? = nil
    ) throws(ScanError) -> [UInt8] {
        let set = try ruleSet(rules)
        let scanner = Scanner(rules: set, today: request.today, engine: engine)
        let bundle = ArchiveReader.read(archive)
        if let part = request.part {
            return JSONCoding.encodeTight(scanner.summaries(bundle, part: part, of: request.parts))
        }
        var known = KnownSummaries()
        if !request.known.isEmpty {
            let items: [EntryStream.Item]
            do { items = try EntryStream.decode(request.known) } catch {
                throw ScanError(.badReport, subject: "summaries", cause: error.cause)
            }
            for item in items {
                let share = try JSONCoding.decode(KnownSummaries.self, item.bytes)
                known.files.merge(share.files) { first, _ in first }
            }
        }
        return scanner.outcome(bundle, name: request.name, known: known).json()
    }

    /// `bench`: a folder's stream whose first path component is a package's name in, a `ScanBench` out.
    public static func bench(
        _ stream: [UInt8], rules: [UInt8], engine: EngineQuestion?
    ) throws(ScanError) -> [UInt8] {
        let set = try ruleSet(rules)
        let items: [EntryStream.Item]
        do { items = try EntryStream.decode(stream) } catch {
            throw ScanError(.badReport, subject: "folder", cause: error.cause)
        }
        var bench = ScanBench()
        let packages = Dictionary(grouping: items) { String($0.path.prefix { $0 != "/" }) }
        for name in packages.keys.sorted() {
            bench.add(
                name: name, ArchiveReader.read(EntryStream.encode(packages[name] ?? [])), rules: set,
                engine: engine)
        }
        return JSONCoding.encode(bench)
    }

    private static func ruleSet(_ rules: [UInt8]) throws(ScanError) -> RuleSet {
        let files: [EntryStream.Item]
        do {
            files = try EntryStream.decode(rules)
        } catch {
            throw ScanError(.missingRules, subject: "rules", cause: error.cause)
        }
        return try RuleSet(files: files)
    }
}

/// The rules as one file for the worker's descriptor 4.
public enum RulesBlob {
    /// - Parameter folder: the project's `rules/`.
    public static func bytes(folder: String) throws(BundleError) -> [UInt8] {
        EntryStream.encode(
            try FolderStream.items(folder: folder).filter { $0.kind == .file && RuleSet.isRule($0.path) })
    }
}
