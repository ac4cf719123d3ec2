internal import Marketplace

/// The fast path: reads a call's line over raw bytes, keys in any order, without making a String.
/// Whatever is unusual (escapes, other kinds, unknown keys, odd times) it leaves to `GeneralLine`, which decides.
///
/// One writer's lines have their keys in one order: which key follows is guessed from the line before, and compared
/// in two words. A wrong guess costs a look at the key's letters.
struct LineScanner {
    var tenants = Interner()
    var plugins = Interner()
    var plans = Interner()
    private let patterns = KeyPattern.all
    /// By a key's number: the key that followed it last. The last place is for the beginning of a line.
    private var following = InlineArray<17, UInt8>(repeating: 0)
    private var days = InlineArray<32, KnownDay>(repeating: KnownDay())

    /// The price that was named last: a list of subscriptions names few of them.
    private var price: (text: [UInt8], digest: Digest)?

    /// How many bytes behind a line's end must be readable.
    static let readableBehind = 32

    /// A day's ten characters and its number.
    private struct KnownDay {
        var text: (UInt64, UInt16) = (0, 0)
        var number: Int32 = 0
    }

    enum Field: UInt64 {
        case id, time, node, seq, tenant, plugin, version, action, plan, outcome
        case calls, apiCalls, executionMs, bytesIn, bytesOut, storageBytes, kind, hours, amount, currency
    }

    private static let required: UInt32 =
        1 << UInt32(Field.id.rawValue) | 1 << UInt32(Field.time.rawValue) | 1 << UInt32(Field.tenant.rawValue)
        | 1 << UInt32(Field.plugin.rawValue)

    /// `p[count]` is a line feed or a zero: the scanner stops there. False: ask the general path.
    mutating func scan(_ p: UnsafePointer<UInt8>, _ count: Int, into reading: inout MeterReading) -> Bool {
        var at = 0
        guard count > 2, p[0] == UInt8(ascii: "{") else { return false }
        at = 1
        var seen: UInt32 = 0
        var body: UInt64 = 0
        var quantities = Quantities()
        var before = 16
        while true {
            if p[at] == 0x20 { at += 1 }
            guard p[at] == UInt8(ascii: "\"") else { return false }
            at += 1
            let field: Field
            let guess = following[before]
            if patterns[Int(guess)].matches(p + at) {
                field = Field(rawValue: UInt64(guess))!
                at += patterns[Int(guess)].count
            } else {
                let start = at
                at = ByteWords.plainEnd(p, at)
                guard at < count, p[at] == UInt8(ascii: "\""), p[at + 1] == UInt8(ascii: ":"),
                    let named = LineScanner.field(p + start, at - start)
                else { return false }
                field = named
                following[before] = UInt8(truncatingIfNeeded: field.rawValue)
                at += 2
            }
            before = Int(truncatingIfNeeded: field.rawValue)
            let bit: UInt32 = 1 << UInt32(truncatingIfNeeded: field.rawValue)
            if seen & bit != 0 { return false }
            seen |= bit
            if p[at] == 0x20 { at += 1 }
            if p[at] == UInt8(ascii: "\"") {
                at += 1
                let start = at
                // What ids and times mostly look like says by itself where it ends.
                if field == .id, count - start > 36, p[start + 36] == UInt8(ascii: "\""),
                    let uuid = MeterID(uuid: p + start)
                {
                    reading.id = uuid
                    at = start + 37
                } else if field == .time, count - start > 20, p[start + 20] == UInt8(ascii: "\""),
                    time(p + start, 20, &reading)
                {
                    body &+= MeterHash.number(field.rawValue, reading.timeMs)
                    at = start + 21
                } else {
                    at = ByteWords.plainEnd(p, at)
                    let length = at - start
                    guard at < count, p[at] == UInt8(ascii: "\"") else { return false }
                    at += 1
                    switch field {
                    case .id:
                        guard length > 0, length <= MeterLimits.idBytesMax else { return false }
                        reading.id = MeterID(p + start, length)
                    case .time:
                        guard time(p + start, length, &reading) else { return false }
                        body &+= MeterHash.number(field.rawValue, reading.timeMs)
                    case .tenant, .plugin, .plan:
                        guard length <= MeterLimits.textBytesMax, length > 0 || field == .plan else {
                            return false
                        }
                        let hash = Interner.hash(p + start, length)
                        if length > 0 { body &+= MeterHash.text(field.rawValue, hash) }
                        switch field {
                        case .tenant: reading.tenant = tenants.intern(p + start, length, hash: hash)
                        case .plugin: reading.plugin = plugins.intern(p + start, length, hash: hash)
                        default: reading.plan = plans.intern(p + start, length, hash: hash)
                        }
                    case .version, .action, .outcome:
                        guard length <= MeterLimits.textBytesMax else { return false }
                        if length > 0 {
                            body &+= MeterHash.text(field.rawValue, Interner.hash(p + start, length))
                        }
                    case .node:
                        guard length <= MeterLimits.textBytesMax else { return false }
                    default: return false
                    }
                }
            } else {
                var value: Int64 = 0
                let start = at
                while at < count, p[at] &- 48 < 10, at - start < 17 {
                    value = value &* 10 &+ Int64(p[at] &- 48)
                    at += 1
                }
                let digits = at - start
                // No sign, no fraction, no leading zero; the general path says what is wrong.
                guard digits > 0, digits < 17, digits == 1 || p[start] != 48, value <= MeterLimits.quantityMax
                else {
                    return false
                }
                switch field {
                case .calls: quantities.calls = value
                case .apiCalls: quantities.apiCalls = value
                case .executionMs: quantities.executionMs = value
                case .bytesIn, .bytesOut: quantities.bytes += value
                case .storageBytes, .seq: break
                default: return false
                }
                if field != .seq { body &+= MeterHash.number(field.rawValue, value) }
            }
            if p[at] == 0x20 { at += 1 }
            guard at < count else { return false }
            if p[at] == UInt8(ascii: ",") {
                at += 1
                continue
            }
            guard p[at] == UInt8(ascii: "}"), at == count - 1 else { return false }
            break
        }
        guard seen & LineScanner.required == LineScanner.required else { return false }
        if seen & (1 << UInt32(Field.plan.rawValue)) == 0 { reading.plan = plans.intern("").index }
        reading.body = body
        reading.quantities = quantities
        reading.kind = .call
        return true
    }

    /// The calls' keys only: another kind's line is for the general path.
    @inline(__always)
    private static func field(_ p: UnsafePointer<UInt8>, _ count: Int) -> Field? {
        switch count {
        case 2: same(p, "id") ? .id : nil
        case 3: same(p, "seq") ? .seq : nil
        case 4:
            switch p[0] {
            case UInt8(ascii: "t"): same(p, "time") ? .time : nil
            case UInt8(ascii: "n"): same(p, "node") ? .node : nil
            default: same(p, "plan") ? .plan : nil
            }
        case 5: same(p, "calls") ? .calls : nil
        case 6:
            switch p[0] {
            case UInt8(ascii: "t"): same(p, "tenant") ? .tenant : nil
            case UInt8(ascii: "p"): same(p, "plugin") ? .plugin : nil
            default: same(p, "action") ? .action : nil
            }
        case 7:
            switch p[0] {
            case UInt8(ascii: "v"): same(p, "version") ? .version : nil
            case UInt8(ascii: "o"): same(p, "outcome") ? .outcome : nil
            default: same(p, "bytesIn") ? .bytesIn : nil
            }
        case 8:
            switch p[0] {
            case UInt8(ascii: "a"): same(p, "apiCalls") ? .apiCalls : nil
            default: same(p, "bytesOut") ? .bytesOut : nil
            }
        case 11: same(p, "executionMs") ? .executionMs : nil
        case 12: same(p, "storageBytes") ? .storageBytes : nil
        default: nil
        }
    }

    @inline(__always)
    private static func same(_ p: UnsafePointer<UInt8>, _ name: StaticString) -> Bool {
        let q = name.utf8Start
        for index in 0..<name.utf8CodeUnitCount where p[index] != q[index] { return false }
        return true
    }

    /// `yyyy-mm-ddThh:mm:ss[.fff]Z`; any other spelling of RFC 3339 is for the general path.
    @inline(__always)
    mutating func time(_ p: UnsafePointer<UInt8>, _ count: Int, _ reading: inout MeterReading) -> Bool {
        guard count == 20 || count == 24, p[10] == UInt8(ascii: "T"), p[13] == 58, p[16] == 58,
            p[count - 1] == UInt8(ascii: "Z")
        else { return false }
        // SAFETY: both loads are inside the first ten bytes, and there are at least twenty.
        let raw = UnsafeRawPointer(p)
        let text = (raw.loadUnaligned(as: UInt64.self), raw.loadUnaligned(fromByteOffset: 8, as: UInt16.self))
        // By the day of the month.
        let place = Int((p[8] & 15) &* 10 &+ (p[9] & 15)) & 31
        if text != days[place].text {
            // What is from before 1970 is no event.
            guard let day = Day(String(decoding: UnsafeBufferPointer(start: p, count: 10), as: UTF8.self)),
                day.number >= 0
            else {
                return false
            }
            days[place] = KnownDay(text: text, number: Int32(day.number))
        }
        let dayNumber = days[place].number
        guard let hour = LineScanner.two(p + 11), let minute = LineScanner.two(p + 14),
            let second = LineScanner.two(p + 17), hour < 24, minute < 60, second < 60
        else { return false }
        var milliseconds: Int64 = 0
        if count == 24 {
            guard p[19] == UInt8(ascii: "."), let tens = LineScanner.two(p + 20), p[22] &- 48 < 10 else {
                return false
            }
            milliseconds = tens * 10 + Int64(p[22] - 48)
        }
        reading.day = dayNumber
        reading.timeMs =
            Int64(dayNumber) * 86_400_000 + hour * 3_600_000 + minute * 60_000 + second * 1_000 + milliseconds
        return true
    }

    /// A digest from its 64 characters.
    mutating func digest(_ text: UnsafeBufferPointer<UInt8>) -> Digest? {
        if let price, price.text.elementsEqual(text) { return price.digest }
        guard let digest = Digest(hex: String(decoding: text, as: UTF8.self)) else { return nil }
        price = (Array(text), digest)
        return digest
    }

    @inline(__always)
    private static func two(_ p: UnsafePointer<UInt8>) -> Int64? {
        let (a, b) = (p[0] &- 48, p[1] &- 48)
        return a < 10 && b < 10 ? Int64(a) * 10 + Int64(b) : nil
    }
}
