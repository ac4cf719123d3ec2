internal import Marketplace

extension RollUp {
    /// After a scan that spilled: takes back what was counted twice. Each partition holds all lines of its ids, so
    /// one small piece at a time is sorted and looked through. Gives a tally of corrections to be added to the others,
    /// and the ids with two bodies, each with the body that stands for it until they are settled.
    func settleSpill(
        _ spill: Spill, _ files: [SegmentPieces], _ buffer: SpillBuffer
    ) throws(MeteringError) -> (corrections: Tally, conflicts: Set<MeterID>, ids: IDSet) {
        let ids = IDSet(expected: 0)
        var conflicts: Set<MeterID> = []
        let lines = LineFinder(files, Disk())
        var corrections = Tally(options: options, ids: ids)
        corrections.spill = buffer
        for partition in 0..<Spill.partitionCount {
            let records = try spill.partition(partition)
            var copies: [(record: Spill.Record, isDuplicate: Bool)] = []
            var start = 0
            while start < records.count {
                var end = start + 1
                while end < records.count, records[end].id == records[start].id { end += 1 }
                defer { start = end }
                if end - start == 1 { continue }
                let first = records[start]
                var isDisputed = false
                for record in records[(start + 1)..<end] where record.fate != Spill.Record.Fate.known.rawValue
                {
                    let isSame = record.body == first.body
                    isDisputed = isDisputed || !isSame
                    copies.append((record, isSame))
                }
                if isDisputed {
                    conflicts.insert(first.id)
                    _ = ids.insert(first.id, body: first.body)
                }
            }
            // In the files' order, so that a compressed one is inflated once.
            copies.sort { $0.record.place < $1.record.place }
            for copy in copies {
                let line = try lines.line(copy.record.at)
                try corrections.takeBack(copy.record, line, isDuplicate: copy.isDuplicate, files)
            }
        }
        try corrections.endSpill()
        return (corrections, conflicts, ids)
    }
}

/// Single lines of files, by their offsets. Keeps the file that was inflated last.
private final class LineFinder {
    private let files: [SegmentPieces]
    private let disk: Disk
    private var inflated: (file: Int, bytes: [UInt8])?

    init(_ files: [SegmentPieces], _ disk: Disk) {
        self.files = files
        self.disk = disk
    }

    /// The line that begins there, without its line feed.
    func line(_ place: Tally.Place) throws(MeteringError) -> [UInt8] {
        let file = files[place.file]
        if file.isCompressed {
            if inflated?.file != place.file {
                inflated = nil
                inflated = (place.file, try file.bytes(0..<file.byteCount, disk))
            }
            let rest = inflated!.bytes[place.offset...]
            return Array(rest.prefix { $0 != 0x0A })
        }
        var length = 1 << 12
        while true {
            let to = min(file.events.upperBound, place.offset + length)
            let bytes = try file.bytes(place.offset..<to, disk)
            if let end = bytes.firstIndex(of: 0x0A) { return Array(bytes[..<end]) }
            if to == file.events.upperBound || length > SegmentPieces.margin { return bytes }
            length *= 8
        }
    }
}
