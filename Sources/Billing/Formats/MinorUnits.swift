internal import Marketplace

/// Amounts as text with exactly their currency's decimals, to and from bytes: what documents and journals have
/// hundreds of thousands of. The same spelling as `Money.amount`.
enum MinorUnits {
    /// `nil` unless the bytes spell an amount just as `append` does.
    static func read(_ text: ArraySlice<UInt8>, decimals: Int) -> Int64? {
        let isNegative = text.first == UInt8(ascii: "-")
        let digits = isNegative ? text.dropFirst() : text
        let whole = decimals == 0 ? digits.count : digits.count - decimals - 1
        guard whole >= 1, whole == 1 || digits.first != UInt8(ascii: "0") else { return nil }
        var value: Int64 = 0
        for (index, byte) in digits.enumerated() {
            if index == whole {
                guard byte == UInt8(ascii: ".") else { return nil }
                continue
            }
            guard byte >= UInt8(ascii: "0"), byte <= UInt8(ascii: "9") else { return nil }
            // Downwards, because the least amount has no positive twin.
            let (product, tooMuch) = value.multipliedReportingOverflow(by: 10)
            let (next, overflow) = product.subtractingReportingOverflow(Int64(byte - UInt8(ascii: "0")))
            if tooMuch || overflow { return nil }
            value = next
        }
        if isNegative { return value == 0 ? nil : value }
        return value == .min ? nil : -value
    }

    static func append(_ money: Money, to bytes: inout [UInt8]) {
        let decimals = money.currency.exponent
        if money.minor < 0 { bytes.append(UInt8(ascii: "-")) }
        var left = money.minor.magnitude
        let start = bytes.count
        var count = 0
        while left > 0 || count <= decimals {
            if count == decimals, decimals > 0 { bytes.append(UInt8(ascii: ".")) }
            bytes.append(UInt8(ascii: "0") + UInt8(left % 10))
            left /= 10
            count += 1
        }
        bytes[start...].reverse()
    }
}
