internal import Marketplace

/// What one thread of a roll-up has counted.
struct Tally: Sendable {
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
    private(set) var count = Count()
    private(set) var conflicts: [MeterID] = []
    private(set) var quarantined: [(place: Place, why: String)] = []
    private(set) var amounts: [AmountEvent] = []
    private(set) var subscriptions: [SubscriptionEvent] = []
    /// For the second reading: look at these ids alone, and say where they stand.
    var only: Set<MeterID>?
    private(set) var conflicting: [Conflict] = []

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
        var reading = MeterReading()
        try file.forEachLine(piece: piece, disk: Disk()) { (offset, p, length) throws(MeteringError) in
            let place = Place(file: index, offset: offset)
            if !options.generalPathOnly, names.scan(p, length, into: &reading) {
                try take(reading, place, isKnown, billedBefore, amount: nil, subscription: nil)
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
                if only != nil || isKnown { return }
                count.lines += 1
                count.quarantined += 1
                quarantined.append((place, why))
            }
        }
    }

    @inline(__always)
    private mutating func take(
        _ reading: MeterReading, _ place: Place, _ isKnown: Bool, _ billedBefore: Int64, amount: AmountEvent?,
        subscription: SubscriptionEvent?
    ) throws(MeteringError) {
        if only != nil {
            note(reading, place, isKnown: isKnown || reading.timeMs < billedBefore)
            return
        }
        let isBilled = reading.timeMs < billedBefore
        if isKnown {
            if isBilled { _ = ids.insert(reading.id, body: reading.body) }
            return
        }
        count.lines += 1
        if isBilled {
            count.billed += 1
            return
        }
        switch ids.insert(reading.id, body: reading.body) {
        case .duplicate:
            count.duplicates += 1
            return
        case .conflict:
            conflicts.append(reading.id)
            count.quarantined += 1
            return
        case .new: break
        }
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
        guard
            let key = GroupTable.key(
                day: reading.day, tenant: reading.tenant, plugin: reading.plugin, plan: reading.plan),
            groups.add(key, reading.quantities)
        else { throw MeteringError(.limit, "roll-up", "a sum leaves 64 bits, or there are too many names") }
    }

    private mutating func note(_ reading: MeterReading, _ place: Place, isKnown: Bool) {
        guard only!.contains(reading.id) else { return }
        conflicting.append(
            Conflict(
                place: place, id: reading.id, body: reading.body == 0 ? 1 : reading.body, reading: reading,
                tenant: names.tenants.names[Int(reading.tenant)],
                plugin: names.plugins.names[Int(reading.plugin)],
                plan: names.plans.names[Int(reading.plan)], isKnown: isKnown))
    }
}
