internal import Glibc
internal import Marketplace
internal import Metering

/// A period's usage as the roll-up wrote it: `usage-by-plan.csv` read back.
struct UsageTable {
    /// A tenant's use of a plugin.
    struct Pair: Hashable, Comparable {
        var tenant: String
        var plugin: String
        static func < (a: Pair, b: Pair) -> Bool { (a.tenant, a.plugin) < (b.tenant, b.plugin) }

        init(tenant: String, plugin: String) { (self.tenant, self.plugin) = (tenant, plugin) }

        init(_ subscription: Subscription) {
            self.init(tenant: subscription.tenant.text, plugin: subscription.plugin.text)
        }
    }

    /// One metric of one plan: sums by day, ascending.
    struct Series {
        var plan: String
        var metric: String
        var days: [(day: Day, quantity: Int64)]
    }

    private(set) var series: [Pair: [Series]] = [:]

    private static let header = Array("day,tenant,plugin,plan,metric,quantity\n".utf8)

    init(csv bytes: [UInt8], subject: String) throws(BillingError) {
        guard bytes.starts(with: Self.header) else {
            throw BillingError(.storage, subject, "has not the header of a roll-up")
        }
        try bytes.withUnsafeBufferPointer { text throws(BillingError) in
            var reader = Reader(text, at: Self.header.count, subject: subject)
            while let row = try reader.next() { try reader.take(row) }
            collect(reader)
        }
    }

    /// Goes along the rows. What stands between the day and the quantity names a series. A day's rows come in the order
    /// of the day before, some of them left out: the next name is guessed, and looked up only where that is wrong.
    private struct Reader {
        // SAFETY: the text outlives its reader, and every range is inside it.
        let p: UnsafePointer<UInt8>
        let count: Int
        let subject: String
        var at: Int
        var line = 1
        var day = (text: 0..<0, value: Day(number: 0))
        var names: [Range<Int>] = []
        var days: [[(day: Day, quantity: Int64)]] = []
        private var numbers: [String: Int] = [:]
        private var series = -1

        private static let comma = UInt8(ascii: ",")

        init(_ text: UnsafeBufferPointer<UInt8>, at: Int, subject: String) {
            p = text.baseAddress!
            count = text.count
            self.at = at
            self.subject = subject
        }

        func text(_ range: Range<Int>) -> String {
            String(
                decoding: UnsafeBufferPointer(start: p + range.lowerBound, count: range.count), as: UTF8.self)
        }

        private func isSame(_ a: Range<Int>, _ b: Range<Int>) -> Bool {
            a.count == b.count && memcmp(p + a.lowerBound, p + b.lowerBound, a.count) == 0
        }

        func place(of byte: UInt8, in range: Range<Int>) -> Int? {
            memchr(p + range.lowerBound, CInt(byte), range.count).map {
                UnsafePointer($0.assumingMemoryBound(to: UInt8.self)) - p
            }
        }

        /// The next row's name and quantity; its day is `day`.
        mutating func next() throws(BillingError) -> (name: Range<Int>, quantity: Int64)? {
            guard at < count else { return nil }
            line += 1
            let end = place(of: 0x0A, in: at..<count) ?? count
            var nameEnd = end - 1
            while nameEnd > at, p[nameEnd] != Self.comma { nameEnd -= 1 }
            guard let dayEnd = place(of: Self.comma, in: at..<end), dayEnd < nameEnd,
                let quantity = number((nameEnd + 1)..<end)
            else { throw failure("is no row of a roll-up") }
            if !isSame(day.text, at..<dayEnd) {
                guard let read = Day(text(at..<dayEnd)) else { throw failure("has no date") }
                day = (at..<dayEnd, read)
            }
            at = end + 1
            return ((dayEnd + 1)..<nameEnd, quantity)
        }

        mutating func take(_ row: (name: Range<Int>, quantity: Int64)) throws(BillingError) {
            let guesses = (series + 1)..<max(series + 1, min(series + 4, names.count))
            if let right = guesses.first(where: { isSame(names[$0], row.name) }) {
                series = right
            } else {
                let name = text(row.name)
                if let known = numbers[name] {
                    series = known
                } else {
                    guard name.utf8.count(where: { $0 == Self.comma }) == 3 else {
                        throw failure("is no row of a roll-up")
                    }
                    series = names.count
                    names.append(row.name)
                    numbers[name] = series
                    days.append([])
                    days[series].reserveCapacity(8)
                }
            }
            days[series].append((day.value, row.quantity))
        }

        private func number(_ cell: Range<Int>) -> Int64? {
            var value: Int64 = 0
            guard !cell.isEmpty, cell.count <= 18 else { return Int64(text(cell)) }
            for at in cell {
                guard p[at] &- 48 < 10 else { return Int64(text(cell)) }
                value = value * 10 + Int64(p[at] &- 48)
            }
            return value
        }

        private func failure(_ what: String) -> BillingError {
            BillingError(.storage, subject, "line \(line) \(what)")
        }
    }

    private mutating func collect(_ reader: Reader) {
        series.reserveCapacity(reader.names.count / 2)
        for (name, days) in zip(reader.names, reader.days) {
            var cells: [String] = []
            var start = name.lowerBound
            while let comma = reader.place(of: UInt8(ascii: ","), in: start..<name.upperBound) {
                cells.append(reader.text(start..<comma))
                start = comma + 1
            }
            series[Pair(tenant: cells[0], plugin: cells[1]), default: []].append(
                Series(plan: cells[2], metric: reader.text(start..<name.upperBound), days: days))
        }
    }

    private mutating func add(_ pair: Pair, _ plan: String, _ metric: String, _ day: Day, _ quantity: Int64) {
        var own = series.removeValue(forKey: pair) ?? []
        if let at = own.firstIndex(where: { $0.plan == plan && $0.metric == metric }) {
            own[at].days.append((day, quantity))
        } else {
            own.append(Series(plan: plan, metric: metric, days: [(day, quantity)]))
        }
        series[pair] = own
    }

    init(_ rows: [RollUpRow]) {
        for row in rows {
            add(Pair(tenant: row.tenant, plugin: row.plugin), row.plan, row.metric, row.day, row.quantity)
        }
    }
}
