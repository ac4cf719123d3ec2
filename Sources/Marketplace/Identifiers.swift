/// An identifier's rule: 2 to 40 characters, lower-case letters, digits and single hyphens, a letter first, no
/// hyphen last. Narrow on purpose: ids become folder names, URLs and host labels.
enum IdentifierRule {
    static let lengthMin = 2
    static let lengthMax = 40

    static func holds(_ text: some StringProtocol) -> Bool {
        text.utf8.withContiguousStorageIfAvailable(holds) ?? Array(text.utf8).withUnsafeBufferPointer(holds)
    }

    private static func holds(_ units: UnsafeBufferPointer<UInt8>) -> Bool {
        guard (lengthMin...lengthMax).contains(units.count) else { return false }
        guard let first = units.first, isLetter(first), units.last != hyphen else { return false }
        var previous: UInt8 = 0
        for unit in units {
            guard isLetter(unit) || isDigit(unit) || (unit == hyphen && previous != hyphen) else {
                return false
            }
            previous = unit
        }
        return true
    }

    static let hyphen = UInt8(ascii: "-")
    static func isLetter(_ unit: UInt8) -> Bool { (UInt8(ascii: "a")...UInt8(ascii: "z")).contains(unit) }
    static func isDigit(_ unit: UInt8) -> Bool { (UInt8(ascii: "0")...UInt8(ascii: "9")).contains(unit) }
}

/// A name that follows the identifier rule and is written as plain text everywhere.
public protocol Identifier: Hashable, Sendable, Comparable, CustomStringConvertible, Codable {
    var text: String { get }
    init?(_ text: String)
}

extension Identifier {
    public var description: String { text }
    public static func < (a: Self, b: Self) -> Bool { a.text < b.text }

    public init(from decoder: any Decoder) throws {
        let text = try decoder.singleValueContainer().decode(String.self)
        guard let value = Self(text) else {
            throw DecodingError.dataCorrupted(
                .init(codingPath: decoder.codingPath, debugDescription: "not a valid identifier: \(text)"))
        }
        self = value
    }

    public func encode(to encoder: any Encoder) throws {
        var container = encoder.singleValueContainer()
        try container.encode(text)
    }
}

/// The first half of a plugin's id, for example `veroforge`.
public struct PublisherID: Identifier {
    public let text: String
    public init?(_ text: String) {
        guard IdentifierRule.holds(text) else { return nil }
        self.text = text
    }
}

/// A customer of the marketplace: one generated application with its data.
public struct TenantID: Identifier {
    public let text: String
    public init?(_ text: String) {
        guard IdentifierRule.holds(text) else { return nil }
        self.text = text
    }
}

/// `publisher.name`, for example `veroforge.slack`.
public struct PluginID: Identifier {
    public let text: String
    public let publisher: PublisherID

    public var name: String { String(Substring(text.utf8.dropFirst(publisher.text.utf8.count + 1))) }

    public init?(_ text: String) {
        guard let dot = text.utf8.firstIndex(of: UInt8(ascii: ".")),
            let publisher = PublisherID(String(text[..<dot])),
            IdentifierRule.holds(text[text.index(after: dot)...])
        else { return nil }
        self.text = text
        self.publisher = publisher
    }

    // The publisher is a part of the text.
    public static func == (a: PluginID, b: PluginID) -> Bool { a.text == b.text }
    public func hash(into hasher: inout Hasher) { hasher.combine(text) }
}
