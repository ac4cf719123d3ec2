/// Eight bytes at a time, in one register.
enum ByteWords {
    private static let ones: UInt64 = 0x0101_0101_0101_0101
    private static let highs: UInt64 = 0x8080_8080_8080_8080

    /// The first place from `at` on whose byte ends a plain text: a quote, a backslash, a control character, anything
    /// beyond ASCII's printable ones. The caller has such a byte ahead, and eight readable ones behind it.
    @inline(__always)
    static func plainEnd(_ p: UnsafePointer<UInt8>, _ at: Int) -> Int {
        // SAFETY: as the caller promises.
        let raw = UnsafeRawPointer(p)
        var at = at
        while true {
            let word = raw.loadUnaligned(fromByteOffset: at, as: UInt64.self)
            let quote = word ^ (0x22 &* ones)
            let backslash = word ^ (0x5C &* ones)
            // Each term marks the high bit of a byte that it means. A borrow can mark bytes above one that is rightly
            // marked, never below: the lowest mark is true.
            let marks =
                ((quote &- ones) & ~quote) | ((backslash &- ones) & ~backslash)
                | ((word &- 0x20 &* ones) & ~word) | ((word & ~highs) &+ ones) | word
            if marks & highs != 0 { return at + (marks & highs).trailingZeroBitCount >> 3 }
            at += 8
        }
    }
}

/// A key with the quote and the colon behind it, as two words to compare.
struct KeyPattern: Sendable {
    private var words: (UInt64, UInt64)
    private var masks: (UInt64, UInt64)
    /// Bytes of key, quote and colon.
    let count: Int

    init(_ name: String) {
        let bytes = Array("\(name)\":".utf8)
        precondition(bytes.count <= 16, "a key of a call fits two words")
        count = bytes.count
        (words, masks) = ((0, 0), (0, 0))
        for (index, byte) in bytes.enumerated() {
            let shift = UInt64(index & 7) * 8
            if index < 8 {
                words.0 |= UInt64(byte) << shift
                masks.0 |= 0xFF << shift
            } else {
                words.1 |= UInt64(byte) << shift
                masks.1 |= 0xFF << shift
            }
        }
    }

    /// Sixteen bytes must be readable.
    @inline(__always)
    func matches(_ p: UnsafePointer<UInt8>) -> Bool {
        // SAFETY: as the caller promises.
        let raw = UnsafeRawPointer(p)
        return raw.loadUnaligned(as: UInt64.self) & masks.0 == words.0
            && raw.loadUnaligned(fromByteOffset: 8, as: UInt64.self) & masks.1 == words.1
    }

    /// A call's keys, by their numbers.
    static let all: [KeyPattern] = [
        "id", "time", "node", "seq", "tenant", "plugin", "version", "action", "plan", "outcome", "calls",
        "apiCalls", "executionMs", "bytesIn", "bytesOut", "storageBytes",
    ].map(KeyPattern.init)
}
