internal import Glibc
internal import Marketplace

/// A usage file cut in pieces at lines' borders, so that two cores can read one file.
struct SegmentPieces: Sendable {
    let source: RollUp.Source
    let header: SegmentHeader?
    let seal: SegmentSeal?
    let byteCount: Int
    /// Where the events stand.
    let events: Range<Int>
    /// Held in memory where the file had to be inflated.
    private let inflated: [UInt8]?
    private let isLastLineWhole: Bool

    static let margin = MeterLimits.lineBytesMax + 16

    init(_ source: RollUp.Source, disk: Disk) throws(MeteringError) {
        self.source = source
        if source.path.hasSuffix(".zst") {
            let contents = try SegmentReader.read(source.path, disk: disk)
            (header, seal, events) = (contents.header, contents.seal, contents.events)
            (inflated, byteCount) = (contents.bytes, contents.bytes.count)
            isLastLineWhole = true
            return
        }
        var status = stat()
        guard stat(source.path, &status) == 0 else { throw disk.failure("stat", source.path) }
        guard status.st_mode & S_IFMT == S_IFREG else {
            throw MeteringError(.storage, source.path, "is not a regular file")
        }
        byteCount = Int(status.st_size)
        inflated = nil
        // A segment of ours is small enough to be verified whole; what has no header is read as it is.
        let head = try SegmentPieces.read(source.path, 0..<min(byteCount, 16), disk)
        if head.starts(with: Array("{\"segment\"".utf8)) {
            let contents = try SegmentReader.read(source.path, disk: disk)
            (header, seal, events) = (contents.header, contents.seal, contents.events)
        } else {
            (header, seal, events) = (nil, nil, 0..<byteCount)
        }
        isLastLineWhole = true
    }

    var pieceCount: Int { events.isEmpty ? 0 : (events.count + RollUp.pieceBytes - 1) / RollUp.pieceBytes }

    /// Calls `body` with each line that begins in this piece: its offset in the file, its bytes without the line
    /// feed (one more byte is readable), and its length.
    func forEachLine(
        piece: Int, disk: Disk, _ body: (Int, UnsafePointer<UInt8>, Int) throws(MeteringError) -> Void
    ) throws(MeteringError) {
        let start = events.lowerBound + piece * RollUp.pieceBytes
        let end = min(start + RollUp.pieceBytes, events.upperBound)
        // One byte before, to see whether a line begins at the start; a margin behind, to finish the last one.
        let from = max(events.lowerBound, start - 1)
        let to = min(events.upperBound, end + SegmentPieces.margin)
        var bytes: [UInt8]
        if let inflated {
            bytes = Array(inflated[from..<to])
        } else {
            bytes = try SegmentPieces.read(source.path, from..<to, disk)
            guard bytes.count == to - from else {
                throw MeteringError(.storage, source.path, "became shorter while it was read")
            }
        }
        bytes.append(0x0A)
        var failure: MeteringError?
        bytes.withUnsafeBufferPointer { buffer in
            let p = buffer.baseAddress!
            let count = buffer.count - 1
            var at = 0
            if from < start {
                // The line that is under way belongs to the piece before.
                at = SegmentPieces.lineEnd(p, 0, count) + 1
            }
            while at < count, from + at < end {
                let lineEnd = SegmentPieces.lineEnd(p, at, count)
                if lineEnd > at {
                    do throws(MeteringError) {
                        try body(from + at, p + at, lineEnd - at)
                    } catch {
                        failure = error
                        return
                    }
                }
                at = lineEnd + 1
            }
        }
        if let failure { throw failure }
    }

    /// A stretch of the file.
    func bytes(_ range: Range<Int>, _ disk: Disk) throws(MeteringError) -> [UInt8] {
        if let inflated { return Array(inflated[range]) }
        return try SegmentPieces.read(source.path, range, disk)
    }

    @inline(__always)
    private static func lineEnd(_ p: UnsafePointer<UInt8>, _ from: Int, _ count: Int) -> Int {
        guard let found = memchr(p + from, 0x0A, count - from) else { return count }
        return UnsafePointer(found.assumingMemoryBound(to: UInt8.self)) - p
    }

    private static func read(_ path: String, _ range: Range<Int>, _ disk: Disk) throws(MeteringError)
        -> [UInt8]
    {
        let descriptor = open(path, O_RDONLY | O_CLOEXEC)
        guard descriptor >= 0 else { throw disk.failure("open", path) }
        defer { close(descriptor) }
        var errorNumber: CInt = 0
        let bytes = [UInt8](unsafeUninitializedCapacity: range.count + 1) { buffer, count in
            while count < range.count {
                let got = pread(
                    descriptor, buffer.baseAddress! + count, range.count - count,
                    off_t(range.lowerBound + count))
                if got < 0 {
                    if errno == EINTR { continue }
                    errorNumber = errno
                    return
                }
                if got == 0 { return }
                count += got
            }
        }
        if errorNumber != 0 { throw disk.failure("read", path, errorNumber) }
        return bytes
    }
}
