/// A range of versions in npm's language: `^1.2`, `~1.2.3`, `1.x`, `1.2 - 2.3`, `>=1 <3`, `a || b`.
///
/// A prerelease is inside only if some comparator of the same set names a prerelease of the same
/// major.minor.patch, as npm does, so that nobody is given a beta by accident.
public struct VersionRange: Hashable, Sendable, CustomStringConvertible, Codable {
    enum Operator: String, Sendable {
        case less = "<"
        case lessOrEqual = "<="
        case greater = ">"
        case greaterOrEqual = ">="
        case equal = "="
    }

    struct Comparator: Hashable, Sendable {
        let op: Operator
        let version: Version

        func holds(_ candidate: Version) -> Bool {
            let order = candidate.compare(version)
            return switch op {
            case .less: order < 0
            case .lessOrEqual: order <= 0
            case .greater: order > 0
            case .greaterOrEqual: order >= 0
            case .equal: order == 0
            }
        }
    }

    /// Any of these sets must hold whole; the empty set holds for every release.
    let sets: [[Comparator]]
    public let description: String

    public static let any = VersionRange("*")!

    public static func exactly(_ version: Version) -> VersionRange { VersionRange("=\(version)")! }

    /// `nil` if the text is no range. At most 256 bytes.
    public init?(_ text: String) {
        guard text.utf8.count <= 256 else { return nil }
        var sets: [[Comparator]] = []
        for alternative in VersionRange.alternatives(text) {
            guard let set = RangeParser.set(alternative) else { return nil }
            sets.append(set)
        }
        // As npm does: where one alternative is everything, the range is everything, and the prereleases that other
        // alternatives name are not let in.
        let floor = Comparator(op: .greaterOrEqual, version: Version(0, 0, 0))
        self.sets = sets.contains { $0.allSatisfy { $0 == floor } } ? [[]] : sets
        self.description = text
    }

    public func contains(_ version: Version) -> Bool {
        sets.contains { set in
            guard set.allSatisfy({ $0.holds(version) }) else { return false }
            guard version.isPrerelease else { return true }
            return set.contains { comparator in
                comparator.version.isPrerelease && comparator.version.major == version.major
                    && comparator.version.minor == version.minor && comparator.version.patch == version.patch
            }
        }
    }

    /// Whether some version lies in both. Each is a union of intervals: where two meet, the lowest version of the
    /// meeting is the lower end of one of them.
    public func meets(_ other: VersionRange) -> Bool {
        for a in sets {
            for b in other.sets where RangeParser.isSatisfiable(a) && RangeParser.isSatisfiable(b) {
                if RangeParser.isSatisfiable(a + b) { return true }
            }
        }
        return false
    }

    /// The lowest release of each of its intervals, or the one directly above where the end itself is left out.
    public var lowerEnds: [Version] {
        sets.flatMap { set -> [Version] in
            let ends = set.compactMap { comparator -> Version? in
                let version = comparator.version
                return switch comparator.op {
                case .greaterOrEqual, .equal: version
                case .greater:
                    Version(version.major, version.minor, version.patch + (version.isPrerelease ? 0 : 1))
                case .less, .lessOrEqual: nil
                }
            }
            return ends.isEmpty ? [Version(0, 0, 0)] : ends
        }
    }

    private static func alternatives(_ text: String) -> [String] {
        var out: [String] = [""]
        var previousBar = false
        for character in text {
            if character == "|" {
                if previousBar {
                    out.append("")
                    previousBar = false
                } else {
                    previousBar = true
                }
            } else {
                if previousBar { out[out.count - 1].append("|") }
                previousBar = false
                out[out.count - 1].append(character)
            }
        }
        if previousBar { out[out.count - 1].append("|") }
        return out
    }

    public init(from decoder: any Decoder) throws {
        let text = try decoder.singleValueContainer().decode(String.self)
        guard let range = VersionRange(text) else {
            throw DecodingError.dataCorrupted(
                .init(codingPath: decoder.codingPath, debugDescription: "not a version range: \(text)"))
        }
        self = range
    }

    public func encode(to encoder: any Encoder) throws {
        var container = encoder.singleValueContainer()
        try container.encode(description)
    }
}

/// Turns npm's sugar into plain comparators.
enum RangeParser {
    typealias Comparator = VersionRange.Comparator

    /// A version of which trailing numbers may be missing or `x`.
    struct Partial {
        var major: UInt64?
        var minor: UInt64?
        var patch: UInt64?
        var prerelease: [Version.Part] = []

        var floor: Version {
            Version(major ?? 0, minor ?? 0, patch ?? 0, prerelease: patch == nil ? [] : prerelease)
        }
        /// The first version past everything that this partial stands for; `-0` keeps its prereleases out.
        var ceiling: Version? {
            guard let major else { return nil }
            guard let minor else { return Version(major + 1, 0, 0, prerelease: [.number(0)]) }
            return Version(major, minor + 1, 0, prerelease: [.number(0)])
        }
    }

    /// Whether lower and upper ends leave anything between them.
    static func isSatisfiable(_ set: [Comparator]) -> Bool {
        for low in set where low.op == .greater || low.op == .greaterOrEqual || low.op == .equal {
            for high in set where high.op == .less || high.op == .lessOrEqual || high.op == .equal {
                let order = low.version.compare(high.version)
                let touches =
                    low.op != .greater && high.op != .less
                if order > 0 || order == 0 && !touches { return false }
            }
        }
        // Nothing lies below the first of all versions.
        return !set.contains {
            $0.op == .less && $0.version.compare(Version(0, 0, 0, prerelease: [.number(0)])) <= 0
        }
    }

    static func set(_ text: String) -> [Comparator]? {
        let words = glued(text.split(whereSeparator: \.isWhitespace).map(String.init))
        if words.count == 3, words[1] == "-" { return hyphen(words[0], words[2]) }
        var out: [Comparator] = []
        for word in words {
            guard let comparators = simple(word) else { return nil }
            out += comparators
        }
        return out
    }

    /// `> 1.2` is written with a space as often as without.
    private static func glued(_ words: [String]) -> [String] {
        var out: [String] = []
        var prefix = ""
        for word in words {
            if ["<", "<=", ">", ">=", "=", "^", "~", "~>", "v", "=v"].contains(word) {
                prefix += word
            } else {
                out.append(prefix + word)
                prefix = ""
            }
        }
        if !prefix.isEmpty { out.append(prefix) }
        return out
    }

    private static func hyphen(_ low: String, _ high: String) -> [Comparator]? {
        guard let from = partial(low), let to = partial(high) else { return nil }
        var out: [Comparator] = []
        if from.major != nil { out.append(Comparator(op: .greaterOrEqual, version: from.floor)) }
        if to.patch != nil {
            out.append(Comparator(op: .lessOrEqual, version: to.floor))
        } else if let ceiling = to.ceiling {
            out.append(Comparator(op: .less, version: ceiling))
        }
        return out
    }

    private static func simple(_ word: String) -> [Comparator]? {
        for (prefix, make) in prefixes where word.hasPrefix(prefix) {
            guard let partial = partial(String(word.dropFirst(prefix.count))) else { return nil }
            return make(partial)
        }
        return partial(word).map(equal)
    }

    private static let prefixes: [(String, @Sendable (Partial) -> [Comparator])] = [
        ("^", caret), ("~>", tilde), ("~", tilde), (">=", { atLeast($0) }), ("<=", atMost), (">", above),
        ("<", below), ("=", equal),
    ]

    private static func equal(_ p: Partial) -> [Comparator] {
        if p.patch != nil { return [Comparator(op: .equal, version: p.floor)] }
        return atLeast(p) + (p.ceiling.map { [Comparator(op: .less, version: $0)] } ?? [])
    }

    private static func atLeast(_ p: Partial) -> [Comparator] {
        p.major == nil ? [] : [Comparator(op: .greaterOrEqual, version: p.floor)]
    }

    private static func atMost(_ p: Partial) -> [Comparator] {
        if p.patch != nil { return [Comparator(op: .lessOrEqual, version: p.floor)] }
        return p.ceiling.map { [Comparator(op: .less, version: $0)] } ?? []
    }

    /// Nothing is above or below everything: an empty interval says so.
    private static let nothing = Comparator(op: .less, version: Version(0, 0, 0, prerelease: [.number(0)]))

    private static func above(_ p: Partial) -> [Comparator] {
        guard p.major != nil else { return [nothing] }
        guard p.patch == nil else { return [Comparator(op: .greater, version: p.floor)] }
        let next = p.minor == nil ? Version(p.major! + 1, 0, 0) : Version(p.major!, p.minor! + 1, 0)
        return [Comparator(op: .greaterOrEqual, version: next)]
    }

    private static func below(_ p: Partial) -> [Comparator] {
        guard p.major != nil else { return [nothing] }
        guard p.patch == nil else { return [Comparator(op: .less, version: p.floor)] }
        let first = Version(p.major!, p.minor ?? 0, 0, prerelease: [.number(0)])
        return [Comparator(op: .less, version: first)]
    }

    private static func tilde(_ p: Partial) -> [Comparator] {
        atLeast(p) + (p.ceiling.map { [Comparator(op: .less, version: $0)] } ?? [])
    }

    private static func caret(_ p: Partial) -> [Comparator] {
        guard let major = p.major else { return [] }
        let zero: [Version.Part] = [.number(0)]
        let limit: Version
        if major > 0 || p.minor == nil {
            limit = Version(major + 1, 0, 0, prerelease: zero)
        } else if p.minor! > 0 || p.patch == nil {
            limit = Version(0, p.minor! + 1, 0, prerelease: zero)
        } else {
            limit = Version(0, 0, p.patch! + 1, prerelease: zero)
        }
        return atLeast(p) + [Comparator(op: .less, version: limit)]
    }

    static func partial(_ text: String) -> Partial? {
        var rest = Substring(text.drop { $0 == "v" || $0 == "=" })
        if let plus = rest.firstIndex(of: "+") {
            guard
                rest[rest.index(after: plus)...].split(separator: ".", omittingEmptySubsequences: false)
                    .allSatisfy(Version.isWord)
            else { return nil }
            rest = rest[..<plus]
        }
        var out = Partial()
        if let hyphen = rest.firstIndex(of: "-") {
            for part in rest[rest.index(after: hyphen)...].split(
                separator: ".", omittingEmptySubsequences: false)
            {
                guard let part = Version.part(part) else { return nil }
                out.prerelease.append(part)
            }
            rest = rest[..<hyphen]
        }
        if rest.isEmpty { return out.prerelease.isEmpty ? out : nil }
        var open = false
        let numbers = rest.split(separator: ".", omittingEmptySubsequences: false)
        guard numbers.count <= 3 else { return nil }
        for (index, number) in numbers.enumerated() {
            if ["x", "X", "*"].contains(number) {
                open = true
                continue
            }
            guard let value = Version.number(number) else { return nil }
            // What follows an x is an x: `1.x.3` means `1.x`.
            if open { continue }
            switch index {
            case 0: out.major = value
            case 1: out.minor = value
            default: out.patch = value
            }
        }
        return out
    }
}
