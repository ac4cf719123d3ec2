import Foundation
public import Marketplace
import Provenance

/// Brings a mirror up to what its source has: metadata under TUF's rules first, then the index's differences, then the
/// files that they name, each checked against its digest before it is put in place.
public struct CatalogueMirror: Sendable {
    public struct Outcome: Sendable, Equatable {
        public var requests = 0
        public var bytes = 0
        public var fetched = 0
        public var removed = 0
        /// Whether the differences sufficed, or the whole index was fetched.
        public var usedDifferences = false
        /// The length of everything that the source holds.
        public var siteBytes = 0
    }

    /// Gives a file of the source by its path, or `nil` where it has none.
    public typealias Fetch = @Sendable (String) async throws(PipelineError) -> [UInt8]?

    private let fetch: Fetch
    private let target: String
    private let now: Instant
    private var fetched: [String: [UInt8]?] = [:]
    private var outcome = Outcome()

    public init(to target: String, now: Instant, fetch: @escaping Fetch) {
        self.fetch = fetch
        self.target = target
        self.now = now
    }

    /// - Parameter root: a pinned root.json; without it the mirror's own, and at the first visit the source's.
    public mutating func run(root: String?) async throws(PipelineError) -> Outcome {
        var client = try await client(root)
        var names = try await refresh(&client)
        let entryBytes = try await trusted(CatalogueIndex.entryPath, client, &names)
        let entry = try Self.translate { () throws(ProvenanceError) in
            try CatalogueIndex.Entry(parsing: entryBytes)
        }
        let held = heldIndex()
        let (index, indexFiles) = try await index(entry, held)
        outcome.siteBytes = index.files.values.reduce(0) { $0 + $1.length }
        let plan = MirrorPlan(from: held?.index.files ?? [:], to: index.files)
        for path in plan.fetch {
            guard let file = index.files[path] else { continue }
            let bytes = try await require(path)
            guard bytes.count == file.length, Digest.sha256(of: bytes) == file.digest else {
                throw PipelineError(
                    .findings, "\(path) is not the file that the index names",
                    remedy: "Nothing that was fetched wrong is kept; try again, or ask the source's operator."
                )
            }
            try Files.write(bytes, to: "\(target)/\(path)")
            outcome.fetched += 1
        }
        // The index after its files and the metadata last, the timestamp at its very end: a mirror that is cut off
        // goes on where it was, and never speaks of files that it does not have.
        let wanted = Set(indexFiles.map(\.path))
        for (path, bytes) in indexFiles { try Files.write(bytes, to: "\(target)/\(path)") }
        for name in Files.list("\(target)/mirror/differences")
        where !wanted.contains("mirror/differences/\(name)") {
            try remove("mirror/differences/\(name)")
        }
        try Files.write(entryBytes, to: "\(target)/\(CatalogueIndex.entryPath)")
        try await metadata(client, names)
        for path in plan.remove { try remove(path) }
        return outcome
    }

    // MARK: Metadata

    private mutating func client(_ root: String?) async throws(PipelineError) -> TUFClient {
        let own = "\(target)/metadata/root.json"
        let bytes: [UInt8]
        if let root {
            bytes = try Files.read(root)
        } else if let known = try Files.readIfPresent(own) {
            bytes = known
        } else {
            bytes = try await require("metadata/1.root.json")
        }
        var state = TUFClient.State(pinnedRoot: bytes)
        for name in ["timestamp.json", "snapshot.json", "targets.json"] {
            state.files[name] = try Files.readIfPresent("\(target)/metadata/\(name)")
        }
        return try Self.translate { () throws(ProvenanceError) in try TUFClient(state: state) }
    }

    /// Steps through the metadata; gives the names of the files that it took.
    private mutating func refresh(_ client: inout TUFClient) async throws(PipelineError) -> Set<String> {
        var names: Set<String> = []
        while true {
            let known = fetched
            let step = try Self.translate { () throws(ProvenanceError) in
                try client.step(now: now, fetched: known)
            }
            guard case .needs(let path) = step else { return names }
            fetched[path] = .some(try await get(path))
            names.insert(path)
        }
    }

    /// A file that the trusted targets name, checked against them.
    private mutating func trusted(
        _ path: String, _ client: TUFClient, _ names: inout Set<String>
    ) async throws(PipelineError) -> [UInt8] {
        var file: TUFFile?
        while true {
            let known = fetched
            var missing: String?
            do throws(ProvenanceError) {
                file = try client.file(path, now: now) { name throws(ProvenanceError) in
                    guard let bytes = known[name] else {
                        missing = name
                        throw ProvenanceError(.io, name, "has not been fetched yet")
                    }
                    return bytes
                }
                break
            } catch {
                guard let missing else { throw PipelineError(.findings, "\(error)") }
                fetched[missing] = .some(try await get(missing))
                names.insert(missing)
            }
        }
        let bytes = try await require(path)
        guard let file, bytes.count == file.length, Digest.sha256(of: bytes) == file.digest else {
            throw PipelineError(.findings, "\(path) is not the file that was signed")
        }
        return bytes
    }

    /// Every metadata file that the mirror does not have as it is; the timestamp last.
    private mutating func metadata(_ client: TUFClient, _ names: Set<String>) async throws(PipelineError) {
        let snapshot = client.state.files["snapshot.json"].flatMap { try? JSONValue.parse($0) }
        for (name, row) in (snapshot?["signed"]?["meta"]?.objectValue ?? [:]).sorted(by: { $0.key < $1.key })
        {
            let path = "metadata/\(name)"
            let digest = row["hashes"]?["sha256"]?.stringValue
            if let held = try Files.readIfPresent("\(target)/\(path)"), Digest.sha256(of: held).hex == digest
            {
                continue
            }
            let bytes: [UInt8]
            if case .some(.some(let known)) = fetched[path] {
                bytes = known
            } else {
                bytes = try await require(path)
            }
            guard Digest.sha256(of: bytes).hex == digest else {
                throw PipelineError(.findings, "\(path) is not the file that the snapshot names")
            }
            try Files.write(bytes, to: "\(target)/\(path)")
        }
        // Every root from the first on, so that whoever pinned an old one can follow.
        for number in 1..<1_024 {
            let path = "metadata/\(number).root.json"
            if Files.exists("\(target)/\(path)") { continue }
            let known: [UInt8]?
            if let asked = fetched[path] { known = asked } else { known = try await get(path) }
            guard let known else { break }
            try Files.write(known, to: "\(target)/\(path)")
        }
        for name in ["root.json", "snapshot.json", "timestamp.json"] {
            if let bytes = client.state.files[name] {
                try Files.write(bytes, to: "\(target)/metadata/\(name)")
            }
        }
    }

    // MARK: Index

    private func heldIndex() -> (number: Int64, index: CatalogueIndex)? {
        guard let entry = try? Files.readIfPresent("\(target)/\(CatalogueIndex.entryPath)"),
            let entry = try? CatalogueIndex.Entry(parsing: entry),
            let bytes = try? Files.readIfPresent("\(target)/\(CatalogueIndex.filesPath)"),
            Digest.sha256(of: bytes) == entry.index, let index = try? CatalogueIndex(parsing: bytes)
        else { return nil }
        return (entry.number, index)
    }

    /// The present index, and the files of it that the mirror is to hold.
    private mutating func index(
        _ entry: CatalogueIndex.Entry, _ held: (number: Int64, index: CatalogueIndex)?
    ) async throws(PipelineError) -> (CatalogueIndex, [(path: String, bytes: [UInt8])]) {
        var files: [(path: String, bytes: [UInt8])] = []
        var index: CatalogueIndex?
        let way = held.flatMap { entry.way(from: $0.number) }
        for row in entry.differences {
            let path = "mirror/differences/\(row.number).json"
            if let known = try Files.readIfPresent("\(target)/\(path)"),
                Digest.sha256(of: known) == row.digest
            {
                files.append((path, known))
                continue
            }
            let bytes = try await require(path)
            guard Digest.sha256(of: bytes) == row.digest else {
                throw PipelineError(.findings, "\(path) is not the file that the index's entry names")
            }
            files.append((path, bytes))
        }
        if let held, let way {
            var next = held.index
            for row in way {
                guard let bytes = files.first(where: { $0.path.hasSuffix("/\(row.number).json") })?.bytes
                else {
                    continue
                }
                next.apply(
                    try Self.translate { () throws(ProvenanceError) in
                        try CatalogueIndex.Difference(parsing: bytes)
                    })
            }
            if Digest.sha256(of: next.bytes) == entry.index {
                index = next
                outcome.usedDifferences = true
            }
        }
        if let index { return (index, files + [(CatalogueIndex.filesPath, index.bytes)]) }
        let bytes = try await require(CatalogueIndex.filesPath)
        guard Digest.sha256(of: bytes) == entry.index else {
            throw PipelineError(.findings, "\(CatalogueIndex.filesPath) is not the one that the entry names")
        }
        let whole = try Self.translate { () throws(ProvenanceError) in try CatalogueIndex(parsing: bytes) }
        return (whole, files + [(CatalogueIndex.filesPath, bytes)])
    }

    // MARK: Files

    private mutating func get(_ path: String) async throws(PipelineError) -> [UInt8]? {
        outcome.requests += 1
        let bytes = try await fetch(path)
        outcome.bytes += bytes?.count ?? 0
        return bytes
    }

    private mutating func require(_ path: String) async throws(PipelineError) -> [UInt8] {
        let parts = path.split(separator: "/", omittingEmptySubsequences: false)
        guard !path.isEmpty, !parts.contains(where: { $0.isEmpty || $0 == "." || $0 == ".." }) else {
            throw PipelineError(.findings, "\(path) is no path that a catalogue can hold")
        }
        guard let bytes = try await get(path) else {
            throw PipelineError(.tryLater, "\(path) is missing from the source", remedy: "Try again later.")
        }
        return bytes
    }

    private mutating func remove(_ path: String) throws(PipelineError) {
        do {
            try FileManager.default.removeItem(atPath: "\(target)/\(path)")
            outcome.removed += 1
        } catch {
            throw PipelineError(.tryLater, "\(path) cannot be removed from the mirror")
        }
    }

    private static func translate<T>(_ body: () throws(ProvenanceError) -> T) throws(PipelineError) -> T {
        do { return try body() } catch { throw PipelineError(.findings, "\(error)") }
    }
}
