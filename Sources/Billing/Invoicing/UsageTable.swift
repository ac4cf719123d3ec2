internal import Marketplace
internal import Metering

/// A period's usage as the roll-up wrote it: `usage-by-plan.csv` read back.
struct UsageTable {
    struct Key: Hashable {
        var tenant: String
        var plugin: String
        var plan: String
        var metric: String
    }

    /// Sums by day, ascending.
    private(set) var days: [Key: [(day: Day, quantity: Int64)]] = [:]

    init(csv bytes: [UInt8], subject: String) throws(BillingError) {
        let lines = bytes.split(separator: 0x0A, omittingEmptySubsequences: true)
        guard let header = lines.first, header.elementsEqual("day,tenant,plugin,plan,metric,quantity".utf8)
        else {
            throw BillingError(.storage, subject, "has not the header of a roll-up")
        }
        for (index, line) in lines.dropFirst().enumerated() {
            let cells = line.split(separator: UInt8(ascii: ","), omittingEmptySubsequences: false)
                .map { String(decoding: $0, as: UTF8.self) }
            guard cells.count == 6, let day = Day(cells[0]), let quantity = Int64(cells[5]) else {
                throw BillingError(.storage, subject, "line \(index + 2) is no row of a roll-up")
            }
            let key = Key(tenant: cells[1], plugin: cells[2], plan: cells[3], metric: cells[4])
            days[key, default: []].append((day, quantity))
        }
    }

    init(_ rows: [RollUpRow]) {
        for row in rows {
            let key = Key(tenant: row.tenant, plugin: row.plugin, plan: row.plan, metric: row.metric)
            days[key, default: []].append((row.day, row.quantity))
        }
    }
}
