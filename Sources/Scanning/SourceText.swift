/// A text with its line starts: offsets become lines and columns as editors and SARIF count them.
struct SourceText: Sendable {
    let bytes: [UInt8]
    private let starts: [Int]

    init(_ bytes: [UInt8]) {
        self.bytes = bytes
        var starts = [0]
        bytes.withUnsafeBufferPointer { buffer in
            for index in 0..<buffer.count where buffer[index] == 0x0A { starts.append(index + 1) }
        }
        self.starts = starts
    }

    /// 1-based line, and 1-based column in UTF-16 units.
    func position(_ offset: Int) -> (line: Int, column: Int) {
        let offset = max(0, min(offset, bytes.count))
        var low = 0
        var high = starts.count
        while high - low > 1 {
            let middle = (low + high) / 2
            if starts[middle] <= offset { low = middle } else { high = middle }
        }
        var units = 0
        for byte in bytes[starts[low]..<offset] where byte & 0xC0 != 0x80 { units += byte >= 0xF0 ? 2 : 1 }
        return (low + 1, units + 1)
    }

    /// The line around an offset, at most `limit` bytes of it, one line, printable.
    /// And how many characters of it stand before the offset.
    func excerptAndCaret(_ offset: Int, limit: Int = 160) -> (text: String, caret: Int) {
        let offset = max(0, min(offset, bytes.count))
        let (line, _) = position(offset)
        var start = starts[line - 1]
        var end = line < starts.count ? starts[line] - 1 : bytes.count
        if end - start > limit {
            start = max(start, min(offset - limit / 4, end - limit))
            end = min(end, start + limit)
        }
        while start < end, bytes[start] == 0x20 || bytes[start] == 0x09 { start += 1 }
        while end > start, [0x20, 0x09, 0x0D].contains(bytes[end - 1]) { end -= 1 }
        let place = max(start, min(offset, end))
        let before = Self.printable(String(decoding: bytes[start..<place], as: UTF8.self))
        return (before + Self.printable(String(decoding: bytes[place..<end], as: UTF8.self)), before.count)
    }

    /// Escapes what a terminal would obey or a reader would not see.
    static func printable(_ text: String) -> String {
        var result = ""
        for scalar in text.unicodeScalars {
            switch scalar.value {
            case 0x09: result += " "
            case 0..<0x20, 0x7F..<0xA0, 0x061C, 0x200B...0x200F, 0x2028...0x202E, 0x2060...0x206F, 0xFEFF,
                0xE0000...0xE0FFF:
                result += "\\u{" + String(scalar.value, radix: 16) + "}"
            default: result.unicodeScalars.append(scalar)
            }
        }
        return result
    }
}

extension Finding {
    /// The same with the line around an offset as its evidence.
    func citing(_ text: SourceText, at offset: Int) -> Finding {
        var finding = self
        (finding.evidence, finding.caret) = text.excerptAndCaret(offset)
        return finding
    }
}
