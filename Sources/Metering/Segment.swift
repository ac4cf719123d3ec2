public import Marketplace
internal import Provenance

/// A segment's place: `usage/<day>/<node>-<sequence>.jsonl`, or `.jsonl.zst` once it is compressed.
public struct SegmentName: Hashable, Sendable, Comparable {
    public let day: Day
    public let node: String
    public let sequence: Int64
    public let compressed: Bool

    public init(day: Day, node: String, sequence: Int64, compressed: Bool = false) {
        self.day = day
        self.node = node
        self.sequence = sequence
        self.compressed = compressed
    }

    /// Reads `<node>-<sequence>.jsonl[.zst]`; nil for any other file name.
    public init?(day: Day, fileName: String) {
        var stem = Substring(fileName)
        compressed = stem.hasSuffix(".zst")
        if compressed { stem = stem.dropLast(4) }
        guard stem.hasSuffix(".jsonl") else { return nil }
        stem = stem.dropLast(6)
        guard let hyphen = stem.lastIndex(of: "-"), let sequence = Int64(stem[stem.index(after: hyphen)...]),
            sequence > 0, SegmentName.isNode(String(stem[..<hyphen])),
            Self.pad(sequence) == stem[stem.index(after: hyphen)...]
        else { return nil }
        self.day = day
        self.node = String(stem[..<hyphen])
        self.sequence = sequence
    }

    public var fileName: String { "\(node)-\(Self.pad(sequence)).jsonl\(compressed ? ".zst" : "")" }
    /// Relative to the usage folder.
    public var path: String { "\(day)/\(fileName)" }

    /// Lower-case letters, digits and hyphens, a letter or digit at both ends, at most 64 bytes.
    public static func isNode(_ text: String) -> Bool {
        let bytes = Array(text.utf8)
        guard !bytes.isEmpty, bytes.count <= 64, bytes.first != 45, bytes.last != 45 else { return false }
        return bytes.allSatisfy { (97...122).contains($0) || (48...57).contains($0) || $0 == 45 }
    }

    /// Eight digits at least, so that names sort as numbers do.
    private static func pad(_ number: Int64) -> String {
        let digits = String(number)
        return String(repeating: "0", count: max(0, 8 - digits.count)) + digits
    }

    public static func < (a: SegmentName, b: SegmentName) -> Bool {
        (a.node, a.sequence, a.day) < (b.node, b.sequence, b.day)
    }
}

/// The first line of a segment.
public struct SegmentHeader: Hashable, Sendable {
    public static let schema: Int64 = 1
    public let node: String
    public let sequence: Int64
    /// The digest in the seal of this node's segment before; nil for the first one.
    public let previous: Digest?

    var line: [UInt8] {
        let previous: JSONValue = previous.map { .string($0.hex) } ?? .null
        let header: JSONValue = [
            "segment": [
                "schema": .integer(Self.schema), "node": .string(node), "sequence": .integer(sequence),
                "previous": previous,
            ]
        ]
        return header.serializedBytes() + [0x0A]
    }

    init(node: String, sequence: Int64, previous: Digest?) {
        self.node = node
        self.sequence = sequence
        self.previous = previous
    }

    /// nil where the line is no header at all; throws where it says `segment` and does not hold.
    init?(line: some Sequence<UInt8>, subject: String) throws(MeteringError) {
        guard let value = try? JSONValue.parse(Array(line)), case .object(let members) = value,
            let segment = members["segment"]
        else { return nil }
        guard members.count == 1, case .object(let fields) = segment, fields.count == 4,
            fields["schema"] == .integer(Self.schema), let node = fields["node"]?.stringValue,
            case .integer(let sequence) = fields["sequence"] ?? .null, SegmentName.isNode(node), sequence > 0
        else { throw MeteringError(.badSegment, subject, "the header is not one of schema \(Self.schema)") }
        switch fields["previous"] {
        case .null: previous = nil
        case .string(let hex):
            guard let digest = Digest(hex: hex) else {
                throw MeteringError(.badSegment, subject, "the header's `previous` is no digest")
            }
            previous = digest
        default: throw MeteringError(.badSegment, subject, "the header has no `previous`")
        }
        self.node = node
        self.sequence = sequence
    }
}

/// The last line of a segment: how many events stand before it, and the SHA-256 of all bytes before it.
public struct SegmentSeal: Hashable, Sendable {
    public let count: Int64
    public let sha256: Digest

    var line: [UInt8] {
        let seal: JSONValue = ["seal": ["count": .integer(count), "sha256": .string(sha256.hex)]]
        return seal.serializedBytes() + [0x0A]
    }

    init(count: Int64, sha256: Digest) {
        self.count = count
        self.sha256 = sha256
    }

    init?(line: some Sequence<UInt8>) {
        guard let value = try? JSONValue.parse(Array(line)), case .object(let members) = value,
            members.count == 1,
            case .object(let fields) = members["seal"], fields.count == 2,
            case .integer(let count) = fields["count"] ?? .null, count >= 0,
            let sha256 = fields["sha256"]?.stringValue.flatMap({ Digest(hex: $0) })
        else { return nil }
        self.count = count
        self.sha256 = sha256
    }
}
