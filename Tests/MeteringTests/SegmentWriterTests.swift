import Foundation
import Marketplace
import Provenance
import Testing

@testable import Metering

@Suite struct SegmentWriterTests {
    @Test func aSealedSegmentVerifiesAndNamesTheOneBefore() throws {
        try Samples.withFolder { folder in
            let writer = try SegmentWriter(usage: folder, node: "a")
            for index in 1...3 { try writer.append(Samples.call(index)) }
            try writer.seal()
            try writer.append(Samples.call(4))
            try writer.close()
            let names = try SegmentFolder(folder).segments()
            #expect(names.map(\.path) == ["2026-01-05/a-00000001.jsonl", "2026-01-05/a-00000002.jsonl"])
            let first = try SegmentReader.read("\(folder)/\(names[0].path)")
            let second = try SegmentReader.read("\(folder)/\(names[1].path)")
            #expect(first.seal?.count == 3 && second.seal?.count == 1)
            #expect(first.header?.previous == nil)
            #expect(second.header?.previous == first.seal?.sha256)
            let gaps = try SegmentReader.gaps([(names[0], first), (names[1], second)])
            #expect(gaps.isEmpty)
        }
    }

    @Test func aDayChangesAndAnEmptyDayLeavesAHeartbeat() throws {
        try Samples.withFolder { folder in
            let writer = try SegmentWriter(usage: folder, node: "a")
            try writer.append(Samples.call(1))
            try writer.tick(Samples.start.adding(days: 1))
            try writer.tick(Samples.start.adding(days: 1).adding(seconds: 60))
            try writer.tick(Samples.start.adding(days: 2))
            try writer.append(Samples.call(2))
            try writer.close()
            let names = try SegmentFolder(folder).segments()
            #expect(names.map(\.day.description) == ["2026-01-05", "2026-01-06", "2026-01-07"])
            let counts = try names.map { try SegmentReader.read("\(folder)/\($0.path)").seal?.count }
            // The late event of the 5th stands in the segment that was open when it came.
            #expect(counts == [1, 0, 1])
        }
    }

    @Test func aSegmentLeftOpenByACrashIsCutAndSealedAndTheChainGoesOn() throws {
        try Samples.withFolder { folder in
            let writer = try SegmentWriter(usage: folder, node: "a")
            for index in 1...2 { try writer.append(Samples.call(index)) }
            try writer.close()
            // What a killed process leaves: no seal, and half a line.
            let path = "\(folder)/2026-01-05/a-00000001.jsonl"
            var bytes = try Disk().read(path)
            bytes.removeLast(bytes.count - (bytes.dropLast().lastIndex(of: 0x0A)! + 1))
            try Disk().replace(path, with: bytes + Array("{\"id\":\"torn".utf8))

            let next = try SegmentWriter(usage: folder, node: "a")
            #expect(next.recovered == [.init(path: path, events: 2, tornBytes: 11)])
            #expect(try next.append(Samples.call(3)) == 3)
            try next.close()
            let first = try SegmentReader.read(path)
            let second = try SegmentReader.read("\(folder)/2026-01-05/a-00000002.jsonl")
            #expect(first.seal?.count == 2)
            #expect(second.header?.previous == first.seal?.sha256)
        }
    }

    @Test func aNodeHasOneWriterAtATime() throws {
        try Samples.withFolder { folder in
            let writer = try SegmentWriter(usage: folder, node: "a")
            #expect(throws: MeteringError.self) { _ = try SegmentWriter(usage: folder, node: "a") }
            let sealing = try SegmentFolder(folder).seal()
            #expect(sealing.recovered.isEmpty)
            try writer.append(Samples.call(1))
            #expect(try SegmentFolder(folder).seal().live.count == 1)
            try writer.close()
            #expect(try SegmentFolder(folder).seal().live.isEmpty)
            _ = try SegmentWriter(usage: folder, node: "a")
        }
    }

    @Test func concurrentAppendsAreAllThereOnceAndInOrderOfTheirNumbers() throws {
        try Samples.withFolder { folder in
            let writer = try SegmentWriter(usage: folder, node: "a", options: .init(segmentBytesMax: 20_000))
            DispatchQueue.concurrentPerform(iterations: 8) { lane in
                for index in 0..<100 {
                    _ = try? writer.append(Samples.call(lane * 100 + index))
                    if index % 25 == 0 { try? writer.flush() }
                }
            }
            try writer.close()
            var seqs: [Int64] = []
            for name in try SegmentFolder(folder).segments() {
                let contents = try SegmentReader.read("\(folder)/\(name.path)")
                #expect(contents.isSealed)
                for line in contents.bytes[contents.events].split(separator: 0x0A) {
                    seqs.append(try JSONValue.parse(Array(line))["seq"]!.integerValue!)
                }
            }
            #expect(seqs == (1...800).map(Int64.init))
        }
    }

    @Test(arguments: ["flip", "drop", "follow", "count"])
    func aSealedSegmentThatWasChangedIsRefused(how: String) throws {
        try Samples.withFolder { folder in
            let writer = try SegmentWriter(usage: folder, node: "a")
            for index in 1...3 { try writer.append(Samples.call(index)) }
            try writer.close()
            let path = "\(folder)/2026-01-05/a-00000001.jsonl"
            var bytes = try Disk().read(path)
            switch how {
            case "flip": bytes[200] ^= 1
            case "drop":
                let first = bytes.firstIndex(of: 0x0A)!
                let second = bytes[(first + 1)...].firstIndex(of: 0x0A)!
                bytes.removeSubrange((first + 1)...second)
            case "follow": bytes += Array("{}".utf8)
            default:
                bytes = Array(
                    String(decoding: bytes, as: UTF8.self)
                        .replacingOccurrences(of: "\"count\":3", with: "\"count\":4").utf8)
            }
            try Disk().replace(path, with: bytes)
            #expect(throws: MeteringError.self) { _ = try SegmentReader.read(path) }
        }
    }

    @Test func aCompressedSegmentReadsAsThePlainOne() throws {
        try Samples.withFolder { folder in
            let writer = try SegmentWriter(usage: folder, node: "a")
            for index in 1...200 { try writer.append(Samples.call(index)) }
            try writer.close()
            let path = "\(folder)/2026-01-05/a-00000001.jsonl"
            let plain = try SegmentReader.read(path)
            let packed = try SegmentReader.deflate(plain.bytes, path)
            try Disk().replace(path + ".zst", with: packed)
            let inflated = try SegmentReader.read(path + ".zst")
            #expect(inflated.bytes == plain.bytes && inflated.seal == plain.seal)
            #expect(packed.count * 4 < plain.bytes.count)
            try Disk().replace(path + ".zst", with: Array(packed.dropLast(20)))
            #expect(throws: MeteringError.self) { _ = try SegmentReader.read(path + ".zst") }
        }
    }

    @Test func aProcessKilledBetweenAppendsLosesNoEventThatWasAcknowledged() throws {
        // The kernel has every acknowledged line: what another descriptor reads is what a crash would leave.
        try Samples.withFolder { folder in
            let writer = try SegmentWriter(usage: folder, node: "a")
            for index in 1...5 {
                try writer.append(Samples.call(index))
                let contents = try SegmentReader.read("\(folder)/2026-01-05/a-00000001.jsonl")
                #expect(SegmentReader.countLines(contents.bytes, contents.events) == index)
                #expect(contents.tornBytes == 0)
            }
        }
    }
}
