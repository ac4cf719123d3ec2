internal import Marketplace
internal import Provenance

/// The general path: any line, by the strict JSON parser. Slow, and the judge of what the fast path leaves.
enum GeneralLine {
    enum Outcome {
        case reading(MeterReading)
        case amount(MeterReading, AmountEvent)
        case subscription(MeterReading, SubscriptionEvent)
        case quarantined(String)
    }

    static func read(_ line: [UInt8], names: inout LineScanner) -> Outcome {
        do {
            return try parse(line, names: &names)
        } catch {
            return .quarantined(error.why)
        }
    }

    private struct Refusal: Error {
        let why: String
    }

    private static func parse(_ line: [UInt8], names: inout LineScanner) throws(Refusal) -> Outcome {
        guard line.count <= MeterLimits.lineBytesMax else { throw Refusal(why: "the line is too long") }
        let value: JSONValue
        do {
            value = try JSONValue.parse(line)
        } catch {
            throw Refusal(why: "is no JSON: \(error)")
        }
        guard case .object(let members) = value else { throw Refusal(why: "is no object") }
        var fields = Fields(members: members)
        let kind = try fields.text("kind", default: "call")
        var reading = MeterReading()
        let id = try fields.text("id", limit: MeterLimits.idBytesMax)
        reading.id = MeterID(id)
        guard let time = Instant(try fields.text("time")) else {
            throw Refusal(why: "`time` is not RFC 3339")
        }
        guard time.milliseconds >= 0 else { throw Refusal(why: "`time` is before 1970") }
        reading.timeMs = time.milliseconds
        reading.day = Int32(time.day.number)
        let tenant = try fields.text("tenant")
        let plugin = try fields.text("plugin")
        let plan = try fields.text("plan", default: "")
        let version = try fields.text("version", default: "")
        let node = try fields.text("node", default: "")
        let seq = try fields.quantity("seq")
        let tenantHash = names.tenants.intern(tenant)
        let pluginHash = names.plugins.intern(plugin)
        let planHash = names.plans.intern(plan)
        (reading.tenant, reading.plugin, reading.plan) = (tenantHash.index, pluginHash.index, planHash.index)
        var body = BodyHash()
        body.number(.time, reading.timeMs)
        body.hash(.tenant, tenantHash.hash)
        body.hash(.plugin, pluginHash.hash)
        if !plan.isEmpty { body.hash(.plan, planHash.hash) }
        body.text(.version, version)

        switch kind {
        case "call":
            body.text(.action, try fields.text("action", default: ""))
            body.text(.outcome, try fields.text("outcome", default: ""))
            reading.quantities.calls = try fields.quantity("calls")
            reading.quantities.apiCalls = try fields.quantity("apiCalls")
            reading.quantities.executionMs = try fields.quantity("executionMs")
            let (bytesIn, bytesOut) = (try fields.quantity("bytesIn"), try fields.quantity("bytesOut"))
            reading.quantities.bytes = bytesIn + bytesOut
            body.number(.calls, reading.quantities.calls)
            body.number(.apiCalls, reading.quantities.apiCalls)
            body.number(.executionMs, reading.quantities.executionMs)
            body.number(.bytesIn, bytesIn)
            body.number(.bytesOut, bytesOut)
            body.number(.storageBytes, try fields.quantity("storageBytes"))
            try fields.end()
            reading.body = body.value
            return .reading(reading)
        case "storage":
            let stored = try fields.quantity("storageBytes")
            let hours = try fields.quantity("hours", default: 24)
            let (product, overflow) = stored.multipliedReportingOverflow(by: hours)
            guard hours <= 24, !overflow else { throw Refusal(why: "a sample stands for at most 24 hours") }
            try fields.end()
            reading.kind = .storage
            reading.quantities.storageByteHours = product
            body.number(.storageBytes, stored)
            body.number(.hours, hours)
            reading.body = body.value
            return .reading(reading)
        case "amount":
            guard let currency = Currency(try fields.text("currency")) else {
                throw Refusal(why: "`currency` is not one of ISO 4217")
            }
            guard let amount = Money(try fields.text("amount"), currency), amount.minor >= 0,
                amount.minor <= MeterLimits.quantityMax
            else { throw Refusal(why: "`amount` is no amount of \(currency.code)") }
            guard let tenantID = TenantID(tenant), let pluginID = PluginID(plugin) else {
                throw Refusal(why: "`tenant` or `plugin` is no identifier")
            }
            try fields.end()
            reading.kind = .amount
            body.number(.amount, amount.minor)
            body.text(.currency, currency.code)
            reading.body = body.value
            let event = AmountEvent(
                id: id, time: time, node: node, seq: seq, tenant: tenantID, plugin: pluginID,
                version: version,
                plan: plan, amount: amount)
            return .amount(reading, event)
        case "subscription":
            guard let tenantID = TenantID(tenant), let pluginID = PluginID(plugin) else {
                throw Refusal(why: "`tenant` or `plugin` is no identifier")
            }
            let event = try subscription(&fields, id, time, node, seq, tenantID, pluginID, version, plan)
            var canonical = event
            (canonical.node, canonical.seq) = ("", 0)
            body.text(.kind, EventLine.bytes(.subscription(canonical)))
            reading.body = body.value
            return .subscription(reading, event)
        default:
            throw Refusal(why: "no such kind: \(kind)")
        }
    }

    private static func subscription(
        _ fields: inout Fields, _ id: String, _ time: Instant, _ node: String, _ seq: Int64,
        _ tenant: TenantID,
        _ plugin: PluginID, _ version: String, _ plan: String
    ) throws(Refusal) -> SubscriptionEvent {
        guard let change = SubscriptionEvent.Change(rawValue: try fields.text("change")) else {
            throw Refusal(why: "`change` is none of \(SubscriptionEvent.Change.allCases.map(\.rawValue))")
        }
        let seats = try fields.quantity("seats", default: 1)
        guard seats >= 1, seats <= MeterLimits.seatsMax else { throw Refusal(why: "`seats` is out of range") }
        guard let price = Digest(hex: try fields.text("price")) else {
            throw Refusal(why: "`price` is no digest")
        }
        let pricing = fields.take("pricing")
        if let pricing, SubscriptionEvent.priceDigest(of: pricing) != price {
            throw Refusal(why: "`price` is not the digest of `pricing`")
        }
        var cap: Money?
        let currency = try fields.text("currency", default: "")
        let capText = try fields.text("cap", default: "")
        if !capText.isEmpty {
            guard let unit = Currency(currency), let money = Money(capText, unit), money.minor >= 0 else {
                throw Refusal(why: "`cap` is no amount of `currency`")
            }
            cap = money
        }
        let vatID = try fields.text("vatId", default: "")
        let event = SubscriptionEvent(
            id: id, time: time, node: node, seq: seq, tenant: tenant, plugin: plugin, version: version,
            change: change, plan: plan, seats: seats, price: price, pricing: pricing,
            country: try fields.text("country", default: ""),
            customer: try fields.text("customer", default: ""),
            vatID: vatID.isEmpty ? nil : vatID, cap: cap)
        try fields.end()
        return event
    }

    /// A line's members, taken one by one; what is left at the end was not expected.
    private struct Fields {
        var members: [String: JSONValue]

        mutating func take(_ key: String) -> JSONValue? { members.removeValue(forKey: key) }

        mutating func text(
            _ key: String, default fallback: String? = nil, limit: Int = MeterLimits.textBytesMax
        ) throws(Refusal) -> String {
            guard let value = take(key) else {
                if let fallback { return fallback }
                throw Refusal(why: "`\(key)` is missing")
            }
            guard case .string(let text) = value, text.utf8.count <= limit,
                text.utf8.allSatisfy({ $0 >= 0x20 && $0 != 0x7F }), fallback != nil || !text.isEmpty
            else { throw Refusal(why: "`\(key)` is no text of 1 to \(limit) bytes") }
            return text
        }

        mutating func quantity(_ key: String, default fallback: Int64 = 0) throws(Refusal) -> Int64 {
            guard let value = take(key) else { return fallback }
            guard case .integer(let number) = value, number >= 0, number <= MeterLimits.quantityMax else {
                throw Refusal(why: "`\(key)` is no whole number from 0 to \(MeterLimits.quantityMax)")
            }
            return number
        }

        func end() throws(Refusal) {
            if let key = members.keys.sorted().first { throw Refusal(why: "`\(key)` is not expected") }
        }
    }
}

/// The sum of field hashes that the fast path of calls makes, for the other paths.
struct BodyHash {
    private(set) var value: UInt64 = 0

    mutating func number(_ field: LineScanner.Field, _ number: Int64) {
        value &+= MeterHash.number(field.rawValue, number)
    }

    mutating func hash(_ field: LineScanner.Field, _ hash: UInt64) {
        value &+= MeterHash.text(field.rawValue, hash)
    }

    mutating func text(_ field: LineScanner.Field, _ text: String) {
        Array(text.utf8).withUnsafeBufferPointer { self.text(field, $0) }
    }

    mutating func text(_ field: LineScanner.Field, _ bytes: [UInt8]) {
        bytes.withUnsafeBufferPointer { text(field, $0) }
    }

    /// An empty text is as if it were left out.
    mutating func text(_ field: LineScanner.Field, _ bytes: UnsafeBufferPointer<UInt8>) {
        guard let start = bytes.baseAddress, !bytes.isEmpty else { return }
        hash(field, Interner.hash(start, bytes.count))
    }
}
