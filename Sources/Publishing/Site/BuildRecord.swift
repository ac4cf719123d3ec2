import Glibc
import Marketplace

/// What a build was made from and what came of it, piece by piece: kept beside the builds, so that the next one makes
/// only what is made from something else. It is no part of the site: without it, everything is made.
///
/// A text of lines: `> name<TAB>inputs` opens a piece, `sha256 bytes path` is a file of it, and
/// `# page<TAB>path<TAB>anchor` a link of it into another page. The last line is a point.
final class BuildRecord: Sendable {
    struct Piece: Sendable {
        var files: [(path: String, record: SiteFileRecord)] = []
        var anchors: [Anchor] = []
    }

    /// A link to a place inside another page.
    struct Anchor: Sendable, Hashable {
        var page: String
        var path: String
        var fragment: String
    }

    private struct Slice {
        var inputs: String
        var range: Range<Int>
    }

    private static let first = "veroforge.build/1\n"
    private static let last = "\n.\n"
    private let bytes: [UInt8]
    private let slices: [String: Slice]

    /// A build that has no record, or one that cannot be read, is as good as none.
    init?(file: String) {
        guard let bytes = try? SiteFiles.bytes(of: file), bytes.starts(with: Self.first.utf8),
            bytes.suffix(Self.last.utf8.count).elementsEqual(Self.last.utf8)
        else {
            return nil
        }
        var slices: [String: Slice] = [:]
        var open: (name: String, inputs: String, from: Int)?
        let end = bytes.count - Self.last.utf8.count + 1
        Self.eachLine(of: bytes, in: Self.first.utf8.count..<end) { line in
            guard bytes[line.lowerBound] == UInt8(ascii: ">") else { return }
            if let open {
                slices[open.name] = Slice(inputs: open.inputs, range: open.from..<line.lowerBound)
            }
            let words = bytes[line].dropFirst(2).split(separator: UInt8(ascii: "\t"))
            open = (
                Self.text(words.first ?? []), Self.text(words.dropFirst().first ?? []), line.upperBound + 1
            )
        }
        if let open { slices[open.name] = Slice(inputs: open.inputs, range: open.from..<end) }
        self.bytes = bytes
        self.slices = slices
    }

    var names: [String] { Array(slices.keys) }

    func inputs(of name: String) -> String? { slices[name]?.inputs }

    /// The lines of a piece as they are.
    func lines(of name: String) -> ArraySlice<UInt8> { slices[name].map { bytes[$0.range] } ?? [] }

    func piece(_ name: String) -> Piece {
        var piece = Piece()
        guard let slice = slices[name] else { return piece }
        Self.eachLine(of: bytes, in: slice.range) { line in
            if bytes[line.lowerBound] == UInt8(ascii: "#") {
                let words = bytes[line].dropFirst(2).split(separator: UInt8(ascii: "\t"), maxSplits: 2)
                guard words.count == 3 else { return }
                piece.anchors.append(
                    Anchor(
                        page: Self.text(words[0]), path: Self.text(words[1]), fragment: Self.text(words[2])))
            } else {
                let words = bytes[line].split(separator: UInt8(ascii: " "), maxSplits: 2)
                guard words.count == 3, let count = Int(Self.text(words[1])) else { return }
                piece.files.append(
                    (Self.text(words[2]), SiteFileRecord(sha256: Self.text(words[0]), bytes: count)))
            }
        }
        return piece
    }

    /// The lines of a piece that was made.
    static func lines(of piece: Piece) -> [UInt8] {
        var out = ""
        for (path, record) in piece.files { out += "\(record.sha256) \(record.bytes) \(path)\n" }
        for anchor in piece.anchors { out += "# \(anchor.page)\t\(anchor.path)\t\(anchor.fragment)\n" }
        return Array(out.utf8)
    }

    static func file(_ pieces: [String: (inputs: String, lines: [UInt8])]) -> [UInt8] {
        var out = Array(first.utf8)
        out.reserveCapacity(pieces.reduce(64) { $0 + $1.key.utf8.count + $1.value.lines.count + 80 })
        for (name, piece) in pieces.sorted(by: { $0.key < $1.key }) {
            out += Array("> \(name)\t\(piece.inputs)\n".utf8)
            out += piece.lines
        }
        return out + Array(".\n".utf8)
    }

    private static func text(_ bytes: ArraySlice<UInt8>) -> String { String(decoding: bytes, as: UTF8.self) }

    /// Lines that are not empty, without their ends.
    private static func eachLine(of bytes: [UInt8], in range: Range<Int>, _ body: (Range<Int>) -> Void) {
        bytes.withUnsafeBytes { buffer in
            var from = range.lowerBound
            while from < range.upperBound {
                let end =
                    memchr(buffer.baseAddress! + from, 10, range.upperBound - from)
                    .map { buffer.baseAddress!.distance(to: $0) } ?? range.upperBound
                if end > from { body(from..<end) }
                from = end + 1
            }
        }
    }
}
