public import Marketplace

/// One row of a roll-up.
public struct RollUpRow: Hashable, Sendable {
    public let day: Day
    public let tenant: String
    public let plugin: String
    public let plan: String
    /// A metric's name, or `amount.<currency>` for what plugins reported, in minor units.
    public let metric: String
    public let quantity: Int64
}

/// A line that was set aside: it is in no sum, and somebody is to look at it.
public struct QuarantinedLine: Hashable, Sendable, Codable {
    public let file: String
    public let offset: Int
    public let why: String

    public init(file: String, offset: Int, why: String) {
        self.file = file
        self.offset = offset
        self.why = why
    }
}

/// What a roll-up found: sums, the events that are no sums, and an account of every line.
public struct RollUpResult: Sendable {
    /// Every line is one of these: `lines = counted + duplicates + quarantined + billed + pending`.
    public struct Account: Sendable, Hashable, Codable {
        public var lines: Int64 = 0
        public var counted: Int64 = 0
        public var duplicates: Int64 = 0
        public var quarantined: Int64 = 0
        public var billed: Int64 = 0
        public var pending: Int64 = 0
        /// Of the counted: from before the period.
        public var late: Int64 = 0

        public init(
            lines: Int64 = 0, counted: Int64 = 0, duplicates: Int64 = 0, quarantined: Int64 = 0,
            billed: Int64 = 0,
            pending: Int64 = 0, late: Int64 = 0
        ) {
            self.lines = lines
            self.counted = counted
            self.duplicates = duplicates
            self.quarantined = quarantined
            self.billed = billed
            self.pending = pending
            self.late = late
        }
    }

    public internal(set) var account: Account
    /// Sorted by file and offset.
    public internal(set) var quarantined: [QuarantinedLine]
    /// Sorted by time, then id.
    public internal(set) var amounts: [AmountEvent]
    public internal(set) var subscriptions: [SubscriptionEvent]
    /// Tenants of quarantined lines with two bodies, whose invoices wait.
    public internal(set) var disputedTenants: Set<String> = []

    /// Every tenant that a line spoke of, sorted.
    public var tenantNames: [String] { tenants }

    var tenants: [String]
    var plugins: [String]
    var plans: [String]
    /// Packed keys over the sorted names, ascending, and their sums.
    var keys: [UInt64]
    var sums: [Quantities]

    /// Rows sorted by day, tenant, plugin, plan and metric, bytewise; no zero rows.
    public func rows() -> [RollUpRow] {
        var rows: [RollUpRow] = []
        for (key, sum) in zip(keys, sums) {
            let parts = GroupTable.parts(key)
            for (name, quantity) in zip(Quantities.names, sum.inOrder) where quantity != 0 {
                rows.append(
                    RollUpRow(
                        day: Day(number: Int(parts.day)), tenant: tenants[parts.tenant],
                        plugin: plugins[parts.plugin], plan: plans[parts.plan], metric: name,
                        quantity: quantity))
            }
        }
        let reported = amountRows()
        if reported.isEmpty { return rows }
        return (rows + reported).sorted { a, b in
            (a.day, Bytes(a.tenant), Bytes(a.plugin), Bytes(a.plan), Bytes(a.metric))
                < (b.day, Bytes(b.tenant), Bytes(b.plugin), Bytes(b.plan), Bytes(b.metric))
        }
    }

    private func amountRows() -> [RollUpRow] {
        struct Key: Hashable {
            let day: Day, tenant: String, plugin: String, plan: String, currency: String
        }
        var sums: [Key: Int64] = [:]
        for event in amounts {
            let key = Key(
                day: event.time.day, tenant: event.tenant.text, plugin: event.plugin.text, plan: event.plan,
                currency: event.amount.currency.code)
            sums[key, default: 0] += event.amount.minor
        }
        return sums.filter { $0.value != 0 }.map { key, sum in
            RollUpRow(
                day: key.day, tenant: key.tenant, plugin: key.plugin, plan: key.plan,
                metric: "amount.\(key.currency)", quantity: sum)
        }
    }

    /// The rows without their plans: what `usage roll-up` prints.
    func rowsOverPlans() -> [RollUpRow] {
        var merged: [RollUpRow] = []
        var group: [String: Int64] = [:]
        let rows = rows()
        for (index, row) in rows.enumerated() {
            group[row.metric, default: 0] += row.quantity
            let next = index + 1 < rows.count ? rows[index + 1] : nil
            if let next, next.day == row.day, next.tenant == row.tenant, next.plugin == row.plugin {
                continue
            }
            for metric in group.keys.sorted(by: { Bytes($0) < Bytes($1) }) {
                merged.append(
                    RollUpRow(
                        day: row.day, tenant: row.tenant, plugin: row.plugin, plan: "", metric: metric,
                        quantity: group[metric]!))
            }
            group.removeAll(keepingCapacity: true)
        }
        return merged
    }

    /// Header and rows `day,tenant,plugin,metric,quantity`.
    public func csv() -> [UInt8] {
        var out: [UInt8] = []
        out.reserveCapacity(roomForRows)
        writeCSV { out += $0 }
        return out
    }

    /// Bytes that rows of two metrics mostly need: growing a large array would copy it again and again.
    private var roomForRows: Int { keys.count * 144 }

    /// The same in pieces, so that the whole text is never in memory.
    public func writeCSV(_ write: ([UInt8]) -> Void) {
        var out = Array("day,tenant,plugin,metric,quantity\n".utf8)
        if amounts.isEmpty, plans.count <= 1 { return writeRows(&out, withPlan: false, write) }
        for row in rowsOverPlans() {
            CSV.append(&out, [row.day.description, row.tenant, row.plugin, row.metric, String(row.quantity)])
        }
        write(out)
    }

    /// The same with the plan: what the night rates.
    public func csvByPlan() -> [UInt8] {
        var out = Array("day,tenant,plugin,plan,metric,quantity\n".utf8)
        if amounts.isEmpty {
            var whole: [UInt8] = []
            whole.reserveCapacity(roomForRows)
            writeRows(&out, withPlan: true) { whole += $0 }
            return whole
        }
        for row in rows() {
            CSV.append(
                &out,
                [row.day.description, row.tenant, row.plugin, row.plan, row.metric, String(row.quantity)])
        }
        return out
    }

    /// `{"schema":1,"rows":[…],"account":{…},"quarantined":[…]}`
    public func json() -> [UInt8] {
        let rows = rowsOverPlans().map { row -> JSONValue in
            [
                "day": .string(row.day.description), "tenant": .string(row.tenant),
                "plugin": .string(row.plugin),
                "metric": .string(row.metric), "quantity": .integer(row.quantity),
            ]
        }
        let quarantine = quarantined.map { line -> JSONValue in
            ["file": .string(line.file), "offset": .integer(Int64(line.offset)), "why": .string(line.why)]
        }
        let account: JSONValue = [
            "lines": .integer(account.lines), "counted": .integer(account.counted),
            "duplicates": .integer(account.duplicates), "quarantined": .integer(account.quarantined),
            "billed": .integer(account.billed), "pending": .integer(account.pending),
            "late": .integer(account.late),
        ]
        let value: JSONValue = [
            "schema": 1, "rows": .array(rows), "account": account, "quarantined": .array(quarantine),
        ]
        return value.serializedBytes(pretty: true) + [0x0A]
    }

    /// The common case without a String per cell: the parts of each row are copied as bytes.
    private func writeRows(_ out: inout [UInt8], withPlan: Bool, _ write: ([UInt8]) -> Void) {
        var rows = RowBuffer(out)
        let tenants = RowBuffer.Cells(tenants)
        let plugins = RowBuffer.Cells(plugins)
        let plans = RowBuffer.Cells(plans)
        let metrics = RowBuffer.Cells(Quantities.names)
        var day: Int32 = -1
        var dayCell = RowBuffer.Cells([])
        for (index, key) in keys.enumerated() {
            let parts = GroupTable.parts(key)
            if parts.day != day {
                day = parts.day
                dayCell = RowBuffer.Cells([Day(number: Int(day)).description])
            }
            let sum = sums[index]
            func row(_ metric: Int, _ quantity: Int64) {
                if quantity == 0 { return }
                rows.append(dayCell, 0)
                rows.append(tenants, parts.tenant)
                rows.append(plugins, parts.plugin)
                if withPlan { rows.append(plans, parts.plan) }
                rows.append(metrics, metric)
                rows.end(quantity)
            }
            row(0, sum.apiCalls)
            row(1, sum.bytes)
            row(2, sum.calls)
            row(3, sum.executionMs)
            row(4, sum.storageByteHours)
            if rows.isFull { write(rows.take()) }
        }
        write(rows.take())
    }

    func check() {
        let sum =
            account.counted + account.duplicates + account.quarantined + account.billed + account.pending
        precondition(account.lines == sum, "every line is counted in one place: \(account)")
        precondition(keys.count == sums.count, "one sum for each group")
    }
}

/// Text that compares by its bytes.
struct Bytes: Comparable {
    let text: String
    init(_ text: String) { self.text = text }
    static func == (a: Bytes, b: Bytes) -> Bool { a.text == b.text }
    static func < (a: Bytes, b: Bytes) -> Bool { a.text.utf8.lexicographicallyPrecedes(b.text.utf8) }
}

/// RFC 4180, line feeds alone, quotes only where they are needed.
public enum CSV {
    public static func append(_ out: inout [UInt8], _ cells: [String]) {
        for (index, text) in cells.enumerated() {
            if index > 0 { out.append(UInt8(ascii: ",")) }
            append(text, to: &out)
        }
        out.append(0x0A)
    }

    static func cell(_ text: String) -> [UInt8] {
        var out: [UInt8] = []
        append(text, to: &out)
        return out
    }

    private static func append(_ text: String, to out: inout [UInt8]) {
        let isPlain = text.utf8.withContiguousStorageIfAvailable { units in
            if units.contains(where: isSpecial) { return false }
            out.append(contentsOf: units)
            return true
        }
        if isPlain == true { return }
        guard text.utf8.contains(where: isSpecial) else {
            out.append(contentsOf: text.utf8)
            return
        }
        out.append(0x22)
        for byte in text.utf8 {
            if byte == 0x22 { out.append(0x22) }
            out.append(byte)
        }
        out.append(0x22)
    }

    private static func isSpecial(_ unit: UInt8) -> Bool {
        unit == 0x22 || unit == 0x2C || unit == 0x0A || unit == 0x0D
    }
}
