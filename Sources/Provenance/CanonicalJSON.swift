// Canonical JSON as TUF signs it (OLPC): keys in code-point order, no white space, only `"` and `\` escaped, integers
// only. One value has exactly one spelling, so a signature over the spelling is one over the value.
public import Marketplace

extension JSONValue {
    /// The canonical bytes; numbers that are not integers are refused.
    public func canonicalBytes() throws(ProvenanceError) -> [UInt8] {
        var out: [UInt8] = []
        try appendCanonical(to: &out)
        return out
    }

    private func appendCanonical(to out: inout [UInt8]) throws(ProvenanceError) {
        switch self {
        case .null: out += Array("null".utf8)
        case .bool(let value): out += Array((value ? "true" : "false").utf8)
        case .integer(let value): out += Array(String(value).utf8)
        case .number(let value):
            throw ProvenanceError(.malformed, "canonical JSON", "cannot hold the fraction \(value)")
        case .string(let text): Self.appendCanonical(text, to: &out)
        case .array(let items):
            out.append(0x5b)
            for (index, item) in items.enumerated() {
                if index > 0 { out.append(0x2c) }
                try item.appendCanonical(to: &out)
            }
            out.append(0x5d)
        case .object(let members):
            out.append(0x7b)
            // UTF-8 order is code-point order.
            let sorted = members.sorted { UTF8Order.precedes($0.key, $1.key) }
            for (index, member) in sorted.enumerated() {
                if index > 0 { out.append(0x2c) }
                Self.appendCanonical(member.key, to: &out)
                out.append(0x3a)
                try member.value.appendCanonical(to: &out)
            }
            out.append(0x7d)
        }
    }

    private static func appendCanonical(_ text: String, to out: inout [UInt8]) {
        out.append(0x22)
        defer { out.append(0x22) }
        // Nothing to escape: most texts.
        let isPlain = text.utf8.withContiguousStorageIfAvailable { units in
            guard units.allSatisfy({ $0 != 0x22 && $0 != 0x5c }) else { return false }
            out.append(contentsOf: units)
            return true
        }
        if isPlain == true { return }
        for byte in text.utf8 {
            if byte == 0x22 || byte == 0x5c { out.append(0x5c) }
            out.append(byte)
        }
    }
}
