internal import Glibc
internal import Marketplace

/// A usage file cut in pieces at lines' borders, so that two cores can read one file. A compressed one is a single
/// piece, inflated only while it is read.
struct SegmentPieces: Sendable {
    let source: RollUp.Source
    let byteCount: Int
    /// Where the events stand.
    let events: Range<Int>
    let isCompressed: Bool

    static let margin = MeterLimits.lineBytesMax + 16

    init(_ source: RollUp.Source, disk: Disk) throws(MeteringError) {
        self.source = source
        isCompressed = source.path.hasSuffix(".zst")
        let size = try Self.byteCount(source.path, disk)
        if let verified = source.verified {
            (byteCount, events) = (verified.byteCount, verified.events)
            return
        }
        // A segment of ours is small enough to be verified whole; what has no header is read as it is.
        let head = isCompressed ? [] : try SegmentPieces.read(source.path, 0..<min(size, 16), disk)
        if isCompressed || head.starts(with: Array("{\"segment\"".utf8)) {
            let span = try SegmentReader.facts(source.path, disk: disk).span
            (byteCount, events) = (span.byteCount, span.events)
        } else {
            (byteCount, events) = (size, 0..<size)
        }
    }

    /// The size of a regular file.
    static func byteCount(_ path: String, _ disk: Disk) throws(MeteringError) -> Int {
        var status = stat()
        guard stat(path, &status) == 0 else { throw disk.failure("stat", path) }
        guard status.st_mode & S_IFMT == S_IFREG else {
            throw MeteringError(.storage, path, "is not a regular file")
        }
        return Int(status.st_size)
    }

    /// Bytes of one piece.
    private var pieceBytes: Int { isCompressed ? max(1, events.count) : RollUp.pieceBytes }

    var pieceCount: Int { events.isEmpty ? 0 : (events.count + pieceBytes - 1) / pieceBytes }

    /// Calls `body` with each line that begins in this piece: its offset in the file, its bytes without the line
    /// feed (`LineScanner.readableBehind` more are readable), and its length.
    func forEachLine(
        piece: Int, buffer: PieceBuffer, disk: Disk,
        _ body: (Int, UnsafePointer<UInt8>, Int) throws(MeteringError) -> Void
    ) throws(MeteringError) {
        let start = events.lowerBound + piece * pieceBytes
        let end = min(start + pieceBytes, events.upperBound)
        // One byte before, to see whether a line begins at the start.
        let from = max(events.lowerBound, start - 1)
        var count = try fill(buffer, 0, from..<end, disk)
        var at = 0
        if from < start {
            // The line that is under way belongs to the piece before.
            at = SegmentPieces.lineEnd(buffer.bytes, 0, count) + 1
        }
        while at < count, from + at < end {
            var lineEnd = SegmentPieces.lineEnd(buffer.bytes, at, count)
            // The last line ends behind the piece.
            while lineEnd == count, from + count < events.upperBound, count - at <= SegmentPieces.margin {
                let more = min(events.upperBound, from + count + (1 << 14))
                count = try fill(buffer, count, (from + count)..<more, disk)
                lineEnd = SegmentPieces.lineEnd(buffer.bytes, at, count)
            }
            if lineEnd > at {
                try body(from + at, UnsafePointer(buffer.bytes + at), lineEnd - at)
            }
            at = lineEnd + 1
        }
    }

    /// Reads a stretch to a place of the buffer and sets a line feed behind it. Where it ends.
    private func fill(_ buffer: PieceBuffer, _ at: Int, _ range: Range<Int>, _ disk: Disk)
        throws(MeteringError) -> Int
    {
        let count = at + range.count
        buffer.reserve(count + LineScanner.readableBehind, keeping: at)
        if isCompressed {
            buffer.set(try inflated(range.upperBound, disk)[range], at: at)
        } else {
            let got = try SegmentPieces.read(source.path, range, into: buffer.bytes + at, disk)
            guard got == range.count else {
                throw MeteringError(.storage, source.path, "became shorter while it was read")
            }
        }
        buffer.bytes[count] = 0x0A
        return count
    }

    /// A stretch of the file.
    func bytes(_ range: Range<Int>, _ disk: Disk) throws(MeteringError) -> [UInt8] {
        if isCompressed { return Array(try inflated(range.upperBound, disk)[range]) }
        return try SegmentPieces.read(source.path, range, disk)
    }

    /// The whole file, of at least so many bytes.
    private func inflated(_ count: Int, _ disk: Disk) throws(MeteringError) -> [UInt8] {
        let bytes = try SegmentReader.inflate(try disk.read(source.path), source.path)
        guard bytes.count >= count else {
            throw MeteringError(.storage, source.path, "became shorter while it was read")
        }
        return bytes
    }

    @inline(__always)
    private static func lineEnd(_ p: UnsafePointer<UInt8>, _ from: Int, _ count: Int) -> Int {
        guard let found = memchr(p + from, 0x0A, count - from) else { return count }
        return UnsafePointer(found.assumingMemoryBound(to: UInt8.self)) - p
    }

    static func read(_ path: String, _ range: Range<Int>, _ disk: Disk) throws(MeteringError)
        -> [UInt8]
    {
        let buffer = PieceBuffer()
        buffer.reserve(range.count, keeping: 0)
        let count = try read(path, range, into: buffer.bytes, disk)
        return Array(UnsafeBufferPointer(start: buffer.bytes, count: count))
    }

    /// How many bytes came: fewer than asked for where the file ends.
    static func read(
        _ path: String, _ range: Range<Int>, into bytes: UnsafeMutablePointer<UInt8>, _ disk: Disk
    ) throws(MeteringError) -> Int {
        let descriptor = open(path, O_RDONLY | O_CLOEXEC)
        guard descriptor >= 0 else { throw disk.failure("open", path) }
        defer { close(descriptor) }
        var count = 0
        while count < range.count {
            let got = pread(descriptor, bytes + count, range.count - count, off_t(range.lowerBound + count))
            if got < 0 && errno == EINTR { continue }
            guard got >= 0 else { throw disk.failure("read", path) }
            if got == 0 { break }
            count += got
        }
        return count
    }
}

/// One thread's room for a piece of a file, used again for the next.
final class PieceBuffer {
    // SAFETY: owned here alone, and used by one thread.
    @exclusivity(unchecked) private(set) var bytes: UnsafeMutablePointer<UInt8>
    @exclusivity(unchecked) private var capacity: Int

    init() {
        capacity = 1 << 12
        bytes = .allocate(capacity: capacity)
    }

    deinit { bytes.deallocate() }

    /// There is room.
    func set(_ content: ArraySlice<UInt8>, at place: Int) {
        content.withUnsafeBufferPointer { source in
            guard let base = source.baseAddress else { return }
            (bytes + place).update(from: base, count: source.count)
        }
    }

    func reserve(_ wanted: Int, keeping count: Int) {
        if wanted <= capacity { return }
        let larger = UnsafeMutablePointer<UInt8>.allocate(capacity: wanted * 5 / 4)
        larger.update(from: bytes, count: count)
        bytes.deallocate()
        (bytes, capacity) = (larger, wanted * 5 / 4)
    }
}
