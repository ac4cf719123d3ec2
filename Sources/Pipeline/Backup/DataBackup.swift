// A copy of a data directory that one moment could have left behind, taken while the runtime and the pipelines work.
import Foundation
public import Marketplace
import Provenance
import Registry

/// Takes copies of a data directory and puts them back.
///
/// What is copied first may be older than what is copied last, never the other way round: the registry stands before the
/// segments, so no installation is known whose usage is not; the ledger before the documents, which a night makes again
/// byte for byte; the list of unanswered calls before the segments it speaks of.
public struct DataBackup: Sendable {
    /// A file of the copy.
    struct Entry: Codable, Hashable {
        let path: String
        let bytes: Int
        let sha256: String
        /// Whether only the owner may read it.
        let secret: Bool
    }

    struct Manifest: Codable {
        var schema = DataBackup.schema
        let format: Int
        let takenAt: String
        let keys: Bool
        let files: [Entry]
        /// Symbolic links, path to target.
        let links: [String: String]
    }

    static let schema = "veroforge.backup/1"
    static let manifestName = "backup.json"
    private static let databases = ["registry.sqlite", "ledger.sqlite", "advisories.sqlite"]
    /// In this order, after the databases.
    private static let folders = [
        "runtime", "keys", "inbox", "reviews", "bundles", "reports", "usage", "audit", "billing", "log",
        "site/private",
    ]

    /// What a copy or a return came to.
    public struct Summary: Sendable, Hashable {
        public var files = 0
        public var bytes = 0
    }

    let data: DataDirectory
    let target: String
    let withKeys: Bool
    private var entries: [Entry] = []
    private var links: [String: String] = [:]

    init(data: DataDirectory, target: String, withKeys: Bool) {
        self.data = data
        self.target = target
        self.withKeys = withKeys
    }

    /// Copies the data directory into a new folder. The folder counts as a backup once its `backup.json` is there.
    public static func take(
        of data: DataDirectory, into folder: String, withKeys: Bool, now: Instant
    ) throws(PipelineError) -> Summary {
        var backup = DataBackup(data: data, target: folder, withKeys: withKeys)
        return try backup.run(now)
    }

    private mutating func run(_ now: Instant) throws(PipelineError) -> Summary {
        let files = FileManager.default
        if files.fileExists(atPath: target) {
            throw PipelineError(.usage, "\(target) is there already", remedy: "Name a new folder.")
        }
        do {
            try files.createDirectory(
                atPath: target, withIntermediateDirectories: true, attributes: [.posixPermissions: 0o700])
            try copyFile("veroforge.yaml")
            for name in Self.databases where files.fileExists(atPath: "\(data.root)/\(name)") {
                try Registry.copyDatabase(from: "\(data.root)/\(name)", to: "\(target)/\(name)")
                try note(name)
            }
            for folder in Self.folders where withKeys || folder != "keys" { try copyFolder(folder) }
            try copySite()
            let manifest = Manifest(
                format: DataDirectory.format, takenAt: now.description, keys: withKeys,
                files: entries.sorted { $0.path < $1.path }, links: links)
            let encoder = JSONEncoder()
            encoder.outputFormatting = [.sortedKeys, .prettyPrinted, .withoutEscapingSlashes]
            sync()
            try encoder.encode(manifest).write(
                to: URL(fileURLWithPath: "\(target)/\(Self.manifestName)"), options: .atomic)
        } catch let error as PipelineError {
            throw error
        } catch let error as RegistryError {
            throw PipelineError(error)
        } catch {
            throw PipelineError(.incomplete, "the backup broke off: \(error.localizedDescription)")
        }
        return Summary(files: entries.count, bytes: entries.reduce(0) { $0 + $1.bytes })
    }

    /// Copies what a folder holds, by name. Files that go while it is read (a segment that was just compressed) are
    /// looked for again at the end.
    private mutating func copyFolder(_ folder: String) throws {
        let root = "\(data.root)/\(folder)"
        for _ in 0..<3 {
            var missed = false
            for path in try below(root) {
                let name = "\(folder)/\(path)"
                if entries.contains(where: { $0.path == name }) || path.hasSuffix(".partial") { continue }
                // Of a segment and its compressed twin, the reader takes the plain one; so does the copy.
                do { try copyFile(name) } catch CocoaError.fileReadNoSuchFile { missed = true }
            }
            if !missed { return }
        }
    }

    private func below(_ root: String) throws -> [String] {
        guard FileManager.default.fileExists(atPath: root) else { return [] }
        return try FileManager.default.subpathsOfDirectory(atPath: root).filter { path in
            let type = try? FileManager.default.attributesOfItem(atPath: "\(root)/\(path)")[.type]
            return (type as? FileAttributeType) == .typeRegular
        }.sorted()
    }

    /// The build that is published now; the ones before it are made again by publishing.
    private mutating func copySite() throws {
        let link = "\(data.site)/public"
        guard let build = try? FileManager.default.destinationOfSymbolicLink(atPath: link) else {
            if FileManager.default.fileExists(atPath: link) { try copyFolder("site/public") }
            return
        }
        let name = build.hasPrefix("/") ? String(build.dropFirst(data.site.count + 1)) : build
        try copyFolder("site/\(name)")
        try FileManager.default.createSymbolicLink(
            atPath: "\(target)/site/public", withDestinationPath: name)
        links["site/public"] = name
    }

    private mutating func copyFile(_ name: String) throws {
        guard var bytes = FileManager.default.contents(atPath: "\(data.root)/\(name)") else {
            throw CocoaError(.fileReadNoSuchFile)
        }
        // A line that is being written is not there yet.
        if name.hasSuffix(".jsonl"), name.hasPrefix("usage/") || name.hasPrefix("audit/") {
            bytes = bytes.prefix((bytes.lastIndex(of: 0x0A) ?? -1) + 1)
        }
        let path = "\(target)/\(name)"
        try FileManager.default.createDirectory(
            atPath: (path as NSString).deletingLastPathComponent, withIntermediateDirectories: true)
        try bytes.write(to: URL(fileURLWithPath: path))
        try note(name)
    }

    private mutating func note(_ name: String) throws {
        let path = "\(target)/\(name)"
        let secret = name.hasPrefix("keys/") || name.hasSuffix(".sqlite") || name.hasPrefix("site/private/")
        try FileManager.default.setAttributes(
            [.posixPermissions: secret ? 0o600 : 0o644], ofItemAtPath: path)
        let (digest, count) = try Self.digest(path)
        entries.append(Entry(path: name, bytes: count, sha256: digest, secret: secret))
    }

    static func digest(_ path: String) throws -> (hex: String, bytes: Int) {
        guard let handle = FileHandle(forReadingAtPath: path) else { throw CocoaError(.fileReadNoSuchFile) }
        defer { try? handle.close() }
        var hasher = Hasher256()
        var count = 0
        while let part = try handle.read(upToCount: 1 << 20), !part.isEmpty {
            hasher.update(Array(part))
            count += part.count
        }
        return (hasher.finalize().hex, count)
    }
}
