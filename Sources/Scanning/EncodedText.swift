/// Long literals in base64 or hex whose content is a text, compressed or not.
enum EncodedText {
    static func decode(_ text: String) -> [UInt8]? {
        var body = text
        if body.hasPrefix("data:"), let comma = body.prefix(200).firstRange(of: ";base64,") {
            body = String(body[comma.upperBound...])
        }
        let bytes = Array(body.utf8)
        guard isPlausible(bytes), let decoded = Base64.decodeHex(bytes) ?? Base64.decode(bytes),
            decoded.count >= 32
        else { return nil }
        if decoded.starts(with: [0x1F, 0x8B]) || decoded[0] == 0x78 {
            if let plain = Builtins.inflate(decoded), isText(plain) { return plain }
        }
        return isText(decoded) ? decoded : nil
    }

    /// A look at the beginning: most long texts are none of this.
    private static func isPlausible(_ bytes: [UInt8]) -> Bool {
        bytes.prefix(64).allSatisfy { byte in
            switch byte {
            case 0x30...0x39, 0x41...0x5A, 0x61...0x7A, 0x2B, 0x2F, 0x2D, 0x5F, 0x3D, 0x0A, 0x0D: true
            default: false
            }
        }
    }

    static func isText(_ bytes: [UInt8]) -> Bool {
        guard String(validating: bytes.prefix(4_000).dropLast(3), as: UTF8.self) != nil || bytes.count < 4
        else { return false }
        let odd = bytes.prefix(4_000).filter { $0 < 0x20 && $0 != 0x0A && $0 != 0x0D && $0 != 0x09 }
        return odd.count * 50 < min(bytes.count, 4_000)
    }
}
