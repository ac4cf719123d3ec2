import Foundation

/// A program run to its end.
public struct ToolResult: Sendable {
    public let code: Int32
    /// The signal that ended it, if one did.
    public let signal: Int32?
    public let output: String
    public let errors: String
}

/// Runs built programs as a shell would: arguments in, exit code and text out.
public enum Tool {
    public static func run(
        _ program: String, _ arguments: [String], environment: [String: String] = [:], folder: String? = nil
    ) throws -> ToolResult {
        let process = Process()
        let path = program.hasPrefix("/") ? program : Products.path(program)
        process.executableURL = URL(fileURLWithPath: path)
        process.arguments = arguments
        process.environment = ProcessInfo.processInfo.environment.merging(environment) { $1 }
        if let folder { process.currentDirectoryURL = URL(fileURLWithPath: folder) }
        // Files rather than pipes: nothing can block on a full one.
        let scratch = try Scratch()
        let (out, err) = (scratch.path + "/out", scratch.path + "/err")
        for file in [out, err] { _ = FileManager.default.createFile(atPath: file, contents: nil) }
        process.standardOutput = try FileHandle(forWritingTo: URL(fileURLWithPath: out))
        process.standardError = try FileHandle(forWritingTo: URL(fileURLWithPath: err))
        process.standardInput = FileHandle.nullDevice
        try process.runHearingSignals()
        process.waitUntilExit()
        func text(_ file: String) -> String {
            String(decoding: FileManager.default.contents(atPath: file) ?? Data(), as: UTF8.self)
        }
        let killed = process.terminationReason == .uncaughtSignal
        return ToolResult(
            code: killed ? -1 : process.terminationStatus, signal: killed ? process.terminationStatus : nil,
            output: text(out), errors: text(err))
    }
}

/// A folder that lives as long as the value.
public final class Scratch: Sendable {
    public let path: String

    public init() throws {
        var template = Array((NSTemporaryDirectory() + "/veroforge-test-XXXXXX").utf8CString)
        guard mkdtemp(&template) != nil else { throw CocoaError(.fileWriteUnknown) }
        path = template.withUnsafeBufferPointer { String(cString: $0.baseAddress!) }
    }

    deinit { try? FileManager.default.removeItem(atPath: path) }
}
