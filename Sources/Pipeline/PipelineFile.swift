import Foundation
import Marketplace
import Yams

/// `pipelines/<name>.yaml`: the table of contents of a job.
public struct PipelineFile: Sendable, Codable, Equatable {
    public let name: String
    /// When cron should run it, in cron's language; the README prints these lines.
    public let schedule: String
    /// Names of stages, in their order.
    public let stages: [String]

    public static func read(_ name: String, in folder: String) throws(PipelineError) -> PipelineFile {
        let known = names(in: folder)
        guard known.contains(name) else {
            throw PipelineError(
                .usage, "there is no pipeline \(name)", remedy: "There are: \(known.joined(separator: ", "))."
            )
        }
        let path = "\(folder)/\(name).yaml"
        let text = String(decoding: try Files.read(path), as: UTF8.self)
        let file: PipelineFile
        do {
            file = try YAMLDecoder().decode(PipelineFile.self, from: text)
        } catch { throw PipelineError(.usage, "\(path) is no pipeline file: \(error)") }
        guard file.name == name else {
            throw PipelineError(.usage, "\(path) calls itself \(file.name)", remedy: "Name it \(name).")
        }
        return file
    }

    /// All pipelines' names, sorted.
    public static func names(in folder: String) -> [String] {
        Files.list(folder).filter { $0.hasSuffix(".yaml") }.map { String($0.dropLast(5)) }
    }
}
