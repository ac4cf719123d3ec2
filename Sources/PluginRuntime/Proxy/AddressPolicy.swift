import Glibc

/// An IP address as bytes: 4 or 16 of them, in network order.
struct IPAddress: Hashable, Sendable, CustomStringConvertible {
    let bytes: [UInt8]

    init(bytes: [UInt8]) {
        precondition(bytes.count == 4 || bytes.count == 16)
        self.bytes = bytes
    }

    /// Reads the canonical text forms only.
    init?(_ text: String) {
        var four = in_addr()
        if inet_pton(AF_INET, text, &four) == 1 {
            bytes = withUnsafeBytes(of: four) { Array($0) }
            return
        }
        var six = in6_addr()
        guard inet_pton(AF_INET6, text, &six) == 1 else { return nil }
        bytes = withUnsafeBytes(of: six) { Array($0) }
    }

    var description: String {
        var buffer = [CChar](repeating: 0, count: 64)
        _ = bytes.withUnsafeBytes {
            inet_ntop(bytes.count == 4 ? AF_INET : AF_INET6, $0.baseAddress, &buffer, socklen_t(buffer.count))
        }
        return String(decoding: buffer.prefix { $0 != 0 }.map(UInt8.init(bitPattern:)), as: UTF8.self)
    }

    func isInside(_ network: [UInt8], bits: Int) -> Bool {
        guard network.count == bytes.count else { return false }
        for index in 0..<(bits / 8) where bytes[index] != network[index] { return false }
        let rest = bits % 8
        if rest == 0 { return true }
        let mask = UInt8(truncatingIfNeeded: 0xFF << (8 - rest))
        return bytes[bits / 8] & mask == network[bits / 8] & mask
    }
}

/// Which addresses a plugin's `fetch` may reach: those of the public Internet and no others.
enum AddressPolicy {
    /// False for every range that the IANA special-purpose registries do not call globally reachable, and for
    /// addresses that carry an IPv4 address of such a range inside.
    static func isPublic(_ address: IPAddress) -> Bool {
        if address.bytes.count == 4 {
            return !special4.contains { address.isInside($0.network, bits: $0.bits) }
        }
        if address.isInside(mapped, bits: 96) || address.isInside(translated, bits: 96) {
            return isPublic(IPAddress(bytes: Array(address.bytes.suffix(4))))
        }
        // Only 2000::/3 is allocated as global unicast.
        guard address.bytes[0] & 0xE0 == 0x20 else { return false }
        return !special6.contains { address.isInside($0.network, bits: $0.bits) }
    }

    private static let mapped: [UInt8] = [0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xFF, 0xFF, 0, 0, 0, 0]
    private static let translated: [UInt8] = [0, 0x64, 0xFF, 0x9B] + [UInt8](repeating: 0, count: 12)

    private static let special4: [(network: [UInt8], bits: Int)] = [
        ([0, 0, 0, 0], 8), ([10, 0, 0, 0], 8), ([100, 64, 0, 0], 10), ([127, 0, 0, 0], 8),
        ([169, 254, 0, 0], 16),
        ([172, 16, 0, 0], 12), ([192, 0, 0, 0], 24), ([192, 0, 2, 0], 24), ([192, 88, 99, 0], 24),
        ([192, 168, 0, 0], 16), ([198, 18, 0, 0], 15), ([198, 51, 100, 0], 24), ([203, 0, 113, 0], 24),
        ([224, 0, 0, 0], 4), ([240, 0, 0, 0], 4),
    ]

    private static let special6: [(network: [UInt8], bits: Int)] = {
        func network(_ head: [UInt8]) -> [UInt8] { head + [UInt8](repeating: 0, count: 16 - head.count) }
        return [
            // Teredo, ORCHID and the other protocol assignments; 6to4; documentation.
            (network([0x20, 0x01, 0x00]), 23), (network([0x20, 0x01, 0x0D, 0xB8]), 32),
            (network([0x20, 0x02]), 16),
            (network([0x3F, 0xFF]), 20),
        ]
    }()
}
