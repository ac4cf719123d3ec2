import Bundles
import Foundation
import Marketplace
import Scanning

/// The repository's own files, found from this one.
enum Repository {
    static let root = URL(fileURLWithPath: #filePath).deletingLastPathComponent().deletingLastPathComponent()
        .deletingLastPathComponent().path

    static func rules() throws -> RuleSet { try RuleSet(files: FolderStream.items(folder: root + "/rules")) }

    static func book() throws -> RuleBook { try RuleBook(files: FolderStream.items(folder: root + "/rules")) }

    static func text(_ path: String) throws -> String {
        try String(contentsOfFile: root + "/" + path, encoding: .utf8)
    }
}

func bundle(_ files: [(String, String)]) -> UnpackedBundle {
    ArchiveReader.read(
        EntryStream.encode(files.map { EntryStream.Item(path: $0.0, bytes: Array($0.1.utf8)) }))
}

/// Scans one text as a file of that name.
func scan(_ text: String, as name: String = "dist/index.js") throws -> ScanReport {
    Scanner(rules: try Repository.rules()).scan(bundle([(name, text)]), name: "case")
}

/// A manifest that declares what is given and nothing else.
func manifest(_ permissions: String = "[]") -> String {
    """
    {"id": "acme.sample", "name": "Sample", "version": "1.0.0", "description": "A plugin for tests.",
     "author": "Acme", "category": "billing", "license": "MIT", "main": "dist/index.js",
     "engines": {"veroforge": "^1.0.0"}, "apiSurface": \(surface(permissions)), "permissions": \(permissions),
     "actions": [{"name": "run", "description": "Runs.", "input": {"type": "object"}, "output": {"type": "object"}}],
     "pricing": {"model": "subscription", "currency": "USD",
                 "plans": [{"id": "standard", "amount": "4.00", "interval": "month"}]}}
    """
}

private func surface(_ permissions: String) -> String {
    let names = ["readData", "writeData", "triggerWorkflow", "fetch"].filter {
        permissions.contains("\"\($0)\"")
    }
    return "[" + names.map { "\"\($0)\"" }.joined(separator: ", ") + "]"
}
