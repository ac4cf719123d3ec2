import Foundation
import TestSupport

/// A marketplace in a scratch folder, driven by the real programs.
struct SampleMarketplace {
    let scratch: Scratch
    var data: String { scratch.path + "/data" }
    var key: String { scratch.path + "/publisher.key" }
    static let publisher = "northwind-samples"

    init() throws {
        scratch = try Scratch()
        try expect(0, ["init", "--demo"])
        try expect(
            0,
            [
                "publisher", "register", Self.publisher, "--name", "Northwind Samples", "--email",
                "dev@example.com",
                "--country", "DE", "--key", key,
            ])
    }

    struct Unexpected: Error, CustomStringConvertible {
        let description: String
    }

    /// Runs `veroforge … --data <data>`.
    func run(_ arguments: [String], environment: [String: String] = [:]) throws -> ToolResult {
        try Tool.run("veroforge", arguments + ["--data", data], environment: environment)
    }

    @discardableResult
    func expect(_ code: Int32, _ arguments: [String]) throws -> ToolResult {
        let result = try run(arguments)
        guard result.code == code else {
            throw Unexpected(
                description:
                    "\(arguments) ended with \(result.code), not \(code)\n\(result.output)\n\(result.errors)")
        }
        return result
    }

    /// Copies a plugin of the repository, changes its files, and gives the folder.
    func plugin(_ name: String = "overdue-reminders", changing files: [String: (String) -> String?] = [:])
        throws -> String
    {
        let folder = scratch.path + "/plugin-\(name)-\(UUID().uuidString.prefix(8))"
        try FileManager.default.copyItem(atPath: Products.file("plugins/\(name)"), toPath: folder)
        for (file, change) in files {
            let path = "\(folder)/\(file)"
            let before = try String(contentsOfFile: path, encoding: .utf8)
            if let after = change(before) {
                try after.write(toFile: path, atomically: true, encoding: .utf8)
            } else {
                try FileManager.default.removeItem(atPath: path)
            }
        }
        return folder
    }

    /// Packs a folder to a bundle and gives its path.
    func bundle(_ folder: String) throws -> String {
        let path = scratch.path + "/\(UUID().uuidString.prefix(8)).vfp"
        let result = try Tool.run("veroforge", ["plugin", "pack", folder, "--output", path])
        guard result.code == 0 else { throw Unexpected(description: result.errors) }
        return path
    }

    /// Submits without running anything and gives the submission's id.
    func submit(_ path: String) throws -> String {
        let result = try expect(0, ["plugin", "submit", path, "--key", key])
        guard let id = result.output.firstMatch(of: /[0-9a-f]{64}/)?.output else {
            throw Unexpected(description: result.output)
        }
        return String(id)
    }

    func state(_ id: String) throws -> String {
        let result = try run(["review", "show", id, "--format", "json"])
        return result.output.firstMatch(of: /"state":"([a-z]+)"/).map { String($0.output.1) } ?? result.errors
    }
}
