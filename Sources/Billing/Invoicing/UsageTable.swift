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

    init(csv bytes: [UInt8], subject: String) throws(BillingError) {
        let lines = bytes.split(separator: 0x0A, omittingEmptySubsequences: true)
        guard let header = lines.first, header.elementsEqual("day,tenant,plugin,plan,metric,quantity".utf8)
        else {
            throw BillingError(.storage, subject, "has not the header of a roll-up")
        }
        // Rows of one day stand together, and texts repeat: each is made into a String once.
        var texts: [ArraySlice<UInt8>: String] = [:]
        var dayText: ArraySlice<UInt8> = []
        var day = Day(number: 0)
        for (index, line) in lines.dropFirst().enumerated() {
            let cells = line.split(separator: UInt8(ascii: ","), omittingEmptySubsequences: false)
            guard cells.count == 6, let quantity = Self.number(cells[5]) else {
                throw BillingError(.storage, subject, "line \(index + 2) is no row of a roll-up")
            }
            if !cells[0].elementsEqual(dayText) {
                guard let read = Day(String(decoding: cells[0], as: UTF8.self)) else {
                    throw BillingError(.storage, subject, "line \(index + 2) has no date")
                }
                (day, dayText) = (read, cells[0])
            }
            func text(_ cell: ArraySlice<UInt8>) -> String {
                if let known = texts[cell] { return known }
                let made = String(decoding: cell, as: UTF8.self)
                texts[cell] = made
                return made
            }
            add(
                Pair(tenant: text(cells[1]), plugin: text(cells[2])), text(cells[3]), text(cells[4]), day,
                quantity)
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
