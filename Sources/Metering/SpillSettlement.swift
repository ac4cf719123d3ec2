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
        var corrections = Tally(options: options, ids: ids)
        corrections.spill = buffer
        for partition in 0..<Spill.partitionCount {
            let records = try spill.partition(partition)
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
                    try corrections.takeBack(record, isDuplicate: isSame, files)
                }
                if isDisputed {
                    conflicts.insert(first.id)
                    _ = ids.insert(first.id, body: first.body)
                }
            }
        }
        try corrections.endSpill()
        return (corrections, conflicts, ids)
    }
}

extension SegmentPieces {
    /// The line that begins at an offset, without its line feed.
    func line(at offset: Int, disk: Disk) throws(MeteringError) -> [UInt8] {
        var length = 1 << 12
        while true {
            let to = min(events.upperBound, offset + length)
            let bytes = try bytes(offset..<to, disk)
            if let end = bytes.firstIndex(of: 0x0A) { return Array(bytes[..<end]) }
            if to == events.upperBound || length > SegmentPieces.margin { return bytes }
            length *= 8
        }
    }
}
