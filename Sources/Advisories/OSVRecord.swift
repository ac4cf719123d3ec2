internal import Marketplace
internal import Scanning

/// One OSV record, reduced to what a look-up needs: its npm packages with versions and ranges.
struct OSVRecord {
    struct Event {
        enum Kind: String {
            case introduced, fixed
            case lastAffected = "last_affected"
            case limit
        }
        var kind: Kind
        var version: String
    }

    struct Affected {
        var package: String
        var versions: [String]
        /// Each range's events as they stand in the record.
        var ranges: [[Event]]
    }

    var id: String
    var aliases: [String]
    var modified: Instant?
    var isWithdrawn: Bool
    var summary: String
    var severity: Severity
    var isMalicious: Bool
    var affected: [Affected]

    init(_ bytes: [UInt8], name: String) throws(AdvisoryError) {
        let document: JSONValue
        do {
            document = try JSONValue.parse(bytes)
        } catch {
            throw AdvisoryError(.badRecord, subject: name, cause: error.description)
        }
        guard let id = document["id"]?.stringValue, !id.isEmpty else {
            throw AdvisoryError(.badRecord, subject: name, cause: "it has no id")
        }
        self.id = id
        aliases = (document["aliases"]?.arrayValue ?? []).compactMap(\.stringValue).sorted()
        modified = document["modified"]?.stringValue.flatMap { Instant($0) }
        isWithdrawn = document["withdrawn"]?.stringValue != nil
        let text = document["summary"]?.stringValue ?? document["details"]?.stringValue ?? id
        summary = String(text.prefix(300)).split(separator: "\n").first.map(String.init) ?? id
        // CWE-506: embedded malicious code.
        let weaknesses = (document["database_specific"]?["cwe_ids"]?.arrayValue ?? []).compactMap(
            \.stringValue)
        isMalicious = id.hasPrefix("MAL-") || weaknesses.contains("CWE-506")
        severity = Self.severity(document)
        affected = []
        for item in document["affected"]?.arrayValue ?? [] {
            guard item["package"]?["ecosystem"]?.stringValue == "npm",
                let package = item["package"]?["name"]?.stringValue
            else { continue }
            var ranges: [[Event]] = []
            for range in item["ranges"]?.arrayValue ?? [] {
                guard let type = range["type"]?.stringValue, type == "SEMVER" || type == "ECOSYSTEM" else {
                    continue
                }
                var events: [Event] = []
                for event in range["events"]?.arrayValue ?? [] {
                    for (key, value) in (event.objectValue ?? [:]).sorted(by: { $0.key < $1.key }) {
                        guard let kind = Event.Kind(rawValue: key), let version = value.stringValue else {
                            continue
                        }
                        events.append(Event(kind: kind, version: version))
                    }
                }
                ranges.append(events)
            }
            affected.append(
                Affected(
                    package: package,
                    versions: (item["versions"]?.arrayValue ?? []).compactMap(\.stringValue), ranges: ranges))
        }
    }

    private static func severity(_ document: JSONValue) -> Severity {
        switch document["database_specific"]?["severity"]?.stringValue?.lowercased() {
        case "critical": return .critical
        case "high": return .high
        case "moderate", "medium": return .medium
        case "low": return .low
        default: break
        }
        for item in document["severity"]?.arrayValue ?? [] {
            if let vector = item["score"]?.stringValue, let score = CVSS.score(vector) {
                return CVSS.severity(score)
            }
        }
        return .high
    }
}

/// The base score of CVSS 3, from its vector.
enum CVSS {
    static func severity(_ score: Double) -> Severity {
        score >= 9 ? .critical : score >= 7 ? .high : score >= 4 ? .medium : score > 0 ? .low : .info
    }

    static func score(_ vector: String) -> Double? {
        guard vector.hasPrefix("CVSS:3") else { return nil }
        var values: [String: String] = [:]
        for part in vector.split(separator: "/").dropFirst() {
            let pair = part.split(separator: ":")
            if pair.count == 2 { values[String(pair[0])] = String(pair[1]) }
        }
        let changed = values["S"] == "C"
        let weights: [String: [String: Double]] = [
            "AV": ["N": 0.85, "A": 0.62, "L": 0.55, "P": 0.2], "AC": ["L": 0.77, "H": 0.44],
            "PR": changed ? ["N": 0.85, "L": 0.68, "H": 0.5] : ["N": 0.85, "L": 0.62, "H": 0.27],
            "UI": ["N": 0.85, "R": 0.62], "C": ["H": 0.56, "L": 0.22, "N": 0],
            "I": ["H": 0.56, "L": 0.22, "N": 0],
            "A": ["H": 0.56, "L": 0.22, "N": 0],
        ]
        func weight(_ key: String) -> Double? { values[key].flatMap { weights[key]?[$0] } }
        guard let av = weight("AV"), let ac = weight("AC"), let pr = weight("PR"), let ui = weight("UI"),
            let c = weight("C"), let i = weight("I"), let a = weight("A")
        else { return nil }
        let base = 1 - (1 - c) * (1 - i) * (1 - a)
        var power = 1.0
        for _ in 0..<15 { power *= base - 0.02 }
        let impact = changed ? 7.52 * (base - 0.029) - 3.25 * power : 6.42 * base
        guard impact > 0 else { return 0 }
        let exploitability = 8.22 * av * ac * pr * ui
        let sum = min((changed ? 1.08 : 1) * (impact + exploitability), 10)
        let scaled = Int((sum * 100_000).rounded())
        return scaled % 10_000 == 0 ? Double(scaled) / 100_000 : Double(scaled / 10_000 + 1) / 10
    }
}

/// Whether a version is affected (OSV schema, "Evaluation").
enum OSVMatch {
    static func isAffected(_ version: Version, versions: [String], ranges: [[OSVRecord.Event]]) -> Bool {
        if versions.contains(where: {
            $0 == version.description || Version($0).map { $0 == version } ?? false
        }) {
            return true
        }
        return ranges.contains { isAffected(version, events: $0) }
    }

    private static func isAffected(_ version: Version, events: [OSVRecord.Event]) -> Bool {
        let limits = events.filter { $0.kind == .limit && $0.version != "*" }
        if !limits.isEmpty, !limits.contains(where: { Version($0.version).map { version < $0 } ?? true }) {
            return false
        }
        // `0` stands before everything; what is no version at all says nothing.
        let sorted = events.filter { $0.kind != .limit }.compactMap { event -> (Version?, OSVRecord.Event)? in
            if event.version == "0" { return (nil, event) }
            return Version(event.version).map { ($0, event) }
        }.sorted { a, b in
            guard let x = a.0 else { return b.0 != nil }
            guard let y = b.0 else { return false }
            return x.compare(y) < 0
        }
        var affected = false
        for (at, event) in sorted {
            switch event.kind {
            case .introduced: if at.map({ version.compare($0) >= 0 }) ?? true { affected = true }
            case .fixed: if let at, version.compare(at) >= 0 { affected = false }
            case .lastAffected: if let at, version.compare(at) > 0 { affected = false }
            case .limit: break
            }
        }
        return affected
    }

    /// Whether some version that a range allows is affected. Both are unions of intervals: where two meet, the lowest
    /// version of the meeting is the lower end of one of them, so those ends are all that must be tried.
    static func mayAffect(_ range: VersionRange, versions: [String], ranges: [[OSVRecord.Event]]) -> Bool {
        var candidates = versions.compactMap { Version($0) } + range.lowerEnds
        for event in ranges.joined() where event.kind == .introduced || event.kind == .lastAffected {
            candidates.append(
                event.version == "0" ? Version(0, 0, 0) : Version(event.version) ?? Version(0, 0, 0))
        }
        return candidates.contains {
            range.contains($0) && isAffected($0, versions: versions, ranges: ranges)
        }
    }

    /// The lowest mended version above one that is affected.
    static func fixed(_ version: Version, ranges: [[OSVRecord.Event]]) -> String? {
        let all = ranges.flatMap { $0 }.filter { $0.kind == .fixed }.compactMap { Version($0.version) }
        return all.filter { $0 > version }.min()?.description
    }
}
