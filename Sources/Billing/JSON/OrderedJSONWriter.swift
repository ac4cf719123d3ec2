internal import Marketplace

/// JSON member by member, in the order of the members' names: the same bytes as `BillingJSON` makes of the same value,
/// without a tree in between. For documents of many lines; who uses it shows the order once, in one place.
struct OrderedJSONWriter {
    private(set) var bytes: [UInt8] = []
    private let isIndented: Bool
    private var depth = 0
    private var isFirst = true

    init(isIndented: Bool) {
        self.isIndented = isIndented
    }

    mutating func object(_ members: (inout OrderedJSONWriter) -> Void) {
        enclosed("{", "}", members)
    }

    mutating func array<T>(_ items: [T], _ item: (inout OrderedJSONWriter, T) -> Void) {
        enclosed("[", "]") { json in
            for own in items {
                json.separate()
                item(&json, own)
            }
        }
    }

    mutating func name(_ name: StaticString) {
        separate()
        quote {
            $0.append(contentsOf: UnsafeBufferPointer(start: name.utf8Start, count: name.utf8CodeUnitCount))
        }
        if isIndented {
            bytes.append(UInt8(ascii: " "))
            bytes.append(UInt8(ascii: ":"))
            bytes.append(UInt8(ascii: " "))
        } else {
            bytes.append(UInt8(ascii: ":"))
        }
    }

    mutating func text(_ text: String) {
        var text = text
        text.withUTF8 { units in
            quote { bytes in
                if units.allSatisfy(JSONText.isPlain) {
                    bytes.append(contentsOf: units)
                } else {
                    for unit in units { OrderedJSONWriter.escape(unit, &bytes) }
                }
            }
        }
    }

    mutating func integer(_ number: Int64) {
        if number < 0 { bytes.append(UInt8(ascii: "-")) }
        var left = number.magnitude
        let start = bytes.count
        repeat {
            bytes.append(UInt8(ascii: "0") + UInt8(left % 10))
            left /= 10
        } while left > 0
        bytes[start...].reverse()
    }

    mutating func money(_ money: Money) {
        object { json in
            json.name("amount")
            json.quote { MinorUnits.append(money, to: &$0) }
            json.member("currency", money.currency.code)
        }
    }

    mutating func member(_ name: StaticString, _ text: String?) {
        guard let text else { return }
        self.name(name)
        self.text(text)
    }

    mutating func member(_ name: StaticString, _ number: Int64?) {
        guard let number else { return }
        self.name(name)
        integer(number)
    }

    mutating func member(_ name: StaticString, _ money: Money?) {
        guard let money else { return }
        self.name(name)
        self.money(money)
    }

    mutating func member<T>(_ name: StaticString, _ items: [T], _ item: (inout OrderedJSONWriter, T) -> Void)
    {
        self.name(name)
        array(items, item)
    }

    // MARK: Signs

    private mutating func enclosed(
        _ open: Unicode.Scalar, _ close: Unicode.Scalar, _ body: (inout OrderedJSONWriter) -> Void
    ) {
        bytes.append(UInt8(ascii: open))
        depth += 1
        isFirst = true
        body(&self)
        depth -= 1
        if isIndented {
            // Something empty keeps the line that its members would begin on.
            if isFirst { bytes.append(0x0A) }
            breakLine()
        }
        isFirst = false
        bytes.append(UInt8(ascii: close))
    }

    private mutating func separate() {
        if !isFirst { bytes.append(UInt8(ascii: ",")) }
        isFirst = false
        if isIndented { breakLine() }
    }

    private mutating func breakLine() {
        bytes.append(0x0A)
        for _ in 0..<depth {
            bytes.append(UInt8(ascii: " "))
            bytes.append(UInt8(ascii: " "))
        }
    }

    @inline(__always)
    mutating func quote(_ body: (inout [UInt8]) -> Void) {
        bytes.append(UInt8(ascii: "\""))
        body(&bytes)
        bytes.append(UInt8(ascii: "\""))
    }

    private static func escape(_ unit: UInt8, _ bytes: inout [UInt8]) {
        switch unit {
        case UInt8(ascii: "\""), UInt8(ascii: "\\"): bytes += [UInt8(ascii: "\\"), unit]
        case 0x08: bytes += Array("\\b".utf8)
        case 0x09: bytes += Array("\\t".utf8)
        case 0x0A: bytes += Array("\\n".utf8)
        case 0x0C: bytes += Array("\\f".utf8)
        case 0x0D: bytes += Array("\\r".utf8)
        case 0..<0x20: bytes += Array("\\u00\(Hex.encode([unit]))".utf8)
        default: bytes.append(unit)
        }
    }
}
