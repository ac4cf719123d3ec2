/// The texts of a JSON file with their escapes resolved, as a layer that leads back to every character.
enum JSONStrings {
    /// One text that is written with escapes: its bytes, and where they come from.
    struct Text {
        var bytes: [UInt8]
        var runs: [(start: Int, origin: Int)]
    }

    /// Texts without escapes stand in the file as they are, and are left out.
    static func escaped(in source: [UInt8], limit: Int) -> (texts: [Text], isWhole: Bool) {
        var texts: [Text] = []
        var total = 0
        var index = 0
        while index < source.count {
            guard source[index] == 0x22 else {
                index += 1
                continue
            }
            let begin = index + 1
            var end = begin
            var hasEscape = false
            while end < source.count, source[end] != 0x22 {
                if source[end] == 0x5C {
                    hasEscape = true
                    end += 1
                }
                end += 1
            }
            end = min(end, source.count)
            if hasEscape {
                total += end - begin
                guard total <= limit else { return (texts, false) }
                texts.append(decode(source, begin, end))
            }
            index = end + 1
        }
        return (texts, true)
    }

    static func layer(_ texts: [Text], name: String) -> Layer {
        var bytes: [UInt8] = []
        var runs: [(start: Int, origin: Int)] = []
        for text in texts {
            for run in text.runs { runs.append((bytes.count + run.start, run.origin)) }
            bytes += text.bytes
            bytes.append(0x0A)
        }
        return Layer(name: name, bytes: bytes, runs: runs)
    }

    private static func decode(_ source: [UInt8], _ begin: Int, _ end: Int) -> Text {
        var bytes: [UInt8] = []
        var runs = [(start: 0, origin: begin)]
        var index = begin
        while index < end {
            let byte = source[index]
            guard byte == 0x5C, index + 1 < end else {
                bytes.append(byte)
                index += 1
                continue
            }
            var next = index + 2
            switch source[index + 1] {
            case 0x6E: bytes.append(0x0A)
            case 0x74: bytes.append(0x09)
            case 0x72: bytes.append(0x0D)
            case 0x62: bytes.append(0x08)
            case 0x66: bytes.append(0x0C)
            case 0x75:
                if var value = unit(source, index + 2, end) {
                    next = index + 6
                    if (0xD800...0xDBFF).contains(value), next + 1 < end, source[next] == 0x5C,
                        source[next + 1] == 0x75, let low = unit(source, next + 2, end),
                        (0xDC00...0xDFFF).contains(low)
                    {
                        value = 0x10000 + (value - 0xD800) << 10 + (low - 0xDC00)
                        next += 6
                    }
                    let scalar = Unicode.Scalar(value) ?? "\u{FFFD}"
                    bytes.append(contentsOf: UTF8.encode(scalar) ?? UTF8.encodedReplacementCharacter)
                }
            case let other: bytes.append(other)
            }
            runs.append((bytes.count, next))
            index = next
        }
        return Text(bytes: bytes, runs: runs)
    }

    private static func unit(_ source: [UInt8], _ begin: Int, _ end: Int) -> UInt32? {
        guard begin + 4 <= end else { return nil }
        var value: UInt32 = 0
        for index in begin..<begin + 4 {
            guard let digit = Base64.digit(source[index]) else { return nil }
            value = value << 4 | UInt32(digit)
        }
        return value
    }
}
