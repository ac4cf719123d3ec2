/// PNG files of our own drawing, and strangers' PNG files made anew from what draws them.
enum PNG {
    static let signature: [UInt8] = [0x89, 0x50, 0x4E, 0x47, 0x0D, 0x0A, 0x1A, 0x0A]
    static let sideMax = 4_096

    /// - Parameter rows: scanlines with their filter byte, as IDAT holds them.
    static func file(
        width: Int, height: Int, depth: UInt8, colour: UInt8, palette: [UInt8] = [],
        transparency: [UInt8] = [],
        rows: [UInt8], level: Int32 = 6
    ) -> [UInt8] {
        var out = signature
        append("IHDR", big(UInt32(width)) + big(UInt32(height)) + [depth, colour, 0, 0, 0], &out)
        if !palette.isEmpty { append("PLTE", palette, &out) }
        if !transparency.isEmpty { append("tRNS", transparency, &out) }
        append("IDAT", Deflate.zlib(rows, level: level), &out)
        append("IEND", [], &out)
        return out
    }

    private static func append(_ name: String, _ data: [UInt8], _ out: inout [UInt8]) {
        let body = Array(name.utf8) + data
        out += big(UInt32(data.count)) + body + big(Deflate.crc(body))
    }

    private static func big(_ value: UInt32) -> [UInt8] {
        (0..<4).map { UInt8(truncatingIfNeeded: value >> (24 - 8 * UInt32($0))) }
    }

    // MARK: Strangers' files

    struct Header: Equatable {
        var width: Int
        var height: Int
        var depth: UInt8
        var colour: UInt8

        var channels: Int { [0: 1, 2: 3, 3: 1, 4: 2, 6: 4][colour] ?? 0 }
        /// A scanline without its filter byte.
        var rowBytes: Int { (width * channels * Int(depth) + 7) / 8 }
    }

    /// Reads a file strictly and writes it anew with the chunks that draw and nothing else: no text, no profile, no
    /// trailing bytes. The error says what is wrong.
    static func remade(_ bytes: [UInt8]) throws(PublishingError) -> (header: Header, file: [UInt8]) {
        guard bytes.starts(with: signature) else { throw wrong("is no PNG") }
        var at = signature.count
        var header: Header?
        var palette: [UInt8] = []
        var transparency: [UInt8] = []
        var data: [UInt8] = []
        var isEnded = false
        while at < bytes.count, !isEnded {
            guard bytes.count - at >= 12 else { throw wrong("is cut off") }
            let size = Int(number(bytes, at))
            guard size <= bytes.count - at - 12 else { throw wrong("a chunk is longer than the file") }
            let body = Array(bytes[(at + 4)..<(at + 8 + size)])
            guard Deflate.crc(body) == number(bytes, at + 8 + size) else {
                throw wrong("a checksum is wrong")
            }
            let content = Array(body.dropFirst(4))
            switch String(decoding: body.prefix(4), as: UTF8.self) {
            case "IHDR":
                guard header == nil, at == signature.count else { throw wrong("has two headers") }
                header = try head(content)
            case "PLTE": palette = content
            case "tRNS": transparency = content
            case "IDAT": data += content
            case "IEND": isEnded = true
            case let name where name.utf8.first.map({ $0 & 0x20 == 0 }) ?? true:
                throw wrong("has a chunk that is not known: \(name)")
            default: break
            }
            at += 12 + size
        }
        guard isEnded, let header else { throw wrong("is cut off") }
        if header.colour == 3, palette.isEmpty || palette.count % 3 != 0 || palette.count > 768 {
            throw wrong("has no palette")
        }
        let size = (header.rowBytes + 1) * header.height
        guard let rows = Deflate.inflated(data, size: size) else {
            throw wrong("its data is not \(size) bytes")
        }
        for row in 0..<header.height where rows[row * (header.rowBytes + 1)] > 4 {
            throw wrong("row \(row) has an unknown filter")
        }
        let file = file(
            width: header.width, height: header.height, depth: header.depth, colour: header.colour,
            palette: header.colour == 3 ? palette : [],
            transparency: header.colour == 3 ? Array(transparency.prefix(palette.count / 3)) : [], rows: rows)
        return (header, file)
    }

    private static func head(_ content: [UInt8]) throws(PublishingError) -> Header {
        guard content.count == 13 else { throw wrong("its header is not 13 bytes") }
        let header = Header(
            width: Int(number(content, 0)), height: Int(number(content, 4)), depth: content[8],
            colour: content[9])
        guard (1...sideMax).contains(header.width), (1...sideMax).contains(header.height) else {
            throw wrong("is \(header.width) × \(header.height); at most \(sideMax) each way")
        }
        let depths: [UInt8: [UInt8]] = [
            0: [1, 2, 4, 8, 16], 2: [8, 16], 3: [1, 2, 4, 8], 4: [8, 16], 6: [8, 16],
        ]
        guard depths[header.colour]?.contains(header.depth) == true, content[10] == 0, content[11] == 0 else {
            throw wrong("has a colour type that is not known")
        }
        guard content[12] == 0 else { throw wrong("is interlaced; save it without") }
        return header
    }

    private static func number(_ bytes: [UInt8], _ at: Int) -> UInt32 {
        (0..<4).reduce(0) { $0 << 8 | UInt32(bytes[at + $1]) }
    }

    private static func wrong(_ cause: String) -> PublishingError {
        PublishingError(.model, subject: "picture", cause: cause)
    }
}
