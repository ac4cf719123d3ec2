internal import Marketplace
internal import Metering

/// A period's usage as the roll-up wrote it: `usage-by-plan.csv` read back.
struct UsageTable {
    /// A tenant's use of a plugin.
    struct Pair: Hashable, Comparable {
        var tenant: String
        var plugin: String
        static func < (a: Pair, b: Pair) -> Bool { (a.tenant, a.plugin) < (b.tenant, b.plugin) }
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
        // What stands between the day and the quantity names a series. A day's rows come in the order of the day
        // before: the next name is guessed, and looked up only where the guess is wrong.
        var names: [ArraySlice<UInt8>] = []
        var numbers: [ArraySlice<UInt8>: Int] = [:]
        var days: [[(day: Day, quantity: Int64)]] = []
        var (dayText, day): (ArraySlice<UInt8>, Day) = ([], Day(number: 0))
        var (at, line, series) = (Self.header.count, 1, -1)
        while at < bytes.count {
            line += 1
            let row = bytes[at..<(bytes[at...].firstIndex(of: 0x0A) ?? bytes.count)]
            at = row.endIndex + 1
            guard let dayEnd = row.firstIndex(of: UInt8(ascii: ",")),
                let nameEnd = row.lastIndex(of: UInt8(ascii: ",")), dayEnd < nameEnd,
                let quantity = Self.number(row[(nameEnd + 1)...])
            else { throw BillingError(.storage, subject, "line \(line) is no row of a roll-up") }
            if row[..<dayEnd] != dayText {
                guard let read = Day(String(decoding: row[..<dayEnd], as: UTF8.self)) else {
                    throw BillingError(.storage, subject, "line \(line) has no date")
                }
                (dayText, day) = (row[..<dayEnd], read)
            }
            let name = row[(dayEnd + 1)..<nameEnd]
            series += 1
            if series == names.count || names[series] != name {
                if let known = numbers[name] {
                    series = known
                } else {
                    guard name.reduce(0, { $1 == UInt8(ascii: ",") ? $0 + 1 : $0 }) == 3 else {
                        throw BillingError(.storage, subject, "line \(line) is no row of a roll-up")
                    }
                    series = names.count
                    names.append(name)
                    numbers[name] = series
                    days.append([])
                }
            }
            days[series].append((day, quantity))
        }
        collect(names, days)
    }

    /// Each text is made into a String once; the series of one pair mostly stand together.
    private mutating func collect(_ names: [ArraySlice<UInt8>], _ days: [[(day: Day, quantity: Int64)]]) {
        var texts: [ArraySlice<UInt8>: String] = [:]
        func text(_ cell: ArraySlice<UInt8>) -> String {
            if let known = texts[cell] { return known }
            let made = String(decoding: cell, as: UTF8.self)
            texts[cell] = made
            return made
        }
        series.reserveCapacity(names.count / 2)
        for (name, days) in zip(names, days) {
            let cells = name.split(separator: UInt8(ascii: ","), omittingEmptySubsequences: false)
            series[Pair(tenant: text(cells[0]), plugin: text(cells[1])), default: []].append(
                Series(plan: text(cells[2]), metric: text(cells[3]), days: days))
        }
    }

    private static func number(_ cell: ArraySlice<UInt8>) -> Int64? {
        var value: Int64 = 0
        guard !cell.isEmpty, cell.count <= 18 else { return Int64(String(decoding: cell, as: UTF8.self)) }
        for byte in cell {
            guard (48...57).contains(byte) else { return Int64(String(decoding: cell, as: UTF8.self)) }
            value = value * 10 + Int64(byte - 48)
        }
        return value
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
