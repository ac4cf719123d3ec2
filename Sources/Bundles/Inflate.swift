/// Raw DEFLATE (RFC 1951) in safe Swift, for what must be counted exactly: gzip members and decoded payloads.
public enum Inflate {
    public enum Failure: Error, Equatable, Sendable { case truncated, malformed, tooLarge }

    /// A canonical Huffman code, decoded by counting (RFC 1951 §3.2.2).
    private struct Code {
        var count = [UInt16](repeating: 0, count: 16)
        var symbol: [UInt16]

        /// Returns nil where the lengths describe more codes than there are bits for.
        init?(lengths: ArraySlice<UInt8>) {
            symbol = [UInt16](repeating: 0, count: lengths.count)
            for length in lengths { count[Int(length)] += 1 }
            count[0] = 0
            var left = 1
            for length in 1..<16 {
                left = left << 1 - Int(count[length])
                if left < 0 { return nil }
            }
            var offsets = [Int](repeating: 0, count: 16)
            for length in 1..<15 { offsets[length + 1] = offsets[length] + Int(count[length]) }
            for (index, length) in lengths.enumerated() where length != 0 {
                symbol[offsets[Int(length)]] = UInt16(index)
                offsets[Int(length)] += 1
            }
        }
    }

    private static let lengthBase: [Int] = [
        3, 4, 5, 6, 7, 8, 9, 10, 11, 13, 15, 17, 19, 23, 27, 31, 35, 43, 51, 59, 67, 83, 99, 115, 131, 163,
        195, 227,
        258,
    ]
    private static let lengthExtra: [Int] = [
        0, 0, 0, 0, 0, 0, 0, 0, 1, 1, 1, 1, 2, 2, 2, 2, 3, 3, 3, 3, 4, 4, 4, 4, 5, 5, 5, 5, 0,
    ]
    private static let distanceBase: [Int] = [
        1, 2, 3, 4, 5, 7, 9, 13, 17, 25, 33, 49, 65, 97, 129, 193, 257, 385, 513, 769, 1025, 1537, 2049, 3073,
        4097,
        6145, 8193, 12289, 16385, 24577,
    ]
    private static let distanceExtra: [Int] = [
        0, 0, 0, 0, 1, 1, 2, 2, 3, 3, 4, 4, 5, 5, 6, 6, 7, 7, 8, 8, 9, 9, 10, 10, 11, 11, 12, 12, 13, 13,
    ]
    private static let order: [Int] = [16, 17, 18, 0, 8, 7, 9, 6, 10, 5, 11, 4, 12, 3, 13, 2, 14, 1, 15]

    private struct Reader {
        let input: ArraySlice<UInt8>
        var position: Int
        var hold: UInt32 = 0
        var bits = 0
        var output: [UInt8] = []
        let limit: Int
        /// Where the bytes go as they come; without it they stay in `output`.
        let sink: ((ArraySlice<UInt8>) -> Void)?
        /// How many were taken out of `output`, and how many of those in it were handed over.
        private var removed = 0
        private var handed = 0

        init(input: ArraySlice<UInt8>, limit: Int, sink: ((ArraySlice<UInt8>) -> Void)? = nil) {
            self.input = input
            self.limit = limit
            self.sink = sink
            position = input.startIndex
        }

        private static let windowBytes = 32_768
        private static let drainBytes = 1 << 20

        /// How many bytes there were so far.
        var total: Int { removed + output.count }

        /// Hands over what is new and keeps the window that later bytes may be copied from.
        mutating func drain(all: Bool = false) {
            guard let sink, all || output.count >= Self.drainBytes else { return }
            sink(output[handed...])
            let gone = max(0, output.count - Self.windowBytes)
            output.removeFirst(gone)
            removed += gone
            handed = output.count
        }

        mutating func take(_ wanted: Int) throws(Failure) -> Int {
            while bits < wanted {
                guard position < input.endIndex else { throw .truncated }
                hold |= UInt32(input[position]) << UInt32(bits)
                position += 1
                bits += 8
            }
            let value = hold & ((1 << UInt32(wanted)) - 1)
            hold >>= UInt32(wanted)
            bits -= wanted
            return Int(value)
        }

        mutating func decode(_ code: Code) throws(Failure) -> Int {
            var value = 0
            var first = 0
            var index = 0
            for length in 1..<16 {
                value |= try take(1)
                let count = Int(code.count[length])
                if value - count < first { return Int(code.symbol[index + value - first]) }
                index += count
                first = (first + count) << 1
                value <<= 1
            }
            throw .malformed
        }

        mutating func stored() throws(Failure) {
            hold = 0
            bits = 0
            guard position + 4 <= input.endIndex else { throw .truncated }
            let length = Int(input[position]) | Int(input[position + 1]) << 8
            let check = Int(input[position + 2]) | Int(input[position + 3]) << 8
            guard length == ~check & 0xFFFF else { throw .malformed }
            position += 4
            guard position + length <= input.endIndex else { throw .truncated }
            guard total + length <= limit else { throw .tooLarge }
            output.append(contentsOf: input[position..<position + length])
            position += length
            drain()
        }

        mutating func block(_ literals: Code, _ distances: Code) throws(Failure) {
            while true {
                let symbol = try decode(literals)
                if symbol < 256 {
                    guard total < limit else { throw .tooLarge }
                    output.append(UInt8(symbol))
                } else if symbol == 256 {
                    return
                } else {
                    guard symbol - 257 < 29 else { throw .malformed }
                    let length =
                        try Inflate.lengthBase[symbol - 257] + take(Inflate.lengthExtra[symbol - 257])
                    let code = try decode(distances)
                    guard code < 30 else { throw .malformed }
                    let distance = try Inflate.distanceBase[code] + take(Inflate.distanceExtra[code])
                    guard distance <= output.count else { throw .malformed }
                    guard total + length <= limit else { throw .tooLarge }
                    var from = output.count - distance
                    for _ in 0..<length {
                        output.append(output[from])
                        from += 1
                    }
                }
                drain()
            }
        }

        mutating func dynamicCodes() throws(Failure) -> (Code, Code) {
            let literalCount = try take(5) + 257
            let distanceCount = try take(5) + 1
            let codeCount = try take(4) + 4
            guard literalCount <= 286, distanceCount <= 30 else { throw .malformed }
            var lengths = [UInt8](repeating: 0, count: 19)
            for index in 0..<codeCount { lengths[Inflate.order[index]] = try UInt8(take(3)) }
            guard let lengthCode = Code(lengths: lengths[...]) else { throw .malformed }
            var all = [UInt8](repeating: 0, count: literalCount + distanceCount)
            var index = 0
            while index < all.count {
                let symbol = try decode(lengthCode)
                if symbol < 16 {
                    all[index] = UInt8(symbol)
                    index += 1
                    continue
                }
                var value: UInt8 = 0
                var times = 0
                switch symbol {
                case 16:
                    guard index > 0 else { throw .malformed }
                    value = all[index - 1]
                    times = try 3 + take(2)
                case 17: times = try 3 + take(3)
                default: times = try 11 + take(7)
                }
                guard index + times <= all.count else { throw .malformed }
                for _ in 0..<times {
                    all[index] = value
                    index += 1
                }
            }
            guard let literals = Code(lengths: all[..<literalCount]),
                let distances = Code(lengths: all[literalCount...])
            else { throw .malformed }
            return (literals, distances)
        }
    }

    private static let fixedCodes: (Code, Code)? = {
        var lengths = [UInt8](repeating: 8, count: 288)
        for index in 144..<256 { lengths[index] = 9 }
        for index in 256..<280 { lengths[index] = 7 }
        guard let literals = Code(lengths: lengths[...]),
            let distances = Code(lengths: [UInt8](repeating: 5, count: 30)[...])
        else { return nil }
        return (literals, distances)
    }()

    /// The first bytes of a raw stream; nil where there are fewer or they are damaged.
    static func prefix(_ input: ArraySlice<UInt8>, count: Int) -> [UInt8]? {
        var reader = Reader(input: input, limit: count + 65_536)
        while reader.output.count < count {
            guard let isLast = try? reader.take(1), let kind = try? reader.take(2) else { break }
            do {
                switch kind {
                case 0: try reader.stored()
                case 1:
                    guard let codes = fixedCodes else { return nil }
                    try reader.block(codes.0, codes.1)
                case 2:
                    let codes = try reader.dynamicCodes()
                    try reader.block(codes.0, codes.1)
                default: return nil
                }
            } catch {
                // Reaching the limit in the middle of a block still leaves the beginning.
                guard error == .tooLarge else { return nil }
                break
            }
            if isLast == 1 { break }
        }
        return reader.output.count >= count ? Array(reader.output.prefix(count)) : nil
    }

    /// Inflates one raw stream that begins at `input.startIndex`.
    /// - Returns: the bytes, and the index just behind the stream.
    public static func inflate(_ input: ArraySlice<UInt8>, limit: Int) throws(Failure) -> (
        output: [UInt8], end: Int
    ) {
        var reader = Reader(input: input, limit: limit)
        try run(&reader)
        return (reader.output, reader.position - reader.bits / 8)
    }

    /// The same without room for the whole: the bytes are handed over as they come.
    /// - Returns: the index just behind the stream.
    static func inflate(
        _ input: ArraySlice<UInt8>, limit: Int, to sink: @escaping (ArraySlice<UInt8>) -> Void
    ) throws(Failure) -> Int {
        var reader = Reader(input: input, limit: limit, sink: sink)
        try run(&reader)
        reader.drain(all: true)
        return reader.position - reader.bits / 8
    }

    private static func run(_ reader: inout Reader) throws(Failure) {
        var isLast = false
        while !isLast {
            isLast = try reader.take(1) == 1
            switch try reader.take(2) {
            case 0: try reader.stored()
            case 1:
                guard let codes = fixedCodes else { throw .malformed }
                try reader.block(codes.0, codes.1)
            case 2:
                let codes = try reader.dynamicCodes()
                try reader.block(codes.0, codes.1)
            default: throw .malformed
            }
        }
    }
}
