/// A SemVer 2.0.0 version. Comparison is by precedence, so build metadata does not count there; equality does.
public struct Version: Hashable, Sendable, Comparable, CustomStringConvertible, Codable {
    /// One dot-separated part of a prerelease: numbers compare as numbers and stand before words.
    public enum Part: Hashable, Sendable, Comparable {
        case number(UInt64)
        case word(String)

        public static func < (a: Part, b: Part) -> Bool {
            switch (a, b) {
            case (.number(let x), .number(let y)): x < y
            case (.word(let x), .word(let y)): Array(x.utf8).lexicographicallyPrecedes(Array(y.utf8))
            case (.number, .word): true
            case (.word, .number): false
            }
        }
    }

    public let major: UInt64
    public let minor: UInt64
    public let patch: UInt64
    public let prerelease: [Part]
    public let build: [String]

    public init(
        _ major: UInt64, _ minor: UInt64, _ patch: UInt64, prerelease: [Part] = [], build: [String] = []
    ) {
        self.major = major
        self.minor = minor
        self.patch = patch
        self.prerelease = prerelease
        self.build = build
    }

    /// Strict SemVer 2: three numbers without leading zeros; at most 256 bytes; `nil` for anything else.
    public init?(_ text: String) {
        guard text.utf8.count <= 256 else { return nil }
        var rest = Substring(text)
        var build: [String] = []
        if let plus = rest.firstIndex(of: "+") {
            build = rest[rest.index(after: plus)...].split(separator: ".", omittingEmptySubsequences: false)
                .map(
                    String.init)
            guard build.allSatisfy(Version.isWord) else { return nil }
            rest = rest[..<plus]
        }
        var prerelease: [Part] = []
        if let hyphen = rest.firstIndex(of: "-") {
            for part in rest[rest.index(after: hyphen)...].split(
                separator: ".", omittingEmptySubsequences: false)
            {
                guard let part = Version.part(part) else { return nil }
                prerelease.append(part)
            }
            rest = rest[..<hyphen]
        }
        let numbers = rest.split(separator: ".", omittingEmptySubsequences: false).map(Version.number)
        guard numbers.count == 3, let major = numbers[0], let minor = numbers[1], let patch = numbers[2]
        else {
            return nil
        }
        self.init(major, minor, patch, prerelease: prerelease, build: build)
    }

    public var isPrerelease: Bool { !prerelease.isEmpty }

    public var description: String {
        var text = "\(major).\(minor).\(patch)"
        if !prerelease.isEmpty {
            text += "-" + prerelease.map(\.text).joined(separator: ".")
        }
        if !build.isEmpty { text += "+" + build.joined(separator: ".") }
        return text
    }

    public static func < (a: Version, b: Version) -> Bool { a.compare(b) < 0 }

    /// −1, 0 or 1 by SemVer precedence: build metadata is ignored, a prerelease stands before its release.
    public func compare(_ other: Version) -> Int {
        for (x, y) in [(major, other.major), (minor, other.minor), (patch, other.patch)] where x != y {
            return x < y ? -1 : 1
        }
        if prerelease.isEmpty || other.prerelease.isEmpty {
            return prerelease.isEmpty == other.prerelease.isEmpty ? 0 : (prerelease.isEmpty ? 1 : -1)
        }
        for (x, y) in zip(prerelease, other.prerelease) where x != y { return x < y ? -1 : 1 }
        return prerelease.count == other.prerelease.count
            ? 0 : (prerelease.count < other.prerelease.count ? -1 : 1)
    }

    public init(from decoder: any Decoder) throws {
        let text = try decoder.singleValueContainer().decode(String.self)
        guard let version = Version(text) else {
            throw DecodingError.dataCorrupted(
                .init(codingPath: decoder.codingPath, debugDescription: "not a SemVer 2 version: \(text)"))
        }
        self = version
    }

    public func encode(to encoder: any Encoder) throws {
        var container = encoder.singleValueContainer()
        try container.encode(description)
    }

    static func number(_ text: some StringProtocol) -> UInt64? {
        guard !text.isEmpty, text.utf8.allSatisfy(IdentifierRule.isDigit) else { return nil }
        guard text.utf8.count == 1 || text.utf8.first != UInt8(ascii: "0") else { return nil }
        // 2⁵³ − 1 is npm's bound, and what JSON numbers carry exactly.
        guard let value = UInt64(text), value <= 9_007_199_254_740_991 else { return nil }
        return value
    }

    static func part(_ text: some StringProtocol) -> Part? {
        guard isWord(text) else { return nil }
        if text.utf8.allSatisfy(IdentifierRule.isDigit) {
            guard text.utf8.count == 1 || text.utf8.first != UInt8(ascii: "0") else { return nil }
            return UInt64(text).map(Part.number)
        }
        return .word(String(text))
    }

    static func isWord(_ text: some StringProtocol) -> Bool {
        !text.isEmpty
            && text.utf8.allSatisfy { unit in
                IdentifierRule.isDigit(unit) || IdentifierRule.isLetter(unit | 0x20)
                    || unit == UInt8(ascii: "-")
            }
    }
}

extension Version.Part {
    public var text: String {
        switch self {
        case .number(let value): String(value)
        case .word(let value): value
        }
    }
}
