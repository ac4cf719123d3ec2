internal import FoundationEssentials
public import Marketplace
public import Scanning

/// A few OSV records of a folder, held in memory: the seed that comes with the rules is asked without making a store.
public struct AdvisoryFolder: AdvisorySource {
    public let asOf: Instant?
    public var count: Int { records.count }
    /// Withdrawn ones left out, sorted by id.
    private let records: [OSVRecord]

    /// - Parameter path: a folder whose `.json` files hold one record each.
    public init(_ path: String) throws(AdvisoryError) {
        guard let names = try? FileManager.default.contentsOfDirectory(atPath: path) else {
            throw AdvisoryError(.notFound, subject: path, cause: "the folder cannot be read")
        }
        var all: [OSVRecord] = []
        for name in names where name.hasSuffix(".json") {
            guard let data = FileManager.default.contents(atPath: path + "/" + name) else {
                throw AdvisoryError(.notFound, subject: path + "/" + name, cause: "the file cannot be read")
            }
            all.append(try OSVRecord([UInt8](data), name: name))
        }
        asOf = all.compactMap(\.modified).max()
        records = all.filter { !$0.isWithdrawn && !$0.affected.isEmpty }.sorted { $0.id < $1.id }
        guard !records.isEmpty else {
            throw AdvisoryError(.empty, subject: path, cause: "there is no npm record in it")
        }
    }

    public func advisories(package: String, version: Version) -> [Advisory] {
        find(package, fixedAbove: version) {
            OSVMatch.isAffected(version, versions: $0.versions, ranges: $0.ranges)
        }
    }

    public func advisories(package: String, within range: VersionRange) -> [Advisory] {
        find(package, fixedAbove: nil) {
            OSVMatch.mayAffect(range, versions: $0.versions, ranges: $0.ranges)
        }
    }

    private func find(
        _ package: String, fixedAbove version: Version?, _ applies: (OSVRecord.Affected) -> Bool
    ) -> [Advisory] {
        var found: [Advisory] = []
        for record in records {
            for place in record.affected where place.package == package && applies(place) {
                found.append(
                    Advisory(
                        id: record.id, aliases: record.aliases, package: package, summary: record.summary,
                        severity: record.severity, isMalicious: record.isMalicious,
                        fixed: version.flatMap { OSVMatch.fixed($0, ranges: place.ranges) }))
            }
        }
        return Advisory.merged(found)
    }
}
