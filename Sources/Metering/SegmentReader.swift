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
        let lineFeed = UInt8(ascii: "\n")
        let whole = (bytes.lastIndex(of: lineFeed) ?? -1) + 1
        var start = 0
        var header: SegmentHeader?
        if whole > 0,
            bytes.starts(with: Array("{\"segment\"".utf8)) || bytes.starts(with: Array("{ \"segment\"".utf8))
        {
            let end = bytes.firstIndex(of: lineFeed)!
            header = try SegmentHeader(line: bytes[0..<end], subject: path)
            if header != nil { start = end + 1 }
        }
        var end = whole
        var seal: SegmentSeal?
        if header != nil, whole > start {
            let last = (bytes[..<(whole - 1)].lastIndex(of: lineFeed) ?? -1) + 1
            if last >= start, let found = SegmentSeal(line: bytes[last..<(whole - 1)]) {
                seal = found
                end = last
            }
        }
        // A last line of a plain file may lack its line feed; in a segment it is what a crash tore.
        let torn = bytes.count - whole
        if header == nil && torn > 0 { end = bytes.count }
        if let seal {
            guard torn == 0 else {
                throw MeteringError(.badSegment, path, "\(torn) bytes follow the seal")
            }
            let count = Int64(countLines(bytes, start..<end))
            guard count == seal.count else {
                throw MeteringError(
                    .badSegment, path, "the seal counts \(seal.count) events, there are \(count)")
            }
            guard digest(bytes, end) == seal.sha256 else {
                throw MeteringError(.badSegment, path, "the bytes are not those that were sealed")
            }
        }
        return SegmentContents(
            path: path, header: header, seal: seal, bytes: bytes, events: start..<max(start, end),
            tornBytes: header == nil ? 0 : torn)
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
        bytes.withUnsafeBytes { buffer in
            guard let base = buffer.baseAddress else { return 0 }
            var count = 0
            var at = range.lowerBound
            while at < range.upperBound, let found = memchr(base + at, 0x0A, range.upperBound - at) {
                count += 1
                at = UnsafeRawPointer(found) - base + 1
            }
            return count
        }
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
