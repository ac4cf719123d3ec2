import Foundation
import Marketplace
import Provenance

/// A folder of its own for one test, removed with it.
final class TemporaryFolder {
    let path: String

    init() {
        path = NSTemporaryDirectory() + "provenance-" + UUID().uuidString
        try! FileManager.default.createDirectory(atPath: path, withIntermediateDirectories: true)
    }

    deinit { try? FileManager.default.removeItem(atPath: path) }

    func callAsFunction(_ name: String) -> String { path + "/" + name }

    func write(_ name: String, _ bytes: [UInt8]) throws {
        let target = URL(fileURLWithPath: self(name))
        try FileManager.default.createDirectory(
            at: target.deletingLastPathComponent(), withIntermediateDirectories: true)
        try Data(bytes).write(to: target)
    }

    func read(_ name: String) throws -> [UInt8] {
        [UInt8](try Data(contentsOf: URL(fileURLWithPath: self(name))))
    }
}

/// Keys that are the same in every run.
func fixedKey(_ number: UInt8) -> SigningKey { try! SigningKey(seed: [UInt8](repeating: number, count: 32)) }

func bytes(_ text: String) -> [UInt8] { Array(text.utf8) }
