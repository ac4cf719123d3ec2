/// The stream that a folder becomes on its way to the worker, and that unpacked files take on their way back.
///
/// `VFENTRY1`, then for each item: one byte of kind, the path's length (4 bytes, big-endian), the path, the content's
/// length (8 bytes, big-endian), the content; at last one byte `E` and the number of items (4 bytes). The same form
/// carries the rules, so that one small reader serves all three.
public enum EntryStream {
    public enum Kind: UInt8, Sendable {
        case file = 0x46
        /// Seen and not read; the content says why.
        case skipped = 0x53
    }

    public struct Item: Equatable, Sendable {
        public let kind: Kind
        public let path: String
        public let bytes: [UInt8]

        public init(kind: Kind = .file, path: String, bytes: [UInt8]) {
            self.kind = kind
            self.path = path
            self.bytes = bytes
        }
    }

    static let magic = Array("VFENTRY1".utf8)

    public static func isStream(_ bytes: [UInt8]) -> Bool { bytes.starts(with: magic, at: 0) }

    public static func encode(_ items: [Item]) -> [UInt8] {
        var output: [UInt8] = []
        output.reserveCapacity(items.reduce(32) { $0 + $1.path.utf8.count + $1.bytes.count + 13 })
        write(items.sorted { $0.path < $1.path }) { output += $0 }
        return output
    }

    /// The same in pieces, for what need not be in memory at once.
    /// - Parameter items: in the order of their paths.
    public static func write(_ items: some Sequence<Item>, to sink: ([UInt8]) -> Void) {
        func number(_ value: Int, _ count: Int) -> [UInt8] {
            stride(from: (count - 1) * 8, through: 0, by: -8).map { UInt8(truncatingIfNeeded: value >> $0) }
        }
        sink(magic)
        var count = 0
        for item in items {
            sink(
                [item.kind.rawValue] + number(item.path.utf8.count, 4) + Array(item.path.utf8)
                    + number(item.bytes.count, 8))
            sink(item.bytes)
            count += 1
        }
        sink([0x45] + number(count, 4))
    }

    public static func decode(_ bytes: [UInt8]) throws(BundleError) -> [Item] {
        guard isStream(bytes) else {
            throw BundleError(.badStream, subject: "entry stream", cause: "the stream does not begin as one")
        }
        var offset = magic.count
        var items: [Item] = []
        func number(_ count: Int) throws(BundleError) -> Int {
            guard offset + count <= bytes.count else {
                throw BundleError(.badStream, subject: "entry stream", cause: "the stream is cut short")
            }
            var value = 0
            for index in offset..<offset + count {
                value = (value & 0x7F_FFFF_FFFF_FFFF) << 8 | Int(bytes[index])
            }
            offset += count
            return value
        }
        func take(_ count: Int) throws(BundleError) -> ArraySlice<UInt8> {
            guard count >= 0, count <= bytes.count - offset else {
                throw BundleError(.badStream, subject: "entry stream", cause: "the stream is cut short")
            }
            defer { offset += count }
            return bytes[offset..<offset + count]
        }
        while true {
            let tag = try UInt8(number(1))
            if tag == 0x45 {
                guard try number(4) == items.count, offset == bytes.count else {
                    throw BundleError(
                        .badStream, subject: "entry stream", cause: "the stream does not end as it says")
                }
                return items
            }
            guard let kind = Kind(rawValue: tag) else {
                throw BundleError(.badStream, subject: "entry stream", cause: "an item is of no known kind")
            }
            let path = try String(decoding: take(number(4)), as: UTF8.self)
            let content = try Array(take(number(8)))
            items.append(Item(kind: kind, path: path, bytes: content))
        }
    }
}
