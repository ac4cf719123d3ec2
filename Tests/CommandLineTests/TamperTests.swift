import Foundation
import Marketplace
import Provenance
import TestSupport
import Testing

/// A published site, made by the real programs, in which single bits are turned.
@Suite struct TamperTests {
    @Test func everyTurnedBitOfAPublishedSiteIsNamed() throws {
        let market = try SampleMarketplace()
        let id = try market.submit(try market.plugin())
        try market.expect(0, ["run", "submission"])
        if try market.state(id) == "held" {
            try market.expect(0, ["review", "approve", id, "--reviewer", "tester", "--reason", "read it"])
            try market.expect(0, ["run", "submission"])
        }
        try market.expect(
            0, ["plugin", "yank", "northwind-samples.overdue-reminders@1.0.0", "--reason", "a test"])
        try market.expect(0, ["run", "submission", "--stage", "publish"])
        let folder = market.scratch.path + "/copy"
        _ = try Tool.run("/bin/cp", ["-rL", market.data + "/site/public", folder])
        let now = Instant(milliseconds: Int64(Date().timeIntervalSince1970 * 1_000))
        let root = CatalogueTrust.rootFile(market.data + "/site/public/metadata/1.root.json")
        #expect(CatalogueVerifier.verify(directory: folder, trust: root, asOf: now).problems == [])

        var files: [(path: String, bytes: Int)] = []
        for case let path as String in FileManager.default.enumerator(atPath: folder)! {
            let attributes = try FileManager.default.attributesOfItem(atPath: "\(folder)/\(path)")
            guard attributes[.type] as? FileAttributeType == .typeRegular else { continue }
            if let bytes = attributes[.size] as? Int, bytes > 0 { files.append((path, bytes)) }
        }
        files.sort { $0.path < $1.path }
        #expect(files.count > 60)
        #expect(files.contains { $0.path.hasPrefix("log/statements/") })
        var random = SeededRandom(7)
        var named = 0
        let rounds = Rounds.count(full: 1_000)
        for round in 0..<rounds {
            // Every file has its turn before any has a second one; the place in it is drawn.
            let (path, bytes) = files[round % files.count]
            let place = Int.random(in: 0..<bytes, using: &random)
            let bit = UInt8.random(in: 0..<8, using: &random)
            let full = "\(folder)/\(path)"
            let good = try Data(contentsOf: URL(fileURLWithPath: full))
            var bad = good
            bad[place] ^= 1 << bit
            try bad.write(to: URL(fileURLWithPath: full))
            let report = CatalogueVerifier.verify(directory: folder, trust: root, asOf: now)
            let isNamed = report.problems.contains { $0.path == path }
            #expect(isNamed, "\(path), byte \(place), bit \(bit): \(report.problems)")
            if isNamed { named += 1 }
            try good.write(to: URL(fileURLWithPath: full))
        }
        #expect(named == rounds)
        #expect(CatalogueVerifier.verify(directory: folder, trust: root, asOf: now).problems == [])
    }
}
