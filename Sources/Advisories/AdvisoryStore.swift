internal import FoundationEssentials
internal import GRDB
public import Marketplace
public import Scanning

/// Known vulnerabilities in one read-only SQLite file, which is made whole and replaced by rename.
public final class AdvisoryStore: AdvisorySource {
    private let database: DatabaseQueue
    public let asOf: Instant?
    /// Records, withdrawn ones not counted.
    public let count: Int

    static let schemaVersion = 1

    /// Opens a store that `AdvisoryImport` has made.
    public init(path: String) throws(AdvisoryError) {
        guard FileManager.default.fileExists(atPath: path) else {
            throw AdvisoryError(
                .notFound, subject: path,
                cause: "there is no such store; `veroforge advisories import` makes one")
        }
        do {
            var configuration = Configuration()
            configuration.readonly = true
            database = try DatabaseQueue(path: path, configuration: configuration)
            let facts = try database.read { db in
                try Dictionary(
                    uniqueKeysWithValues: Row.fetchAll(db, sql: "SELECT name, value FROM facts").map {
                        ($0["name"] as String, $0["value"] as Int64)
                    })
            }
            guard facts["schema"] == Int64(Self.schemaVersion) else {
                throw AdvisoryError(
                    .database, subject: path, cause: "the store was made by another version: import it anew")
            }
            asOf = facts["asOf"].flatMap { $0 > 0 ? Instant(milliseconds: $0) : nil }
            count = Int(facts["count"] ?? 0)
        } catch let error as AdvisoryError {
            throw error
        } catch {
            throw AdvisoryError(.database, subject: path, cause: "\(error)")
        }
    }

    public func advisories(package: String, version: Version) throws -> [Advisory] {
        try find(package, fixedAbove: version) {
            OSVMatch.isAffected(version, versions: $0.versions, ranges: $0.ranges)
        }
    }

    public func advisories(package: String, within range: VersionRange) throws -> [Advisory] {
        try find(package, fixedAbove: nil) {
            OSVMatch.mayAffect(range, versions: $0.versions, ranges: $0.ranges)
        }
    }

    private func find(
        _ package: String, fixedAbove version: Version?, _ applies: (Matching) -> Bool
    ) throws -> [Advisory] {
        let rows = try database.read { db in
            let statement = try db.cachedStatement(
                sql: """
                    SELECT r.id, r.aliases, r.summary, r.severity, r.malicious, a.matching
                    FROM affected a JOIN records r ON r.number = a.record
                    WHERE a.package = ? ORDER BY r.id
                    """)
            return try Row.fetchAll(statement, arguments: [package])
        }
        var found: [Advisory] = []
        for row in rows {
            guard let matching = Matching(row["matching"] as String) else {
                throw AdvisoryError(.database, subject: package, cause: "a record of the store is damaged")
            }
            guard applies(matching) else { continue }
            found.append(
                Advisory(
                    id: row["id"], aliases: (row["aliases"] as String).split(separator: " ").map(String.init),
                    package: package, summary: row["summary"],
                    severity: Severity(rawValue: row["severity"]) ?? .high,
                    isMalicious: (row["malicious"] as Int64) != 0,
                    fixed: version.flatMap { OSVMatch.fixed($0, ranges: matching.ranges) }))
        }
        return Advisory.merged(found)
    }
}

extension Advisory {
    /// The same vulnerability under several names is one: those that share an alias are joined.
    static func merged(_ found: [Advisory]) -> [Advisory] {
        var result: [Advisory] = []
        for advisory in found {
            let names = Set([advisory.id] + advisory.aliases)
            if let index = result.firstIndex(where: { !names.isDisjoint(with: [$0.id] + $0.aliases) }) {
                let all = names.union([result[index].id] + result[index].aliases)
                result[index].aliases = all.subtracting([result[index].id]).sorted()
                result[index].severity = max(result[index].severity, advisory.severity)
                result[index].isMalicious = result[index].isMalicious || advisory.isMalicious
                result[index].fixed = result[index].fixed ?? advisory.fixed
            } else {
                result.append(advisory)
            }
        }
        return result
    }
}

/// Versions and ranges of one package in one record, as a line of text: `=1.0.0` for a version, then for each range
/// `~` and its events.
struct Matching {
    var versions: [String] = []
    var ranges: [[OSVRecord.Event]] = []

    init(_ affected: OSVRecord.Affected) {
        versions = affected.versions
        ranges = affected.ranges
    }

    init?(_ text: String) {
        for word in text.split(separator: " ") {
            let rest = String(word.dropFirst())
            switch word.first {
            case "=": versions.append(rest)
            case "~": ranges.append([])
            case let mark?:
                guard let kind = Self.marks.first(where: { $0.mark == mark })?.kind, !ranges.isEmpty else {
                    return nil
                }
                ranges[ranges.count - 1].append(OSVRecord.Event(kind: kind, version: rest))
            case nil: return nil
            }
        }
    }

    private static let marks: [(kind: OSVRecord.Event.Kind, mark: Character)] = [
        (.introduced, ">"), (.fixed, "<"), (.lastAffected, "!"), (.limit, "^"),
    ]

    var text: String {
        var words = versions.filter { !$0.contains(" ") }.map { "=" + $0 }
        for range in ranges {
            words.append("~")
            for event in range where !event.version.contains(" ") {
                if let mark = Self.marks.first(where: { $0.kind == event.kind })?.mark {
                    words.append("\(mark)\(event.version)")
                }
            }
        }
        return words.joined(separator: " ")
    }
}
