internal import Marketplace
internal import Provenance

/// Usage for benches and large tests: 36-character ids, 1,000 tenants × 200 plugins of 200
/// publishers over a month, one line in a
/// thousand a copy of an earlier one. The same seed gives the same bytes.
public struct UsageGenerator: Sendable {
    public var seed: UInt64
    public var tenants: UInt64
    public var plugins: UInt64
    /// One line in so many repeats an earlier one.
    public var duplicateEvery: UInt64
    /// The first so many days of the month.
    public var days: UInt64

    public init(
        seed: UInt64 = 1, tenants: UInt64 = 1_000, plugins: UInt64 = 200, duplicateEvery: UInt64 = 1_000,
        days: UInt64 = 31
    ) {
        precondition(tenants > 0 && plugins > 0 && duplicateEvery > 1, "a generator makes something")
        precondition((1...31).contains(days), "a month has days")
        self.days = days
        self.seed = seed
        self.tenants = tenants
        self.plugins = plugins
        self.duplicateEvery = duplicateEvery
    }

    /// Writes so many lines, in pieces of some megabytes; returns how many of them are copies.
    public func write(events count: Int, to path: String, disk: Disk = Disk()) throws(MeteringError) -> Int {
        let file = try disk.create(path)
        defer { disk.close(file) }
        var buffer: [UInt8] = []
        buffer.reserveCapacity(5 << 20)
        var copies = 0
        for index in 0..<UInt64(count) {
            let dice = Self.mix(index &+ seed &* 0x9E37_79B9_7F4A_7C15)
            if index > 0, dice % duplicateEvery == 0 {
                // An earlier one that was no copy itself, if possible: what an event says depends on its number alone.
                copies += 1
                append(original(before: index, dice), &buffer)
            } else {
                append(index, &buffer)
            }
            if buffer.count > 4 << 20 {
                try disk.writeAll(file, buffer, path)
                buffer.removeAll(keepingCapacity: true)
            }
        }
        try disk.writeAll(file, buffer, path)
        return copies
    }

    /// Writes the same lines as sealed segments of one node, of about so many bytes each, into a usage folder; returns
    /// the number of segments. They are of the month's first day, in which a month's usage may lie as well.
    public func writeSegments(
        events count: Int, to usage: String, bytesMax: Int = 64 << 20, disk: Disk = Disk()
    ) throws(MeteringError) -> Int {
        var index: UInt64 = 0
        var sequence: Int64 = 1
        var previous: Digest?
        while index < UInt64(count) {
            var bytes = SegmentHeader(node: "bench", sequence: sequence, previous: previous).line
            bytes.reserveCapacity(bytesMax + 1_024)
            var events: Int64 = 0
            while index < UInt64(count), bytes.count < bytesMax {
                let dice = Self.mix(index &+ seed &* 0x9E37_79B9_7F4A_7C15)
                append(
                    index > 0 && dice % duplicateEvery == 0 ? original(before: index, dice) : index, &bytes)
                index += 1
                events += 1
                // As a node writes it: its name and its own count, before the line's end.
                bytes.removeLast(Self.end.count)
                bytes += Self.nodeStart
                bytes += String(index).utf8
                bytes += Self.end
            }
            let seal = SegmentSeal(count: events, sha256: Digest.sha256(of: bytes))
            bytes += seal.line
            previous = seal.sha256
            let digits = String(sequence)
            let number = String(repeating: "0", count: 8 - digits.utf8.count) + digits
            try disk.replace("\(usage)/2026-01-01/bench-\(number).jsonl", with: bytes)
            sequence += 1
        }
        return Int(sequence - 1)
    }

    private func original(before index: UInt64, _ dice: UInt64) -> UInt64 {
        var chosen = (dice >> 20) % index
        while chosen > 0, Self.mix(chosen &+ seed &* 0x9E37_79B9_7F4A_7C15) % duplicateEvery == 0 {
            chosen -= 1
        }
        return chosen
    }

    private func append(_ index: UInt64, _ out: inout [UInt8]) {
        let a = Self.mix(index ^ (seed &+ 1) &* 0xD6E8_FEB8_6659_FD93)
        let b = Self.mix(a ^ 0x2545_F491_4F6C_DD1D)
        let c = Self.mix(b)
        out += Self.idStart
        Self.hex(a >> 32, 8, &out)
        out.append(UInt8(ascii: "-"))
        Self.hex(a >> 16, 4, &out)
        out.append(UInt8(ascii: "-"))
        Self.hex(a & 0xFFF | 0x4000, 4, &out)
        out.append(UInt8(ascii: "-"))
        Self.hex(b >> 50 | 0x8000, 4, &out)
        out.append(UInt8(ascii: "-"))
        Self.hex(b, 12, &out)
        out += Self.timeStart
        Self.decimal(c % days + 1, 2, &out)
        out.append(UInt8(ascii: "T"))
        Self.decimal((c >> 8) % 24, 2, &out)
        out.append(UInt8(ascii: ":"))
        Self.decimal((c >> 16) % 60, 2, &out)
        out.append(UInt8(ascii: ":"))
        Self.decimal((c >> 24) % 60, 2, &out)
        out += Self.tenantStart
        Self.decimal((c >> 32) % tenants, 4, &out)
        out += Self.pluginStart
        Self.decimal((c >> 44) % plugins, 3, &out)
        out += Self.pluginEnd
        Self.decimal((c >> 52) % 900, 1, &out)
        out += Self.end
    }

    private static let idStart = Array("{\"id\":\"".utf8)
    private static let timeStart = Array("\",\"time\":\"2026-01-".utf8)
    private static let tenantStart = Array("Z\",\"tenant\":\"tenant-".utf8)
    private static let pluginStart = Array("\",\"plugin\":\"house-".utf8)
    private static let pluginEnd = Array(".sample\",\"plan\":\"metered\",\"calls\":1,\"executionMs\":".utf8)
    private static let nodeStart = Array(",\"node\":\"bench\",\"seq\":".utf8)
    private static let end = Array("}\n".utf8)

    private static func mix(_ value: UInt64) -> UInt64 {
        var z = value &+ 0x9E37_79B9_7F4A_7C15
        z = (z ^ (z >> 30)) &* 0xBF58_476D_1CE4_E5B9
        z = (z ^ (z >> 27)) &* 0x94D0_49BB_1331_11EB
        return z ^ (z >> 31)
    }

    private static func hex(_ value: UInt64, _ digits: Int, _ out: inout [UInt8]) {
        for shift in stride(from: (digits - 1) * 4, through: 0, by: -4) {
            let digit = UInt8(truncatingIfNeeded: value >> UInt64(shift)) & 15
            out.append(digit < 10 ? digit + 48 : digit + 87)
        }
    }

    /// At least so many digits, at most four.
    private static func decimal(_ value: UInt64, _ digits: Int, _ out: inout [UInt8]) {
        var divisor: UInt64 = 1_000
        var left = 4
        while left > 0 {
            if left <= digits || value >= divisor {
                out.append(UInt8(truncatingIfNeeded: value / divisor % 10) + 48)
            }
            divisor /= 10
            left -= 1
        }
    }
}
