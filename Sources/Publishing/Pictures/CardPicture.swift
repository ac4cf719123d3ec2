/// The picture that other sites show beside a link to a plugin: its title, publisher and price in plain letters on a
/// card, 600 × 315, four colours. Letters are drawn from a small table of dots, so that no font is needed.
enum CardPicture {
    static let width = 600
    static let height = 315

    static func png(title: String, by: String, price: String) -> [UInt8] {
        var canvas = Canvas()
        canvas.fill(0, 0, width, 12, with: 1)
        canvas.text("VEROFORGE MARKETPLACE", x: 32, y: 40, scale: 2, colour: 2)
        var y = 92
        for line in lines(title, most: 17, count: 3) {
            canvas.text(line, x: 32, y: y, scale: 5, colour: 3)
            y += 48
        }
        canvas.text(cut(by, 43), x: 32, y: 244, scale: 2, colour: 2)
        canvas.text(cut(price, 43), x: 32, y: 272, scale: 2, colour: 1)
        // White, the accent, a quiet grey, ink.
        let palette: [UInt8] = [255, 255, 255, 31, 95, 139, 85, 93, 102, 26, 29, 33]
        return PNG.file(
            width: width, height: height, depth: 2, colour: 3, palette: palette, rows: canvas.rows, level: 3)
    }

    /// Words in lines of at most so many letters.
    static func lines(_ text: String, most: Int, count: Int) -> [String] {
        var lines: [String] = [""]
        for word in text.split(separator: " ") {
            let word = cut(String(word), most)
            let last = lines[lines.count - 1]
            if last.isEmpty {
                lines[lines.count - 1] = word
            } else if last.count + 1 + word.count <= most {
                lines[lines.count - 1] = "\(last) \(word)"
            } else if lines.count < count {
                lines.append(word)
            } else {
                lines[lines.count - 1] = cut(last + "...", most)
                break
            }
        }
        return lines
    }

    private static func cut(_ text: String, _ most: Int) -> String {
        text.count > most ? String(text.prefix(most - 3)) + "..." : text
    }

    /// Two bits a dot.
    private struct Canvas {
        private var dots = [UInt8](repeating: 0, count: width * height)

        mutating func fill(_ x: Int, _ y: Int, _ w: Int, _ h: Int, with colour: UInt8) {
            for row in max(0, y)..<min(height, y + h) {
                for column in max(0, x)..<min(width, x + w) {
                    dots[row * CardPicture.width + column] = colour
                }
            }
        }

        mutating func text(_ text: String, x: Int, y: Int, scale: Int, colour: UInt8) {
            var left = x
            for scalar in text.uppercased().unicodeScalars {
                let glyph = DotFont.glyph(scalar)
                for (column, bits) in glyph.enumerated() {
                    for row in 0..<7 where bits & (1 << row) != 0 {
                        fill(left + column * scale, y + row * scale, scale, scale, with: colour)
                    }
                }
                left += 6 * scale
            }
        }

        /// With each row's filter byte: "as the row above" where it is the same, which compresses to nothing.
        var rows: [UInt8] {
            let rowBytes = (width + 3) / 4
            var out: [UInt8] = []
            out.reserveCapacity((rowBytes + 1) * height)
            for row in 0..<height {
                let start = row * width
                if row > 0, dots[start..<(start + width)] == dots[(start - width)..<start] {
                    out.append(2)
                    out.append(contentsOf: repeatElement(0, count: rowBytes))
                    continue
                }
                out.append(0)
                for column in stride(from: 0, to: width, by: 4) {
                    out.append(
                        dots[start + column] << 6 | dots[start + column + 1] << 4 | dots[start + column + 2]
                            << 2
                            | dots[start + column + 3])
                }
            }
            return out
        }
    }
}

/// Capital letters, digits and signs, five dots wide and seven high; each number is a column, its lowest bit on top.
enum DotFont {
    private static let table: [Unicode.Scalar: [UInt8]] = [
        " ": [0, 0, 0, 0, 0], "A": [0x7E, 0x11, 0x11, 0x11, 0x7E], "B": [0x7F, 0x49, 0x49, 0x49, 0x36],
        "C": [0x3E, 0x41, 0x41, 0x41, 0x22], "D": [0x7F, 0x41, 0x41, 0x22, 0x1C],
        "E": [0x7F, 0x49, 0x49, 0x49, 0x41], "F": [0x7F, 0x09, 0x09, 0x09, 0x01],
        "G": [0x3E, 0x41, 0x49, 0x49, 0x7A], "H": [0x7F, 0x08, 0x08, 0x08, 0x7F],
        "I": [0x00, 0x41, 0x7F, 0x41, 0x00], "J": [0x20, 0x40, 0x41, 0x3F, 0x01],
        "K": [0x7F, 0x08, 0x14, 0x22, 0x41], "L": [0x7F, 0x40, 0x40, 0x40, 0x40],
        "M": [0x7F, 0x02, 0x0C, 0x02, 0x7F], "N": [0x7F, 0x04, 0x08, 0x10, 0x7F],
        "O": [0x3E, 0x41, 0x41, 0x41, 0x3E], "P": [0x7F, 0x09, 0x09, 0x09, 0x06],
        "Q": [0x3E, 0x41, 0x51, 0x21, 0x5E], "R": [0x7F, 0x09, 0x19, 0x29, 0x46],
        "S": [0x46, 0x49, 0x49, 0x49, 0x31], "T": [0x01, 0x01, 0x7F, 0x01, 0x01],
        "U": [0x3F, 0x40, 0x40, 0x40, 0x3F], "V": [0x1F, 0x20, 0x40, 0x20, 0x1F],
        "W": [0x3F, 0x40, 0x38, 0x40, 0x3F], "X": [0x63, 0x14, 0x08, 0x14, 0x63],
        "Y": [0x07, 0x08, 0x70, 0x08, 0x07], "Z": [0x61, 0x51, 0x49, 0x45, 0x43],
        "0": [0x3E, 0x51, 0x49, 0x45, 0x3E], "1": [0x00, 0x42, 0x7F, 0x40, 0x00],
        "2": [0x42, 0x61, 0x51, 0x49, 0x46], "3": [0x21, 0x41, 0x45, 0x4B, 0x31],
        "4": [0x18, 0x14, 0x12, 0x7F, 0x10], "5": [0x27, 0x45, 0x45, 0x45, 0x39],
        "6": [0x3C, 0x4A, 0x49, 0x49, 0x30], "7": [0x01, 0x71, 0x09, 0x05, 0x03],
        "8": [0x36, 0x49, 0x49, 0x49, 0x36], "9": [0x06, 0x49, 0x49, 0x29, 0x1E],
        ".": [0x00, 0x60, 0x60, 0x00, 0x00], ",": [0x00, 0x50, 0x30, 0x00, 0x00],
        ":": [0x00, 0x36, 0x36, 0x00, 0x00], "-": [0x08, 0x08, 0x08, 0x08, 0x08],
        "+": [0x08, 0x08, 0x3E, 0x08, 0x08], "/": [0x20, 0x10, 0x08, 0x04, 0x02],
        "(": [0x00, 0x1C, 0x22, 0x41, 0x00], ")": [0x00, 0x41, 0x22, 0x1C, 0x00],
        "&": [0x36, 0x49, 0x55, 0x22, 0x50], "!": [0x00, 0x00, 0x5F, 0x00, 0x00],
        "?": [0x02, 0x01, 0x51, 0x09, 0x06], "'": [0x00, 0x05, 0x03, 0x00, 0x00],
        "%": [0x23, 0x13, 0x08, 0x64, 0x62], "=": [0x14, 0x14, 0x14, 0x14, 0x14],
        "_": [0x40, 0x40, 0x40, 0x40, 0x40], "#": [0x14, 0x7F, 0x14, 0x7F, 0x14],
    ]
    /// For letters that the table lacks: an open box.
    private static let box: [UInt8] = [0x7F, 0x41, 0x41, 0x41, 0x7F]

    static func glyph(_ scalar: Unicode.Scalar) -> [UInt8] { table[scalar] ?? box }
}
