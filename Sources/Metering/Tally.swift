internal import Marketplace

/// What one thread of a roll-up has counted.
struct Tally: @unchecked Sendable {
    // SAFETY: a tally and its buffers are one thread's until it is finished.
    struct Count: Sendable, Hashable {
        var lines: Int64 = 0
        var counted: Int64 = 0
        var duplicates: Int64 = 0
        /// Billed with an earlier period.
        var billed: Int64 = 0
        /// At or after the end: left for a later roll-up.
        var pending: Int64 = 0
        var quarantined: Int64 = 0
        /// Of the counted: from before the period.
        var late: Int64 = 0

        mutating func add(_ other: Count) {
            lines += other.lines
            counted += other.counted
            duplicates += other.duplicates
            billed += other.billed
            pending += other.pending
            quarantined += other.quarantined
            late += other.late
        }
    }

    struct Place: Sendable, Hashable {
        var file: Int
        var offset: Int
    }

    /// A line whose id has another body elsewhere.
    struct Conflict {
        var place: Place
        var id: MeterID
        var body: UInt64
        var reading: MeterReading
        var tenant: [UInt8]
        var plugin: [UInt8]
        var plan: [UInt8]
        /// It was billed with an earlier period.
        var isKnown: Bool
    }

    let options: RollUp.Options
    let ids: IDSet
    private(set) var names = LineScanner()
    private(set) var groups = GroupTable()
    /// Where ids and sums go when memory is bounded.
    var spill: SpillBuffer?
    private(set) var count = Count()
    private(set) var conflicts: [MeterID] = []
    private(set) var quarantined: [(place: Place, why: String)] = []
    private(set) var amounts: [AmountEvent] = []
    private(set) var subscriptions: [SubscriptionEvent] = []
    /// Ids of which a copy was taken back: their amounts and subscriptions stand twice until the merge.
    private(set) var takenBack: Set<MeterID> = []
    private let batch = ReadingBatch()
    private let buffer = PieceBuffer()
    /// For the second reading: look at these ids alone, and say where they stand.
    var only: Set<MeterID>?
    private(set) var conflicting: [Conflict] = []

    /// Whether a tenant of this number is of our shard; empty where there is none.
    private var isOwn: [Bool] = []
    private let until: Int64
    private let lateBefore: Int64

    init(options: RollUp.Options, ids: IDSet) {
        self.options = options
        self.ids = ids
        until = options.until?.milliseconds ?? Int64.max
        lateBefore = options.lateBefore?.milliseconds ?? Int64.min
    }

    mutating func read(_ file: SegmentPieces, _ index: Int, _ piece: Int, asKnown isKnown: Bool)
        throws(MeteringError)
    {
        let unmarked = file.source.role == .known ? Int64.max : Int64.min
        let billedBefore = file.source.billedBefore?.milliseconds ?? unmarked
        // The common case: calls to be counted, all in memory.
        let isBatched = spill == nil && only == nil && options.shard == nil && !isKnown
        try file.forEachLine(piece: piece, buffer: buffer, disk: Disk()) {
            (offset, p, length) throws(MeteringError) in
            let place = Place(file: index, offset: offset)
            if !options.generalPathOnly, names.scan(p, length, into: &batch.next.pointee) {
                if isBatched {
                    count.lines += 1
                    if batch.next.pointee.timeMs < billedBefore {
                        count.billed += 1
                    } else {
                        batch.keep()
                        if batch.isFull { try takeBatch() }
                    }
                } else {
                    try take(batch.next.pointee, place, isKnown, billedBefore, amount: nil, subscription: nil)
                }
                return
            }
            if !options.generalPathOnly,
                let (reading, event) = SubscriptionLine.read(p, length, names: &names)
            {
                try take(reading, place, isKnown, billedBefore, amount: nil, subscription: event)
                return
            }
            let line = Array(UnsafeBufferPointer(start: p, count: length))
            switch GeneralLine.read(line, names: &names) {
            case .reading(let reading):
                try take(reading, place, isKnown, billedBefore, amount: nil, subscription: nil)
            case .amount(let reading, let event):
                try take(reading, place, isKnown, billedBefore, amount: event, subscription: nil)
            case .subscription(let reading, let event):
                try take(reading, place, isKnown, billedBefore, amount: nil, subscription: event)
            case .quarantined(let why):
                if only != nil || isKnown || (options.shard?.index ?? 0) != 0 { return }
                count.lines += 1
                count.quarantined += 1
                quarantined.append((place, why))
            }
        }
        try takeBatch()
    }

    /// What `take` does, for all of a batch: first the ids, then the sums of those that are new.
    private mutating func takeBatch() throws(MeteringError) {
        batch.insert(into: ids)
        defer { batch.clear() }
        var toAdd = 0
        for at in 0..<batch.count {
            let reading = batch.readings + at
            switch batch.verdicts[at] {
            case .duplicate: count.duplicates += 1
            case .conflict:
                conflicts.append(reading.pointee.id)
                count.quarantined += 1
            case .new:
                if reading.pointee.timeMs >= until {
                    count.pending += 1
                    continue
                }
                count.counted += 1
                if reading.pointee.timeMs < lateBefore { count.late += 1 }
                batch.groups[toAdd] = (try key(reading.pointee), UInt16(truncatingIfNeeded: at))
                toAdd += 1
            }
        }
        guard batch.addGroups(toAdd, to: &groups) else { throw Tally.overflow }
    }

    @inline(__always)
    private mutating func take(
        _ reading: MeterReading, _ place: Place, _ isKnown: Bool, _ billedBefore: Int64, amount: AmountEvent?,
        subscription: SubscriptionEvent?
    ) throws(MeteringError) {
        if let shard = options.shard, !belongs(reading.tenant, to: shard) { return }
        if only != nil {
            note(reading, place, isKnown: isKnown || reading.timeMs < billedBefore)
            return
        }
        let isBilled = reading.timeMs < billedBefore
        if spill != nil {
            try spillID(reading, place, isKnown: isKnown, isBilled: isBilled)
        } else if isKnown {
            if isBilled { _ = ids.insert(reading.id, body: reading.body) }
        }
        if isKnown { return }
        count.lines += 1
        if isBilled {
            count.billed += 1
            return
        }
        if spill == nil, !isFirst(reading) { return }
        if reading.timeMs >= until {
            count.pending += 1
            return
        }
        count.counted += 1
        if reading.timeMs < lateBefore { count.late += 1 }
        if let amount { amounts.append(amount) }
        if let subscription {
            subscriptions.append(subscription)
            return
        }
        try add(reading, sign: 1)
        if spill != nil, groups.count > Spill.groupsMax { try spill!.write(&groups) }
    }

    /// Every id is counted at first; what was seen before is taken back when the partitions are looked through.
    private mutating func spillID(
        _ reading: MeterReading, _ place: Place, isKnown: Bool, isBilled: Bool
    ) throws(MeteringError) {
        if isBilled != isKnown { return }
        let fate: Spill.Record.Fate = isKnown ? .known : reading.timeMs >= until ? .pending : .counted
        try spill!.note(Spill.Record(reading.id, body: reading.body, place: place, fate: fate))
    }

    /// Reads a line again and takes back what it added: it is a copy of another, or says something else than it.
    mutating func takeBack(
        _ record: Spill.Record, _ line: [UInt8], isDuplicate: Bool, _ files: [SegmentPieces]
    ) throws(MeteringError) {
        var reading: MeterReading
        switch GeneralLine.read(line, names: &names) {
        case .reading(let own): reading = own
        case .amount(let own, _), .subscription(let own, _): reading = own
        case .quarantined(let why): throw MeteringError(.storage, files[record.at.file].source.path, why)
        }
        if isDuplicate { count.duplicates += 1 } else { count.quarantined += 1 }
        if record.fate == Spill.Record.Fate.pending.rawValue {
            count.pending -= 1
            return
        }
        count.counted -= 1
        if reading.timeMs < lateBefore { count.late -= 1 }
        takenBack.insert(record.id)
        try add(reading, sign: -1)
        if groups.count > Spill.groupsMax { try spill!.write(&groups) }
    }

    mutating func endSpill() throws(MeteringError) {
        try spill?.finish(&groups)
    }

    private mutating func isFirst(_ reading: MeterReading) -> Bool {
        switch ids.insert(reading.id, body: reading.body) {
        case .duplicate:
            count.duplicates += 1
            return false
        case .conflict:
            conflicts.append(reading.id)
            count.quarantined += 1
            return false
        case .new: return true
        }
    }

    private mutating func add(_ reading: MeterReading, sign: Int64) throws(MeteringError) {
        guard groups.add(try key(reading), reading.quantities, sign: sign) else { throw Tally.overflow }
    }

    @inline(__always)
    private func key(_ reading: MeterReading) throws(MeteringError) -> UInt64 {
        let key = GroupTable.key(
            day: reading.day, tenant: reading.tenant, plugin: reading.plugin, plan: reading.plan)
        guard let key else { throw Tally.overflow }
        return key
    }

    static var overflow: MeteringError {
        MeteringError(.limit, "roll-up", "a sum leaves 64 bits, or there are too many names")
    }

    /// By the first bytes of the name's own hash, the same on every machine.
    private mutating func belongs(_ tenant: UInt32, to shard: RollUp.Shard) -> Bool {
        while isOwn.count <= Int(tenant) {
            let name = names.tenants[isOwn.count]
            let hash = name.reduce(UInt64(0xCBF2_9CE4_8422_2325)) { ($0 ^ UInt64($1)) &* 0x100_0000_01B3 }
            isOwn.append(Int(hash >> 16) % shard.count == shard.index)
        }
        return isOwn[Int(tenant)]
    }

    private mutating func note(_ reading: MeterReading, _ place: Place, isKnown: Bool) {
        guard only!.contains(reading.id) else { return }
        conflicting.append(
            Conflict(
                place: place, id: reading.id, body: reading.body == 0 ? 1 : reading.body, reading: reading,
                tenant: names.tenants[Int(reading.tenant)],
                plugin: names.plugins[Int(reading.plugin)],
                plan: names.plans[Int(reading.plan)], isKnown: isKnown))
    }
}
