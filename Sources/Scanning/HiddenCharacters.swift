/// Places of a text that are not what an editor shows.
struct HiddenCharacters {
    enum Kind { case direction, run, blanks }

    var kind: Kind
    var offset: Int
    var count: Int

    /// A picture sign takes one selector, a flag up to six tags; more than this hides something.
    private static let runMin = 12
    /// Further right than any screen.
    private static let blanksMin = 200

    static func find(in bytes: [UInt8]) -> [HiddenCharacters] {
        var found: [HiddenCharacters] = []
        var run = 0
        var runStart = 0
        func endRun() {
            if run >= runMin { found.append(HiddenCharacters(kind: .run, offset: runStart, count: run)) }
            run = 0
        }
        var blanks = 0
        var hasText = false
        bytes.withUnsafeBufferPointer { buffer in
            var index = 0
            while index < buffer.count, found.count < 200 {
                let byte = buffer[index]
                if byte < 0x80 {
                    if run > 0 { endRun() }
                    if byte == 0x20 || byte == 0x09 {
                        blanks += 1
                    } else {
                        if byte == 0x0A {
                            hasText = false
                        } else {
                            if blanks >= blanksMin, hasText, byte != 0x0D, byte != 0x2F, byte != 0x2A,
                                byte != 0x5C
                            {
                                found.append(HiddenCharacters(kind: .blanks, offset: index, count: blanks))
                            }
                            hasText = true
                        }
                        blanks = 0
                    }
                    index += 1
                    continue
                }
                blanks = 0
                hasText = true
                let length = byte >= 0xF0 ? 4 : byte >= 0xE0 ? 3 : 2
                guard index + length <= buffer.count else { break }
                var value = UInt32(byte) & (0x7F >> UInt32(length))
                for step in 1..<length { value = value << 6 | UInt32(buffer[index + step] & 0x3F) }
                if (0x202A...0x202E).contains(value) || (0x2066...0x2069).contains(value) {
                    found.append(HiddenCharacters(kind: .direction, offset: index, count: 1))
                }
                if Unicode.Scalar(value).map(Confusables.isInvisible) ?? false {
                    if run == 0 { runStart = index }
                    run += 1
                } else if run > 0 {
                    endRun()
                }
                index += length
            }
        }
        if run > 0 { endRun() }
        return found
    }
}
