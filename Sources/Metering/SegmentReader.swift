internal import CZstd
internal import Glibc
internal import Marketplace
internal import Provenance

/// A segment's bytes with its header and seal checked. Also takes files that have neither.
public struct SegmentContents: Sendable {
    public let path: String
    public let header: SegmentHeader?
    public let seal: SegmentSeal?
    /// The whole file, inflated; nothing once they were let go.
    public private(set) var bytes: [UInt8]
    private let byteCount: Int
    /// Where the events stand in `bytes`: whole lines only.
    public let events: Range<Int>
    /// Bytes after the last line feed that a crash left behind; 0 in a sealed segment.
    public let tornBytes: Int

    public var isSealed: Bool { seal != nil }

    init(
        path: String, header: SegmentHeader?, seal: SegmentSeal?, bytes: [UInt8], events: Range<Int>,
        tornBytes: Int
    ) {
        self.path = path
        self.header = header
        self.seal = seal
        self.bytes = bytes
        byteCount = bytes.count
        self.events = events
        self.tornBytes = tornBytes
    }

    fileprivate init(path: String, _ ends: SegmentReader.Ends, byteCount: Int) {
        self.path = path
        header = ends.header
        seal = ends.seal
        bytes = []
        self.byteCount = byteCount
        events = ends.events
        tornBytes = ends.tornBytes
    }

    /// What was found out, without the bytes: many of these are held together.
    public func withoutBytes() -> SegmentContents {
        var facts = self
        facts.bytes = []
        return facts
    }

    public var span: SegmentSpan { SegmentSpan(byteCount: byteCount, events: events) }
}

/// Of a segment that was verified: its inflated size, and where its events stand.
public struct SegmentSpan: Sendable, Hashable {
    public let byteCount: Int
    public let events: Range<Int>
}

public enum SegmentReader {
    /// Inflating stops here: a segment holds at most this much.
    public static let inflatedBytesMax = 1 << 32

    /// Reads and verifies: a header where there is one, a seal whose count and digest are those of the bytes,
    /// nothing after the seal.
    public static func read(_ path: String, disk: Disk = Disk()) throws(MeteringError) -> SegmentContents {
        var bytes = try disk.read(path)
        if path.hasSuffix(".zst") { bytes = try inflate(bytes, path) }
        return try verify(bytes, path: path)
    }

    static func verify(_ bytes: [UInt8], path: String) throws(MeteringError) -> SegmentContents {
        let ends = try ends(head: bytes[...], tail: bytes[...], byteCount: bytes.count, path)
        if let seal = ends.seal {
            try check(
                seal, count: Int64(countLines(bytes, ends.events)),
                digest(bytes, ends.events.upperBound), path)
        }
        return SegmentContents(
            path: path, header: ends.header, seal: ends.seal, bytes: bytes, events: ends.events,
            tornBytes: ends.tornBytes)
    }

    /// What `read` finds out of a file, verified alike, but without its bytes: a plain one is read in pieces, so that
    /// many large ones cost neither their memory nor its first touch.
    public static func facts(_ path: String, disk: Disk = Disk()) throws(MeteringError) -> SegmentContents {
        let byteCount = try SegmentPieces.byteCount(path, disk)
        let least = 1 << 16
        if path.hasSuffix(".zst") || byteCount < 4 * least {
            return try read(path, disk: disk).withoutBytes()
        }
        let head = try SegmentPieces.read(path, 0..<least, disk)
        let tail = try SegmentPieces.read(path, (byteCount - least)..<byteCount, disk)
        // Its ends do not show their lines: a rare file, which is read whole.
        guard head.count == least, tail.count == least, head.contains(0x0A),
            let last = tail.lastIndex(of: 0x0A), tail[..<last].contains(0x0A)
        else { return try read(path, disk: disk).withoutBytes() }
        let ends = try ends(head: head[...], tail: tail[...], byteCount: byteCount, path)
        if let seal = ends.seal {
            let (count, digest) = try count(path, ends.events, disk)
            try check(seal, count: count, digest, path)
        }
        return SegmentContents(path: path, ends, byteCount: byteCount)
    }

    /// The lines of the events, and the digest of everything before their end.
    private static func count(_ path: String, _ events: Range<Int>, _ disk: Disk) throws(MeteringError) -> (
        Int64, Digest
    ) {
        let buffer = PieceBuffer()
        let pieceBytes = 1 << 20
        buffer.reserve(pieceBytes, keeping: 0)
        var hasher = Hasher256()
        var (count, at) = (Int64(0), 0)
        while at < events.upperBound {
            let wanted = min(pieceBytes, events.upperBound - at)
            let got = try SegmentPieces.read(path, at..<(at + wanted), into: buffer.bytes, disk)
            guard got == wanted else {
                throw MeteringError(.storage, path, "became shorter while it was read")
            }
            let piece = UnsafeRawBufferPointer(start: buffer.bytes, count: got)
            hasher.update(piece)
            count += Int64(countLines(piece, max(0, min(got, events.lowerBound - at))..<got))
            at += got
        }
        return (count, hasher.finalize())
    }

    private static func check(
        _ seal: SegmentSeal, count: Int64, _ digest: Digest, _ path: String
    ) throws(MeteringError) {
        guard count == seal.count else {
            throw MeteringError(
                .badSegment, path, "the seal counts \(seal.count) events, there are \(count)")
        }
        guard digest == seal.sha256 else {
            throw MeteringError(.badSegment, path, "the bytes are not those that were sealed")
        }
    }

    /// What a file's first and last lines say.
    fileprivate struct Ends {
        var header: SegmentHeader?
        var seal: SegmentSeal?
        var events: Range<Int>
        var tornBytes: Int
    }

    /// `head` has the whole first line, and `tail` the whole last two, where the file has as many.
    private static func ends(
        head: ArraySlice<UInt8>, tail: ArraySlice<UInt8>, byteCount: Int, _ path: String
    ) throws(MeteringError) -> Ends {
        let lineFeed = UInt8(ascii: "\n")
        /// From a place in the tail to the same one in the file.
        let shift = byteCount - tail.endIndex
        let wholeTail = (tail.lastIndex(of: lineFeed) ?? tail.startIndex - 1) + 1
        let whole = wholeTail > tail.startIndex ? wholeTail + shift : 0
        var start = 0
        var header: SegmentHeader?
        if whole > 0,
            head.starts(with: Array("{\"segment\"".utf8)) || head.starts(with: Array("{ \"segment\"".utf8))
        {
            let end = head.firstIndex(of: lineFeed)!
            header = try SegmentHeader(line: head[..<end], subject: path)
            if header != nil { start = end + 1 }
        }
        var end = whole
        var seal: SegmentSeal?
        if header != nil, whole > start {
            let line = tail[..<(wholeTail - 1)]
            let last = (line.lastIndex(of: lineFeed) ?? line.startIndex - 1) + 1
            if last + shift >= start, let found = SegmentSeal(line: line[last...]) {
                seal = found
                end = last + shift
            }
        }
        // A last line of a plain file may lack its line feed; in a segment it is what a crash tore.
        let torn = byteCount - whole
        if header == nil && torn > 0 { end = byteCount }
        if seal != nil, torn != 0 { throw MeteringError(.badSegment, path, "\(torn) bytes follow the seal") }
        return Ends(
            header: header, seal: seal, events: start..<max(start, end), tornBytes: header == nil ? 0 : torn)
    }

    /// Checks that one node's segments, in order of their sequence, name each other; returns the missing ones.
    public static func gaps(_ segments: [(name: SegmentName, contents: SegmentContents)])
        throws(MeteringError)
        -> [String: [Int64]]
    {
        var missing: [String: [Int64]] = [:]
        var before: (name: SegmentName, contents: SegmentContents)?
        for segment in segments.sorted(by: { $0.name < $1.name }) {
            defer { before = segment }
            guard let header = segment.contents.header else { continue }
            guard header.node == segment.name.node, header.sequence == segment.name.sequence else {
                throw MeteringError(
                    .badSegment, segment.contents.path, "the header names another node or sequence")
            }
            guard let last = before, last.name.node == segment.name.node, let seal = last.contents.seal else {
                continue
            }
            if segment.name.sequence == last.name.sequence + 1 {
                guard header.previous == seal.sha256 else {
                    throw MeteringError(
                        .badSegment, segment.contents.path, "does not name the digest of the segment before")
                }
            } else if segment.name.sequence > last.name.sequence + 1 {
                let range = (last.name.sequence + 1)..<segment.name.sequence
                missing[segment.name.node, default: []] += Array(range.prefix(1_000))
            }
        }
        return missing
    }

    static func countLines(_ bytes: [UInt8], _ range: Range<Int>) -> Int {
        bytes.withUnsafeBytes { countLines($0, range) }
    }

    private static func countLines(_ buffer: UnsafeRawBufferPointer, _ range: Range<Int>) -> Int {
        guard let base = buffer.baseAddress else { return 0 }
        var count = 0
        var at = range.lowerBound
        while at < range.upperBound, let found = memchr(base + at, 0x0A, range.upperBound - at) {
            count += 1
            at = UnsafeRawPointer(found) - base + 1
        }
        return count
    }

    /// The digest of the first so many bytes.
    static func digest(_ bytes: [UInt8], _ count: Int) -> Digest {
        var hasher = Hasher256()
        bytes.withUnsafeBytes { hasher.update(UnsafeRawBufferPointer(rebasing: $0[..<count])) }
        return hasher.finalize()
    }

    static func inflate(_ input: [UInt8], _ path: String) throws(MeteringError) -> [UInt8] {
        guard let stream = ZSTD_createDStream() else {
            throw MeteringError(.limit, path, "no memory to inflate")
        }
        defer { ZSTD_freeDStream(stream) }
        var output: [UInt8] = []
        // What the frame says of its size is a hint, and no reason to ask for more than a segment's usual size.
        let said = input.withUnsafeBytes { ZSTD_getFrameContentSize($0.baseAddress, $0.count) }
        output.reserveCapacity(Int(min(said, 128 << 20)))
        var problem: String?
        let piece = UnsafeMutableRawBufferPointer.allocate(byteCount: ZSTD_DStreamOutSize(), alignment: 16)
        defer { piece.deallocate() }
        var atFrameEnd = true
        input.withUnsafeBytes { source in
            var reading = ZSTD_inBuffer(src: source.baseAddress, size: source.count, pos: 0)
            while reading.pos < reading.size || !atFrameEnd {
                let before = reading.pos
                var writing = ZSTD_outBuffer(dst: piece.baseAddress, size: piece.count, pos: 0)
                let result = ZSTD_decompressStream(stream, &writing, &reading)
                if ZSTD_isError(result) != 0 {
                    problem = String(cString: ZSTD_getErrorName(result))
                    return
                }
                output.append(contentsOf: UnsafeRawBufferPointer(rebasing: piece[..<writing.pos]))
                atFrameEnd = result == 0
                if output.count > inflatedBytesMax { problem = "inflates beyond \(inflatedBytesMax) bytes" }
                if problem == nil, reading.pos == before, writing.pos == 0, !atFrameEnd {
                    problem = "is cut off"
                }
                if problem != nil { return }
            }
        }
        if let problem { throw MeteringError(.badSegment, path, "zstd: \(problem)") }
        return output
    }

    /// Compresses a whole file's bytes in one zstd frame, level 3.
    public static func deflate(_ input: [UInt8], _ path: String) throws(MeteringError) -> [UInt8] {
        var output = [UInt8](repeating: 0, count: ZSTD_compressBound(input.count))
        let size = ZSTD_compress(&output, output.count, input, input.count, 3)
        guard ZSTD_isError(size) == 0 else {
            throw MeteringError(.limit, path, "zstd: \(String(cString: ZSTD_getErrorName(size)))")
        }
        output.removeLast(output.count - size)
        return output
    }
}
