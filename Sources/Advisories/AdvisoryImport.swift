internal import FoundationEssentials
internal import GRDB
internal import Glibc
internal import Marketplace
internal import Scanning

/// Makes a store out of OSV records, all or nothing.
public enum AdvisoryImport {
    public struct Result: Codable, Equatable, Sendable {
        public var records: Int
        public var withdrawn: Int
        /// Records of other ecosystems, or without a package.
        public var skipped: Int
    }

    /// - Parameters:
    ///   - source: a folder of OSV `.json` files (searched whole), a zip of them, or one file with a record or an array.
    ///   - destination: the store's path; a store that stands there is replaced by one rename.
    public static func run(source: String, destination: String) throws(AdvisoryError) -> Result {
        var isFolder = false
        guard FileManager.default.fileExists(atPath: source, isDirectory: &isFolder) else {
            throw AdvisoryError(.notFound, subject: source, cause: "there is no such folder or file")
        }
        let temporary = destination + ".new"
        for ending in ["", "-wal", "-shm", "-journal"] {
            try? FileManager.default.removeItem(atPath: temporary + ending)
        }
        do {
            let writer = try Writer(path: temporary)
            if isFolder {
                try writer.folder(source)
            } else {
                guard let data = FileManager.default.contents(atPath: source) else {
                    throw AdvisoryError(.notFound, subject: source, cause: "the file cannot be read")
                }
                let bytes = [UInt8](data)
                if AdvisoryRecords.isArchive(bytes) {
                    try AdvisoryRecords.each(bytes) { try writer.add($1, name: $0) }
                } else {
                    try writer.add(bytes, name: source)
                }
            }
            let result = try writer.finish()
            guard result.records > 0 else {
                throw AdvisoryError(.empty, subject: source, cause: "there is no npm record in it")
            }
            guard rename(temporary, destination) == 0 else {
                throw AdvisoryError(
                    .database, subject: destination, cause: "the new store cannot be put in place")
            }
            return result
        } catch let error as AdvisoryError {
            try? FileManager.default.removeItem(atPath: temporary)
            throw error
        } catch {
            try? FileManager.default.removeItem(atPath: temporary)
            throw AdvisoryError(.database, subject: destination, cause: "\(error)")
        }
    }

    private final class Writer {
        private let database: DatabaseQueue
        private var result = Result(records: 0, withdrawn: 0, skipped: 0)
        private var newest: Int64 = 0
        private var pending: [OSVRecord] = []

        init(path: String) throws {
            var configuration = Configuration()
            configuration.prepareDatabase { db in
                // The file is thrown away if anything fails: it needs no journal of its own.
                try db.execute(sql: "PRAGMA journal_mode = OFF; PRAGMA synchronous = OFF")
            }
            database = try DatabaseQueue(path: path, configuration: configuration)
            try database.writeWithoutTransaction { db in
                try db.execute(
                    sql: """
                        CREATE TABLE facts (name TEXT PRIMARY KEY, value INTEGER NOT NULL) STRICT;
                        CREATE TABLE records (
                            number INTEGER PRIMARY KEY, id TEXT NOT NULL UNIQUE, aliases TEXT NOT NULL,
                            summary TEXT NOT NULL, severity TEXT NOT NULL, malicious INTEGER NOT NULL) STRICT;
                        CREATE TABLE affected (
                            package TEXT NOT NULL, record INTEGER NOT NULL, part INTEGER NOT NULL,
                            matching TEXT NOT NULL, PRIMARY KEY (package, record, part)) STRICT, WITHOUT ROWID;
                        """)
            }
        }

        func folder(_ path: String) throws {
            guard let names = try? FileManager.default.contentsOfDirectory(atPath: path).sorted() else {
                throw AdvisoryError(.notFound, subject: path, cause: "the folder cannot be read")
            }
            for name in names {
                let full = path + "/" + name
                var isFolder = false
                guard FileManager.default.fileExists(atPath: full, isDirectory: &isFolder) else { continue }
                if isFolder {
                    try folder(full)
                } else if name.hasSuffix(".json"), let data = FileManager.default.contents(atPath: full) {
                    try add([UInt8](data), name: full)
                }
            }
        }

        func add(_ bytes: [UInt8], name: String) throws {
            if bytes.first(where: { $0 > 0x20 }) == UInt8(ascii: "[") {
                let list: JSONValue
                do {
                    list = try JSONValue.parse(bytes, limits: JSONLimits(bytes: 1 << 30))
                } catch {
                    throw AdvisoryError(.badRecord, subject: name, cause: "\(error)")
                }
                for (index, item) in (list.arrayValue ?? []).enumerated() {
                    try take(try OSVRecord(item.serializedBytes(), name: "\(name)[\(index)]"))
                }
            } else {
                try take(try OSVRecord(bytes, name: name))
            }
        }

        private func take(_ record: OSVRecord) throws {
            if let modified = record.modified { newest = max(newest, modified.milliseconds) }
            if record.isWithdrawn {
                result.withdrawn += 1
                return
            }
            guard !record.affected.isEmpty else {
                result.skipped += 1
                return
            }
            pending.append(record)
            if pending.count >= 2_000 { try flush() }
        }

        private func flush() throws {
            guard !pending.isEmpty else { return }
            try database.write { db in
                let record = try db.makeStatement(
                    sql:
                        "INSERT INTO records (number, id, aliases, summary, severity, malicious) VALUES (?, ?, ?, ?, ?, ?)"
                )
                let affected = try db.makeStatement(
                    sql: "INSERT INTO affected (package, record, part, matching) VALUES (?, ?, ?, ?)")
                for item in pending {
                    result.records += 1
                    try record.execute(arguments: [
                        result.records, item.id,
                        item.aliases.filter { !$0.contains(" ") }.joined(separator: " "),
                        item.summary, item.severity.rawValue, item.isMalicious ? 1 : 0,
                    ])
                    for (part, place) in item.affected.enumerated() {
                        try affected.execute(arguments: [
                            place.package, result.records, part, Matching(place).text,
                        ])
                    }
                }
            }
            pending = []
        }

        func finish() throws -> Result {
            try flush()
            try database.write { db in
                for (name, value) in [
                    ("asOf", newest), ("count", Int64(result.records)),
                    ("schema", Int64(AdvisoryStore.schemaVersion)),
                ] {
                    try db.execute(
                        sql: "INSERT INTO facts (name, value) VALUES (?, ?)", arguments: [name, value])
                }
            }
            try database.close()
            return result
        }
    }
}
