import Bundles
import Foundation
import Marketplace
import Publishing
import Scanning

/// A command and what its `--help` prints; the command line hands its own down.
public struct CommandHelp: Sendable {
    public var name: String
    public var abstract: String
    public var help: String

    public init(name: String, abstract: String, help: String) {
        self.name = name
        self.abstract = abstract
        self.help = help
    }
}

/// The reference pages' content, each from its one source: rules from their metadata, the manifest from its schema,
/// commands from their help, the API from the contract, problems from their page, SDK types from the declarations.
struct ReferenceMaker {
    let programs: ProgramFiles

    func references(sdk: SDKDownload?) throws(PipelineError) -> References {
        References(
            rules: try rules(),
            commands: programs.commands().map {
                CommandDoc(name: $0.name, abstract: $0.abstract, help: $0.help)
            },
            manifestSchema: String(
                decoding: ManifestSchema.document.serializedBytes(pretty: true), as: UTF8.self),
            problems: try problems(), operations: try operations(), types: try types(), sdk: sdk)
    }

    private func rules() throws(PipelineError) -> [RuleDoc] {
        do {
            let blob = try RulesBlob.bytes(folder: programs.rules)
            return try RuleBook(files: try EntryStream.decode(blob)).descriptions.map {
                RuleDoc(
                    id: $0.id, title: $0.description, kind: $0.class.rawValue, severity: $0.severity.rawValue,
                    why: $0.hint, legitimate: $0.legitimate, fix: $0.reference)
            }
        } catch {
            throw PipelineError(.usage, "rules/: \(error)", remedy: "Restore the rules folder.")
        }
    }

    // MARK: The API

    private func operations() throws(PipelineError) -> [APIDoc] {
        guard let bytes = try Files.readIfPresent("\(programs.docs)/openapi.json"),
            let document = try? JSONValue.parse(bytes)
        else { return [] }
        var rows: [APIDoc] = []
        for (path, methods) in (document["paths"]?.objectValue ?? [:]).sorted(by: { $0.key < $1.key }) {
            for (method, operation) in (methods.objectValue ?? [:]).sorted(by: { $0.key < $1.key }) {
                guard let summary = operation["summary"]?.stringValue else { continue }
                rows.append(
                    APIDoc(
                        method: method.uppercased(), path: path, summary: summary,
                        detail: Self.detail(operation)))
            }
        }
        return rows
    }

    /// Token, parameters, body and answers in lines.
    private static func detail(_ operation: JSONValue) -> String {
        var lines: [String] = []
        let isOpen = operation["security"]?.arrayValue?.isEmpty ?? true
        lines.append("token     \(isOpen ? "none" : "bearer")")
        for parameter in operation["parameters"]?.arrayValue ?? [] {
            guard let name = parameter["name"]?.stringValue, let place = parameter["in"]?.stringValue else {
                continue
            }
            let meaning = parameter["description"]?.stringValue ?? ""
            lines.append(
                "\(place.padding(toLength: 9, withPad: " ", startingAt: 0)) \(name)\(meaning.isEmpty ? "" : ": \(meaning)")"
            )
        }
        for (type, media) in (operation["requestBody"]?["content"]?.objectValue ?? [:]).sorted(by: {
            $0.key < $1.key
        }) {
            lines.append("body      \(type)")
            lines += fields(media["schema"])
        }
        for (status, answer) in (operation["responses"]?.objectValue ?? [:]).sorted(by: { $0.key < $1.key }) {
            lines.append("answer    \(status) \(answer["description"]?.stringValue ?? "")")
            if status.hasPrefix("2") {
                for (_, media) in (answer["content"]?.objectValue ?? [:]).sorted(by: { $0.key < $1.key }) {
                    lines += fields(media["schema"])
                }
            }
        }
        return lines.joined(separator: "\n")
    }

    private static func fields(_ schema: JSONValue?) -> [String] {
        let required = Set((schema?["required"]?.arrayValue ?? []).compactMap(\.stringValue))
        return (schema?["properties"]?.objectValue ?? [:]).sorted { $0.key < $1.key }.map { name, value in
            let type =
                value["enum"]?.arrayValue?.compactMap(\.stringValue).joined(separator: " | ")
                ?? value["type"]?.stringValue
                ?? (value["type"]?.arrayValue ?? []).compactMap(\.stringValue).joined(separator: " or ")
            let meaning = value["description"]?.stringValue ?? ""
            return
                "            \(name)\(required.contains(name) ? "" : "?")\(type.isEmpty ? "" : ": \(type)")\(meaning.isEmpty ? "" : ", \(meaning)")"
        }
    }

    // MARK: Problems

    /// Sections of `docs/api/problems.md`: `## code`, then `Status 400. **Title.** Meaning.`
    private func problems() throws(PipelineError) -> [ProblemDoc] {
        guard let bytes = try Files.readIfPresent("\(programs.docs)/api/problems.md") else { return [] }
        var rows: [ProblemDoc] = []
        for section in String(decoding: bytes, as: UTF8.self).components(separatedBy: "\n## ").dropFirst() {
            let code = String(section.prefix { $0 != "\n" })
            guard let match = section.firstMatch(of: /Status (\d+)\. \*\*(.+?)\.?\*\*\s*(.*)/) else {
                continue
            }
            rows.append(
                ProblemDoc(
                    type: code, title: String(match.output.2), status: Int(match.output.1) ?? 0,
                    meaning: String(match.output.3)))
        }
        return rows
    }

    // MARK: The SDK

    private func types() throws(PipelineError) -> [TypeDoc] {
        let folder = "\(programs.plugins)/sdk/src"
        var types: [TypeDoc] = []
        for name in Files.list(folder) where name.hasSuffix(".ts") && name != "index.ts" {
            types += TypeScriptDeclarations.read(
                String(decoding: try Files.read("\(folder)/\(name)"), as: UTF8.self))
        }
        return types.sorted { $0.name < $1.name }
    }
}

/// Exported declarations of our own TypeScript files, each with the comment before it.
enum TypeScriptDeclarations {
    static func read(_ text: String) -> [TypeDoc] {
        var types: [TypeDoc] = []
        var comment: [String] = []
        var isInComment = false
        var current: (name: String, lines: [String], depth: Int)?
        for line in text.split(separator: "\n", omittingEmptySubsequences: false).map(String.init) {
            if var open = current {
                open.lines.append(line)
                open.depth += depth(line)
                current = open
                if open.depth <= 0 { close(&current, &comment, &types) }
                continue
            }
            let trimmed = line.trimmingCharacters(in: .whitespaces)
            if trimmed.hasPrefix("/**") {
                comment = []
                isInComment = true
            }
            if isInComment {
                comment.append(
                    trimmed.replacing(/^\/?\*+\/? ?/, with: "").replacing(/\*\/$/, with: "")
                        .replacing(/\{@link (\w+)\}/) { String($0.output.1) })
                if trimmed.hasSuffix("*/") { isInComment = false }
                continue
            }
            guard
                let match = line.firstMatch(
                    of:
                        /^export (?:declare )?(?:abstract )?(?:interface|type|class|function|const|enum) (\w+)/
                )
            else {
                if !trimmed.isEmpty { comment = [] }
                continue
            }
            let depth = depth(line)
            current = (String(match.output.1), [line], depth)
            if depth <= 0, line.hasSuffix(";") || line.hasSuffix("}") { close(&current, &comment, &types) }
        }
        return types
    }

    private static func close(
        _ current: inout (name: String, lines: [String], depth: Int)?, _ comment: inout [String],
        _ types: inout [TypeDoc]
    ) {
        guard let open = current else { return }
        let summary = comment.joined(separator: " ").split(separator: " ").joined(separator: " ")
        types.append(
            TypeDoc(name: open.name, declaration: open.lines.joined(separator: "\n"), summary: summary))
        current = nil
        comment = []
    }

    private static func depth(_ line: String) -> Int {
        line.reduce(0) { "{([".contains($1) ? $0 + 1 : "})]".contains($1) ? $0 - 1 : $0 }
    }
}
