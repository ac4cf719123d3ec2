import Testing

@testable import Scanning

struct LiteralSetTests {
    @Test("every literal is found wherever it stands, as a plain search finds it")
    func findsWhatAPlainSearchFinds() {
        var state: UInt64 = 0x9E37_79B9_7F4A_7C15
        func random(_ below: Int) -> Int {
            state ^= state << 13
            state ^= state >> 7
            state ^= state << 17
            return Int(state % UInt64(below))
        }
        for _ in 0..<300 {
            // Few letters, so that literals begin and end in one another.
            let literals = (0..<(1 + random(8))).map { _ in
                (0..<(1 + random(5))).map { _ in UInt8(97 + random(3)) }
            }
            let text = (0..<random(200)).map { _ in UInt8(97 + random(4)) }
            var found: Set<[Int]> = []
            text.withUnsafeBufferPointer { bytes in
                LiteralSet(literals).each(in: bytes) { literal, end in found.insert([literal, end]) }
            }
            var expected: Set<[Int]> = []
            for (number, literal) in literals.enumerated() {
                for end in literal.count...max(literal.count, text.count)
                where end <= text.count && Array(text[(end - literal.count)..<end]) == literal {
                    expected.insert([number, end])
                }
            }
            #expect(found == expected)
        }
    }

    @Test("an empty set finds nothing")
    func findsNothing() {
        [UInt8]("abc".utf8).withUnsafeBufferPointer { bytes in
            LiteralSet([String]()).each(in: bytes) { _, _ in Issue.record("there is nothing to find") }
        }
    }
}
