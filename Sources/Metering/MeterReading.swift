/// What the roll-up keeps of one line, whichever path read it: no text, only numbers.
struct MeterReading {
    enum Kind: UInt8 { case call, storage, amount }

    var id = MeterID(high: 0, low: 0)
    /// A hash of everything that the line says but `id`, `node` and `seq`: equal for equal bodies, whatever the
    /// order of the keys, the spaces, or a zero that is left out.
    var body: UInt64 = 0
    var timeMs: Int64 = 0
    var day: Int32 = 0
    var tenant: UInt32 = 0
    var plugin: UInt32 = 0
    var plan: UInt32 = 0
    var quantities = Quantities()
    var kind = Kind.call
}

/// The metrics of one group or one line.
struct Quantities: Equatable {
    var calls: Int64 = 0
    var apiCalls: Int64 = 0
    var executionMs: Int64 = 0
    var bytes: Int64 = 0
    var storageByteHours: Int64 = 0

    /// False where a sum left 64 bits: the caller stops.
    @inline(__always)
    mutating func add(_ other: Quantities, sign: Int64 = 1) -> Bool {
        let a = calls.addingReportingOverflow(other.calls &* sign)
        let b = apiCalls.addingReportingOverflow(other.apiCalls &* sign)
        let c = executionMs.addingReportingOverflow(other.executionMs &* sign)
        let d = bytes.addingReportingOverflow(other.bytes &* sign)
        let e = storageByteHours.addingReportingOverflow(other.storageByteHours &* sign)
        (calls, apiCalls, executionMs) = (a.partialValue, b.partialValue, c.partialValue)
        (bytes, storageByteHours) = (d.partialValue, e.partialValue)
        return !(a.overflow || b.overflow || c.overflow || d.overflow || e.overflow)
    }

    /// In the order of the metrics' names.
    static let names = ["apiCalls", "bytes", "calls", "executionMs", "storageByteHours"]
    var inOrder: [Int64] { [apiCalls, bytes, calls, executionMs, storageByteHours] }
}

/// An event's id in 128 bits: a UUID's own bits, exactly; of any other text a hash. Two texts with one hash would
/// differ in body and be quarantined, so a collision is an alarm and never a loss.
struct MeterID: Hashable {
    var high: UInt64
    var low: UInt64

    init(high: UInt64, low: UInt64) {
        self.high = high
        self.low = low
    }

    init(_ text: UnsafePointer<UInt8>, _ count: Int) {
        if count == 36, let uuid = MeterID(uuid: text) {
            self = uuid
        } else {
            high = MeterHash.bytes(text, count, seed: 0x9E37_79B9_7F4A_7C15)
            low = MeterHash.bytes(text, count, seed: 0xC2B2_AE3D_27D4_EB4F)
        }
    }

    init(_ text: String) {
        self = Array(text.utf8).withUnsafeBufferPointer { bytes in
            bytes.isEmpty ? MeterID(high: 0, low: 0) : MeterID(bytes.baseAddress!, bytes.count)
        }
    }

    /// A UUID's 36 characters, lower-case.
    @inline(__always)
    init?(uuid p: UnsafePointer<UInt8>) {
        guard p[8] == 45, p[13] == 45, p[18] == 45, p[23] == 45 else { return nil }
        // SAFETY: the caller gives 36 readable bytes; each load stays inside them.
        let raw = UnsafeRawPointer(p)
        let a = MeterID.nibbles(raw.loadUnaligned(as: UInt64.self))
        let b = MeterID.nibbles(
            UInt64(raw.loadUnaligned(fromByteOffset: 9, as: UInt32.self))
                | UInt64(raw.loadUnaligned(fromByteOffset: 14, as: UInt32.self)) << 32)
        let c = MeterID.nibbles(
            UInt64(raw.loadUnaligned(fromByteOffset: 19, as: UInt32.self))
                | UInt64(raw.loadUnaligned(fromByteOffset: 24, as: UInt32.self)) << 32)
        let d = MeterID.nibbles(raw.loadUnaligned(fromByteOffset: 28, as: UInt64.self))
        guard (a | b | c | d) >> 32 == 0 else { return nil }
        high = a << 32 | b
        low = c << 32 | d
    }

    /// Eight lower-case hexadecimal characters to 32 bits; all ones in the high half for anything else.
    @inline(__always)
    private static func nibbles(_ text: UInt64) -> UInt64 {
        let ones: UInt64 = 0x0101_0101_0101_0101
        let high: UInt64 = 0x8080_8080_8080_8080
        guard text & high == 0 else { return ~0 }
        // Per byte, without carries between bytes: is it in 0-9, is it in a-f?
        let geZero = text &+ (0x80 - 0x30) &* ones
        let gtNine = text &+ (0x80 - 0x3A) &* ones
        let geA = text &+ (0x80 - 0x61) &* ones
        let gtF = text &+ (0x80 - 0x67) &* ones
        let digit = geZero & ~gtNine & high
        let letter = geA & ~gtF & high
        guard digit | letter == high else { return ~0 }
        var value = (text & (0x0F &* ones)) &+ (letter >> 7) &* 9
        // The first character stands lowest in memory: bring byte pairs together, then reverse.
        value = (value << 4 | value >> 8) & 0x00FF_00FF_00FF_00FF
        value = (value | value >> 8) & 0x0000_FFFF_0000_FFFF
        value = (value | value >> 16) & 0xFFFF_FFFF
        return UInt64(UInt32(truncatingIfNeeded: value).byteSwapped)
    }
}

/// The hashes of the roll-up: fast, deterministic, and of no cryptographic use.
enum MeterHash {
    @inline(__always)
    static func mix(_ a: UInt64, _ b: UInt64) -> UInt64 {
        let product = a.multipliedFullWidth(by: b)
        return product.high ^ product.low
    }

    @inline(__always)
    static func bytes(_ p: UnsafePointer<UInt8>, _ count: Int, seed: UInt64) -> UInt64 {
        // SAFETY: every load is inside the `count` bytes that the caller owns.
        let raw = UnsafeRawPointer(p)
        var hash = seed ^ UInt64(truncatingIfNeeded: count) &* 0xA076_1D64_78BD_642F
        var at = 0
        while count - at >= 8 {
            hash = mix(hash ^ raw.loadUnaligned(fromByteOffset: at, as: UInt64.self), 0xE703_7ED1_A0B4_28DB)
            at += 8
        }
        var tail: UInt64 = 0
        if at < count {
            if count >= 8 {
                // The last word, without what was taken already.
                let last = raw.loadUnaligned(fromByteOffset: count - 8, as: UInt64.self)
                tail = last >> UInt64(truncatingIfNeeded: (8 - (count - at)) * 8)
            } else {
                for place in at..<count {
                    tail |= UInt64(p[place]) << UInt64(truncatingIfNeeded: (place - at) * 8)
                }
            }
        }
        return mix(hash ^ tail, 0x8EBC_6AF0_9C88_C6E3 ^ seed)
    }

    /// A field's part of the body: added, so that the order of the keys is of no matter.
    @inline(__always)
    static func number(_ field: UInt64, _ value: Int64) -> UInt64 {
        value == 0
            ? 0
            : mix(UInt64(bitPattern: value) ^ 0x589B_2B5C_7C3A_11E9, (field &+ 1) &* 0xD6E8_FEB8_6659_FD93)
    }

    @inline(__always)
    static func text(_ field: UInt64, _ hash: UInt64) -> UInt64 {
        mix(hash ^ 0x2545_F491_4F6C_DD1D, (field &+ 1) &* 0x9FB2_1C65_1E98_DF25)
    }
}
