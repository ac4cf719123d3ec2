/// `multipart/form-data` of a page's form (RFC 7578), read strictly: what a browser writes and nothing else.
struct Multipart: Sendable {
    struct Part: Sendable, Equatable {
        var name: String
        var fileName: String?
        var bytes: [UInt8]
    }

    static let partsMax = 16
    static let headerBytesMax = 4_096

    let parts: [Part]

    func bytes(_ name: String) -> [UInt8]? { parts.first { $0.name == name }?.bytes }

    /// - Parameter type: the value of the request's `Content-Type`.
    init(_ body: [UInt8], type: String) throws(RuntimeError) {
        guard let boundary = Self.boundary(type) else {
            throw RuntimeError(.badRequest, "Content-Type", "names no boundary of 1 to 70 characters")
        }
        let delimiter = Array("--\(boundary)".utf8)
        let inner = Array("\r\n--\(boundary)".utf8)
        guard body.starts(with: delimiter) else {
            throw RuntimeError(.badRequest, "body", "does not begin with its boundary")
        }
        var parts: [Part] = []
        var rest = body[delimiter.count...]
        while !rest.starts(with: Array("--".utf8)) {
            guard rest.starts(with: Array("\r\n".utf8)) else {
                throw RuntimeError(.badRequest, "body", "a boundary does not end its line")
            }
            rest = rest.dropFirst(2)
            guard parts.count < Self.partsMax else {
                throw RuntimeError(.badRequest, "body", "has more than \(Self.partsMax) parts")
            }
            guard let head = Self.find(Array("\r\n\r\n".utf8), in: rest.prefix(Self.headerBytesMax)),
                let end = Self.find(inner, in: rest[(head + 2)...])
            else { throw RuntimeError(.badRequest, "body", "a part is cut off") }
            var part = try Self.header(rest[..<head])
            // A part without content has the boundary right behind its header.
            part.bytes = end > head + 4 ? Array(rest[(head + 4)..<end]) : []
            guard !parts.contains(where: { $0.name == part.name }) else {
                throw RuntimeError(.badRequest, part.name, "stands in the form twice")
            }
            parts.append(part)
            rest = rest[(end + inner.count)...]
        }
        self.parts = parts
    }

    private static func boundary(_ type: String) -> String? {
        let pieces = type.split(separator: ";").map(\.trimmingSpaces)
        guard pieces.first?.lowercased() == "multipart/form-data",
            let piece = pieces.dropFirst().first(where: { $0.lowercased().hasPrefix("boundary=") })
        else { return nil }
        var text = piece.dropFirst(9)
        if text.hasPrefix("\""), text.hasSuffix("\""), text.count >= 2 { text = text.dropFirst().dropLast() }
        let isFit = text.utf8.allSatisfy { $0 > 32 && $0 < 127 && $0 != UInt8(ascii: "\"") }
        return isFit && (1...70).contains(text.utf8.count) ? String(text) : nil
    }

    /// `Content-Disposition: form-data; name="a"; filename="b"`
    private static func header(_ bytes: ArraySlice<UInt8>) throws(RuntimeError) -> Part {
        guard let text = String(validating: bytes, as: UTF8.self) else {
            throw RuntimeError(.badRequest, "body", "a part's header is not UTF-8")
        }
        for line in text.split(separator: "\r\n") where line.lowercased().hasPrefix("content-disposition:") {
            var fields: [String: String] = [:]
            for piece in line.dropFirst(20).split(separator: ";").dropFirst() {
                let pair = piece.split(separator: "=", maxSplits: 1).map(\.trimmingSpaces)
                guard pair.count == 2, pair[1].hasPrefix("\""), pair[1].hasSuffix("\""), pair[1].count >= 2
                else { continue }
                fields[pair[0].lowercased()] = String(pair[1].dropFirst().dropLast())
            }
            if let name = fields["name"], !name.isEmpty {
                return Part(name: name, fileName: fields["filename"], bytes: [])
            }
        }
        throw RuntimeError(.badRequest, "body", "a part has no name")
    }

    private static func find(_ needle: [UInt8], in hay: ArraySlice<UInt8>) -> Int? {
        guard hay.count >= needle.count else { return nil }
        var at = hay.startIndex
        let last = hay.endIndex - needle.count
        while at <= last {
            if hay[at] == needle[0], hay[at..<(at + needle.count)].elementsEqual(needle) { return at }
            at += 1
        }
        return nil
    }
}
