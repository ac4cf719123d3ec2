import Marketplace
import TestSupport
import Testing

@testable import Provenance

/// Signatures checked together are good exactly when each is by itself.
struct SignatureBatchTests {
    /// A signature, what it signs and by whom.
    struct Signed {
        var signature: [UInt8]
        var message: [UInt8]
        var key: VerifyingKey

        var isGood: Bool { key.isValid(signature: signature, for: message) }
    }

    static func holds(_ list: [Signed]) -> Bool {
        var batch = SignatureBatch()
        for item in list { batch.add(item.signature, of: item.message, by: item.key) }
        return batch.holds()
    }

    static func signed(_ count: Int, keys: Int, _ random: inout SeededRandom) -> [Signed] {
        let signers = (0..<keys).map { _ in
            try! SigningKey(seed: (0..<32).map { _ in UInt8.random(in: 0...255, using: &random) })
        }
        return (0..<count).map { _ in
            let signer = signers.randomElement(using: &random)!
            let message = (0..<Int.random(in: 0...300, using: &random)).map { _ in
                UInt8.random(in: 0...255, using: &random)
            }
            return Signed(signature: signer.sign(message), message: message, key: signer.verifyingKey)
        }
    }

    @Test(arguments: [0, 1, 2, 3, 17, 256, 900])
    func manyGoodSignaturesHold(count: Int) {
        var random = SeededRandom(UInt64(count))
        #expect(Self.holds(Self.signed(count, keys: 3, &random)))
    }

    /// One changed bit anywhere, in a signature, a message or a key, among hundreds of good ones.
    @Test func oneChangedBitAmongManyIsFound() throws {
        var random = SeededRandom(25519)
        let good = Self.signed(200, keys: 4, &random)
        for round in 0..<120 {
            var list = good
            let place = Int.random(in: 0..<list.count, using: &random)
            let bit = UInt8(1) << UInt8.random(in: 0..<8, using: &random)
            switch round % 3 {
            case 0:
                // Each byte of both halves gets its turn.
                list[place].signature[(round / 3 * 13) % 64] ^= bit
            case 1:
                if list[place].message.isEmpty {
                    list[place].message = [0]
                } else {
                    list[place].message[0] ^= bit
                }
            default:
                var raw = list[place].key.rawBytes
                raw[Int.random(in: 0..<32, using: &random)] ^= bit
                list[place].key = try VerifyingKey(rawBytes: raw)
            }
            #expect(!list[place].isGood)
            #expect(!Self.holds(list), "round \(round), place \(place)")
        }
    }

    /// Two signatures whose faults would cancel out if nobody weighed them.
    @Test func faultsThatCancelOutAreFound() {
        var random = SeededRandom(7)
        var list = Self.signed(2, keys: 1, &random)
        // S + 1 in one and S - 1 in the other: their sum is what it was.
        var first = list[0].signature
        var second = list[1].signature
        var at = 32
        while first[at] == 255 {
            first[at] = 0
            at += 1
        }
        first[at] += 1
        at = 32
        while second[at] == 0 {
            second[at] = 255
            at += 1
        }
        second[at] -= 1
        list[0].signature = first
        list[1].signature = second
        #expect(!list.contains { $0.isGood })
        #expect(!Self.holds(list))
    }

    /// RFC 8032, 5.1.7: S is below the order of the group, or the same signature would have a second spelling.
    @Test func aSecondSpellingOfASignatureIsRefused() {
        var random = SeededRandom(8)
        var list = Self.signed(5, keys: 2, &random)
        let order: [UInt8] = [
            0xed, 0xd3, 0xf5, 0x5c, 0x1a, 0x63, 0x12, 0x58, 0xd6, 0x9c, 0xf7, 0xa2, 0xde, 0xf9, 0xde, 0x14,
            0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0x10,
        ]
        var carry = 0
        for index in 0..<32 {
            carry += Int(list[2].signature[32 + index]) + Int(order[index])
            list[2].signature[32 + index] = UInt8(carry & 255)
            carry >>= 8
        }
        #expect(!list[2].isGood)
        #expect(!Self.holds(list))
    }

    /// Points of small order, and spellings of points that nobody writes: as keys, and in a signature.
    @Test func oddPointsAreRefused() throws {
        let zero = [UInt8](repeating: 0, count: 32)
        let one: [UInt8] = [1] + zero.dropFirst()
        let odd: [[UInt8]] = [
            zero,  // of order 4
            one,  // the neutral point
            one.dropLast() + [0x80],  // the neutral point with a sign
            [0xec] + [UInt8](repeating: 0xff, count: 30) + [0x7f],  // of order 2
            [0xee] + [UInt8](repeating: 0xff, count: 30) + [0x7f],  // p + 1, another spelling of 1
            [0xed] + [UInt8](repeating: 0xff, count: 30) + [0x7f],  // p, another spelling of 0
            [2] + zero.dropFirst(),  // no point at all
            [UInt8](repeating: 0xff, count: 32),
        ]
        var random = SeededRandom(9)
        let good = Self.signed(3, keys: 1, &random)
        for point in odd {
            var list = good
            list[1].signature = point + list[1].signature[32...]
            #expect(!Self.holds(list), "R is \(Hex.encode(point))")
            list = good
            // With the neutral point as key and R, S = 0 would sign every message.
            list[1].key = try VerifyingKey(rawBytes: point)
            list[1].signature = one + zero
            #expect(!Self.holds(list) || list[1].isGood, "the key is \(Hex.encode(point))")
        }
    }

    /// The second and third test of RFC 8032, 7.1.
    @Test func theStandardsVectorsHold() throws {
        let vectors = [
            (
                "3d4017c3e843895a92b70aa74d1b7ebc9c982ccf2ec4968cc0cd55f12af4660c", "72",
                "92a009a9f0d4cab8720e820b5f642540a2b27b5416503f8fb3762223ebdb69da085ac1e43e15996e458f3613d0f11d8c387b2eaeb4302aeeb00d291612bb0c00"
            ),
            (
                "fc51cd8e6218a1a38da47ed00230f0580816ed13ba3303ac5deb911548908025", "af82",
                "6291d657deec24024827e69c3abe01a30ce548a284743a445e3680d7db5ac3ac18ff9b538d16f290ae67f760984dc6594a7c15e9716ed28dc027beceea1ec40a"
            ),
        ]
        let list = try vectors.map { key, message, signature in
            Signed(
                signature: Hex.decode(signature)!, message: Hex.decode(message)!,
                key: try VerifyingKey(rawBytes: Hex.decode(key)!))
        }
        #expect(!list.contains { !$0.isGood })
        #expect(Self.holds(list))
    }
}
