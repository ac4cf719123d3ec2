/// Letters that are taken for others.
enum Confusables {
    static func isInvisible(_ scalar: Unicode.Scalar) -> Bool {
        switch scalar.value {
        case 0x00AD, 0x034F, 0x061C, 0x115F...0x1160, 0x17B4...0x17B5, 0x180B...0x180F, 0x200B...0x200F,
            0x202A...0x202E, 0x2060...0x206F, 0x3164, 0xFE00...0xFE0F, 0xFEFF, 0xFFA0, 0xE0000...0xE0FFF:
            true
        default: false
        }
    }

    /// Cyrillic and Greek letters that look like Latin ones.
    private static let lookalikes: Set<UInt32> = [
        0x0430, 0x0435, 0x043E, 0x0440, 0x0441, 0x0443, 0x0445, 0x0456, 0x0458, 0x04BB, 0x0501, 0x051B,
        0x051D, 0x0410,
        0x0412, 0x0415, 0x041A, 0x041C, 0x041D, 0x041E, 0x0420, 0x0421, 0x0422, 0x0425, 0x0406, 0x0408,
        0x0405, 0x03BF,
        0x03B1, 0x03BD, 0x03C1, 0x0391, 0x0392, 0x0395, 0x0396, 0x0397, 0x0399, 0x039A, 0x039C, 0x039D,
        0x039F, 0x03A1,
        0x03A4, 0x03A5, 0x03A7,
    ]

    /// Latin letters beside look-alikes of another alphabet in one name.
    static func isMixed(_ name: String) -> Bool {
        var hasLatin = false
        var hasLookalike = false
        for scalar in name.unicodeScalars {
            if scalar.value < 0x80 && scalar.properties.isAlphabetic { hasLatin = true }
            if lookalikes.contains(scalar.value) { hasLookalike = true }
            if (0xFF21...0xFF5A).contains(scalar.value) || (0x1D400...0x1D7FF).contains(scalar.value) {
                return true
            }
        }
        return hasLatin && hasLookalike
    }
}
