internal import Glibc
internal import Marketplace

/// The fast path of subscriptions: a line just as `EventLine` writes it, without a price list and a cap, read in one
/// pass. There is one for each customer and plugin, every month again. Whatever is spelled in another way it leaves to
/// `GeneralLine`, which decides.
enum SubscriptionLine {
    static func read(_ line: ArraySlice<UInt8>, names: inout LineScanner) -> (
        MeterReading, SubscriptionEvent
    )? {
        line.withUnsafeBufferPointer { units in
            units.baseAddress.flatMap { read($0, units.count, names: &names) }
        }
    }

    static func read(_ p: UnsafePointer<UInt8>, _ count: Int, names: inout LineScanner) -> (
        MeterReading, SubscriptionEvent
    )? {
        guard count <= MeterLimits.lineBytesMax else { return nil }
        var line = Cursor(p: p, count: count)
        var reading = MeterReading()
        guard let id = line.text(behind: "{\"kind\":\"subscription\",\"id\":\""), !id.isEmpty,
            id.count <= MeterLimits.idBytesMax,
            let time = line.text(behind: "\",\"time\":\""),
            // Milliseconds of zero are not written.
            names.time(time.baseAddress!, time.count, &reading),
            time.count == 20 || reading.timeMs % 1_000 != 0
        else { return nil }
        reading.id = MeterID(id.baseAddress!, id.count)
        let stampAt = line.at
        guard let node = line.text(behind: "\",\"node\":\""),
            let seq = line.number(behind: "\",\"seq\":", max: MeterLimits.quantityMax)
        else { return nil }
        let stampEnd = line.at
        guard let tenant = line.text(behind: ",\"tenant\":\""),
            let plugin = line.text(behind: "\",\"plugin\":\""),
            let version = line.text(behind: "\",\"version\":\""),
            let changeText = line.text(behind: "\",\"change\":\""),
            let change = SubscriptionEvent.Change(rawValue: string(changeText)),
            let plan = line.text(behind: "\",\"plan\":\""),
            let seats = line.number(behind: "\",\"seats\":", max: MeterLimits.seatsMax), seats >= 1,
            let price = line.text(behind: ",\"price\":\"").flatMap({ names.digest($0) }),
            let country = line.text(behind: "\",\"country\":\""),
            let customer = line.text(behind: "\",\"customer\":\"")
        else { return nil }
        var vatID: String?
        if let text = line.text(behind: "\",\"vatId\":\"") {
            if text.isEmpty { return nil }
            vatID = string(text)
        }
        guard line.take("\"}"), line.at == count, let tenantID = TenantID(string(tenant)),
            let pluginID = PluginID(string(plugin))
        else { return nil }

        let hashes = (
            tenant: Interner.hash(tenant.baseAddress!, tenant.count),
            plugin: Interner.hash(plugin.baseAddress!, plugin.count),
            plan: Interner.hash(plan.baseAddress!, plan.count)
        )
        reading.tenant = names.tenants.intern(tenant.baseAddress!, tenant.count, hash: hashes.tenant)
        reading.plugin = names.plugins.intern(plugin.baseAddress!, plugin.count, hash: hashes.plugin)
        reading.plan = names.plans.intern(plan.baseAddress!, plan.count, hash: hashes.plan)
        var body = BodyHash()
        body.number(.time, reading.timeMs)
        body.hash(.tenant, hashes.tenant)
        body.hash(.plugin, hashes.plugin)
        if !plan.isEmpty { body.hash(.plan, hashes.plan) }
        body.text(.version, version)
        body.text(.kind, without(stampAt..<stampEnd, p, count))
        reading.body = body.value
        let event = SubscriptionEvent(
            id: string(id), time: Instant(milliseconds: reading.timeMs), node: string(node), seq: seq,
            tenant: tenantID, plugin: pluginID, version: string(version), change: change, plan: string(plan),
            seats: seats, price: price, country: string(country), customer: string(customer), vatID: vatID)
        return (reading, event)
    }

    private static func string(_ units: UnsafeBufferPointer<UInt8>) -> String {
        String(decoding: units, as: UTF8.self)
    }

    /// The line as if nobody had stamped it, with its line feed: what tells two bodies apart.
    private static func without(_ stamp: Range<Int>, _ p: UnsafePointer<UInt8>, _ count: Int) -> [UInt8] {
        let none: StaticString = "\",\"node\":\"\",\"seq\":0"
        let size = count - stamp.count + none.utf8CodeUnitCount + 1
        return [UInt8](unsafeUninitializedCapacity: size) { buffer, written in
            // SAFETY: the three stretches and the line feed are `size` bytes.
            var out = buffer.baseAddress!
            memcpy(out, p, stamp.lowerBound)
            out += stamp.lowerBound
            memcpy(out, none.utf8Start, none.utf8CodeUnitCount)
            out += none.utf8CodeUnitCount
            memcpy(out, p + stamp.upperBound, count - stamp.upperBound)
            out[count - stamp.upperBound] = 0x0A
            written = size
        }
    }

    /// Goes along the line.
    private struct Cursor {
        // SAFETY: `take` and the loops look at `count` bytes only.
        let p: UnsafePointer<UInt8>
        let count: Int
        var at = 0

        mutating func take(_ text: StaticString) -> Bool {
            let length = text.utf8CodeUnitCount
            guard count - at >= length, memcmp(p + at, text.utf8Start, length) == 0 else { return false }
            at += length
            return true
        }

        /// Up to the next quote: printable ASCII without escapes, of at most a text's length.
        mutating func text(behind key: StaticString) -> UnsafeBufferPointer<UInt8>? {
            guard take(key) else { return nil }
            let start = at
            while at < count, p[at] != UInt8(ascii: "\"") {
                guard p[at] >= 0x20, p[at] < 0x7F, p[at] != UInt8(ascii: "\\") else { return nil }
                at += 1
            }
            guard at < count, at - start <= MeterLimits.textBytesMax else { return nil }
            return UnsafeBufferPointer(start: p + start, count: at - start)
        }

        /// A whole number as it is written: no sign, no zero before it.
        mutating func number(behind key: StaticString, max most: Int64) -> Int64? {
            guard take(key) else { return nil }
            let start = at
            var value: Int64 = 0
            while at < count, p[at] &- 48 < 10, at - start < 17 {
                value = value * 10 + Int64(p[at] &- 48)
                at += 1
            }
            guard at > start, at - start == 1 || p[start] != 48, value <= most else { return nil }
            return value
        }
    }
}
