internal import Glibc
internal import Synchronization

/// Where a roll-up of bounded memory keeps what it has seen: ids in partitions by their hash, sums in runs by day.
/// Files without a name: they are gone with the process.
final class Spill: Sendable {
    static let partitionCount = 64
    /// A thread's sums are written out when there are so many.
    static let groupsMax = 170_000

    /// 40 bytes an id: itself, its body, where it stands, what became of it.
    struct Record {
        enum Fate: UInt64 { case counted, pending, known }
        var high: UInt64
        var low: UInt64
        var body: UInt64
        /// File in the upper 24 bits, offset below.
        var place: UInt64
        var fate: UInt64

        init(_ id: MeterID, body: UInt64, place: Tally.Place, fate: Fate) {
            (high, low) = (id.high, id.low)
            self.body = body == 0 ? 1 : body
            self.place = UInt64(place.file) << 40 | UInt64(place.offset)
            self.fate = fate.rawValue
        }

        var id: MeterID { MeterID(high: high, low: low) }
        var at: Tally.Place { Tally.Place(file: Int(place >> 40), offset: Int(place & (1 << 40 - 1))) }
        /// By id, what was billed before first, then by place.
        static func < (a: Record, b: Record) -> Bool {
            (a.high, a.low, a.fate == Fate.known.rawValue ? 0 : 1, a.place)
                < (b.high, b.low, b.fate == Fate.known.rawValue ? 0 : 1, b.place)
        }
    }

    /// 48 bytes a group.
    struct Sum {
        var key: UInt64
        var quantities: Quantities
    }

    /// A stretch of one thread's run file that is of one day.
    struct Run {
        var day: Int32
        var offset: Int
        var count: Int
    }

    private let ids: [ScratchFile]

    init(folder: String, disk: Disk) throws(MeteringError) {
        var files: [ScratchFile] = []
        for _ in 0..<Spill.partitionCount { files.append(try ScratchFile(folder: folder, disk: disk)) }
        ids = files
    }

    static func partition(_ id: MeterID) -> Int {
        Int(MeterHash.mix(id.high ^ 0x9E37_79B9_7F4A_7C15, id.low ^ 0xE703_7ED1_A0B4_28DB) >> 58)
    }

    func append(_ records: [Record], to partition: Int) throws(MeteringError) {
        _ = try ids[partition].append(records)
    }

    /// All of a partition, sorted by id.
    func partition(_ index: Int) throws(MeteringError) -> [Record] {
        let file = ids[index]
        var records = try file.read(Record.self, from: 0, count: file.size / MemoryLayout<Record>.stride)
        records.sort(by: <)
        return records
    }
}

/// A file that has no name any more: append and read back.
final class ScratchFile: Sendable {
    private let descriptor: CInt
    private let end = Mutex<Int>(0)
    private let folder: String
    private let disk: Disk

    init(folder: String, disk: Disk) throws(MeteringError) {
        self.folder = folder
        self.disk = disk
        var template = Array("\(folder)/roll-up-XXXXXX".utf8CString)
        let made = template.withUnsafeMutableBufferPointer { mkstemp($0.baseAddress!) }
        guard made >= 0 else { throw disk.failure("mkstemp", folder) }
        _ = template.withUnsafeBufferPointer { unlink($0.baseAddress!) }
        descriptor = made
    }

    deinit { close(descriptor) }

    var size: Int { end.withLock { $0 } }

    /// Where the first of them stands.
    func append<T>(_ items: [T]) throws(MeteringError) -> Int {
        let byteCount = items.count * MemoryLayout<T>.stride
        let offset = end.withLock { end in
            defer { end += byteCount }
            return end
        }
        // SAFETY: plain integers without references; written and read back by one process.
        let isWritten = items.withUnsafeBytes { bytes in
            var done = 0
            while done < byteCount {
                let wrote = pwrite(
                    descriptor, bytes.baseAddress! + done, byteCount - done, off_t(offset + done))
                if wrote < 0 && errno == EINTR { continue }
                if wrote <= 0 { return false }
                done += wrote
            }
            return true
        }
        guard isWritten else { throw disk.failure("write", folder) }
        return offset
    }

    func read<T>(_ type: T.Type, from offset: Int, count: Int) throws(MeteringError) -> [T] {
        let byteCount = count * MemoryLayout<T>.stride
        var isRead = true
        // SAFETY: the bytes are those of `append` with the same type.
        let items = [T](unsafeUninitializedCapacity: count) { buffer, filled in
            let base = UnsafeMutableRawPointer(buffer.baseAddress)
            var done = 0
            while done < byteCount {
                let got = pread(descriptor, base! + done, byteCount - done, off_t(offset + done))
                if got < 0 && errno == EINTR { continue }
                if got <= 0 {
                    isRead = false
                    break
                }
                done += got
            }
            filled = isRead ? count : 0
        }
        guard isRead else { throw disk.failure("read", folder) }
        return items
    }
}

/// One thread's side of a spill: small buffers before the files.
struct SpillBuffer {
    static let bufferedRecords = 1_024

    let spill: Spill
    private var ids: [[Spill.Record]]
    let sums: ScratchFile
    private(set) var runs: [Spill.Run] = []

    init(_ spill: Spill, folder: String, disk: Disk) throws(MeteringError) {
        self.spill = spill
        ids = Array(repeating: [], count: Spill.partitionCount)
        sums = try ScratchFile(folder: folder, disk: disk)
    }

    mutating func note(_ record: Spill.Record) throws(MeteringError) {
        let partition = Spill.partition(record.id)
        ids[partition].append(record)
        if ids[partition].count < SpillBuffer.bufferedRecords { return }
        try spill.append(ids[partition], to: partition)
        ids[partition].removeAll(keepingCapacity: true)
    }

    mutating func finish(_ groups: inout GroupTable) throws(MeteringError) {
        for partition in ids.indices where !ids[partition].isEmpty {
            try spill.append(ids[partition], to: partition)
        }
        ids = []
        try write(&groups)
    }

    /// The sums so far as a run, sorted by their keys and so by day.
    mutating func write(_ groups: inout GroupTable) throws(MeteringError) {
        var entries: [Spill.Sum] = []
        entries.reserveCapacity(groups.count)
        groups.visit { entries.append(Spill.Sum(key: $0, quantities: $1)) }
        groups = GroupTable()
        if entries.isEmpty { return }
        entries.sort { $0.key < $1.key }
        let offset = try sums.append(entries)
        var start = 0
        while start < entries.count {
            let day = GroupTable.parts(entries[start].key).day
            var end = start
            while end < entries.count, GroupTable.parts(entries[end].key).day == day { end += 1 }
            runs.append(
                Spill.Run(
                    day: day, offset: offset + start * MemoryLayout<Spill.Sum>.stride, count: end - start))
            start = end
        }
    }
}
