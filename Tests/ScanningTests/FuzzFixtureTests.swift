import Foundation
import Marketplace
import Testing

@testable import Scanning

/// What a fuzzer once broke a reader with: each stays, and each comes back.
struct FuzzFixtureTests {
    @Test("inputs that once crashed a reader are read to their end")
    func readsWhatOnceCrashed() throws {
        let folder = Repository.root + "/Tests/Fuzz/crashes"
        for name in try FileManager.default.contentsOfDirectory(atPath: folder).sorted()
        where !name.hasPrefix(".") {
            let bytes = [UInt8](try #require(FileManager.default.contents(atPath: folder + "/" + name)))
                .dropFirst()
            for file in [
                "a.js", "a.ts", "a.html", "a.json", "a.wasm", "package-lock.json", "yarn.lock",
                "pnpm-lock.yaml",
            ] {
                _ = try scan(String(decoding: bytes, as: UTF8.self), as: file)
            }
        }
    }

    /// What may be one thing or another is tried as the first, and read again as the second where that fails: once, however
    /// many stand inside of each other.
    @Test(
        "what is tried and read again costs no more where it is nested",
        arguments: ["(a = ", "async (a = ", "f<`${", "(a, b = c<`${"])
    func triesOnce(opening: String) {
        let text = String(repeating: opening, count: 200)
        let tree = Parser.parse(Array(text.utf8), Parser.Dialect(allowsTypes: true))
        #expect(!tree.errors.isEmpty)
        #expect(tree.nodes.count < 200 * text.utf8.count)
    }

    @Test("noise and broken copies of real code are read to their end")
    func noiseIsAlwaysSafe() throws {
        var state: UInt64 = 0x9E37_79B9_7F4A_7C15
        func random(_ below: Int) -> Int {
            state ^= state << 13
            state ^= state >> 7
            state ^= state << 17
            return Int(state % UInt64(below))
        }
        let sample = Array(try Repository.text("plugins/hostile/dist/index.js").utf8)
        for _ in 0..<60 {
            var bytes = sample
            for _ in 0..<(1 + random(12)) {
                switch random(3) {
                case 0: bytes[random(bytes.count)] = UInt8(random(256))
                case 1: bytes.remove(at: random(bytes.count))
                default:
                    bytes.insert(
                        contentsOf: sample[random(sample.count / 2)..<sample.count / 2 + 9],
                        at: random(bytes.count))
                }
            }
            for dialect in [Parser.Dialect.script, Parser.Dialect(allowsTypes: true)] {
                _ = CodeAnalysis(bytes, dialect)
            }
        }
    }
}
