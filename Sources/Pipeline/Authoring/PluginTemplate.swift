import Foundation
public import Marketplace

/// `plugin new`: a plugin to begin with, from `plugins/templates/`.
public enum PluginTemplate {
    public enum Language: String, Sendable, CaseIterable {
        case typescript, javascript
    }

    /// The new plugin's files by path, from the templates' own.
    ///
    /// - Parameters:
    ///   - template: the template's files by path.
    ///   - sdk: the files of `plugins/sdk` by path; put beside a TypeScript plugin as `sdk/`.
    public static func files(
        id: PluginID, author: String, language: Language, template: [String: String], sdk: [String: String]
    ) -> [String: String] {
        let values = [
            "id": id.description, "publisher": id.publisher.description, "name": id.name,
            "title": title(id.name),
            "class": title(id.name).filter { $0 != " " } + "Plugin", "author": author,
        ]
        var files = template.mapValues { text in
            values.reduce(text) { $0.replacing("{{\($1.key)}}", with: $1.value) }
        }
        // A quotation mark in a name must not end the manifest's string.
        if let manifest = template["plugin.json"] {
            files["plugin.json"] = values.reduce(manifest) {
                $0.replacing(
                    "{{\($1.key)}}", with: JSONValue.string($1.value).serialized().dropFirst().dropLast())
            }
        }
        guard language == .typescript else { return files }
        for (path, text) in sdk
        where path == "tsconfig.plugin.json" || path.hasPrefix("src/") || path.hasPrefix("kit/") {
            files["sdk/\(path)"] = text
        }
        return files
    }

    /// The text files of a folder by relative path.
    public static func texts(in folder: String) -> [String: String] {
        let root = URL(fileURLWithPath: folder, isDirectory: true).standardizedFileURL.path
        var texts: [String: String] = [:]
        for path in FileManager.default.subpaths(atPath: root) ?? [] {
            guard let data = FileManager.default.contents(atPath: "\(root)/\(path)"),
                let text = String(data: data, encoding: .utf8)
            else { continue }
            var isFolder: ObjCBool = false
            _ = FileManager.default.fileExists(atPath: "\(root)/\(path)", isDirectory: &isFolder)
            if !isFolder.boolValue { texts[path] = text }
        }
        return texts
    }

    /// `overdue-reminders` is “Overdue Reminders”.
    private static func title(_ name: String) -> String {
        name.split(separator: "-").map { $0.prefix(1).uppercased() + $0.dropFirst() }.joined(separator: " ")
    }
}
