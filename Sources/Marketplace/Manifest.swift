#if canImport(FoundationEssentials)
    import FoundationEssentials
#else
    import Foundation
#endif

/// `plugin.json`: what a plugin is, does, may touch and costs. The seed's names, and the design's additions.
public struct Manifest: Hashable, Sendable, Codable {
    public let id: PluginID
    public let name: String
    public let version: Version
    public let description: String
    public let author: String
    public let category: String
    public let pricing: Pricing
    /// `publisher.name@range`
    public let dependencies: [Dependency]
    /// Names of the operations that the plugin calls.
    public let apiSurface: [String]
    public let permissions: PermissionSet

    /// Path of the entry module inside the bundle.
    public let main: String
    public let actions: [Action]
    /// SPDX expression.
    public let license: String
    public let homepage: String?
    public let repository: String?
    public let support: String?
    public let keywords: [String]
    public let icon: String?
    public let screenshots: [Screenshot]
    public let engines: Engines?
    /// JSON Schema of what a customer sets at installation.
    public let config: JSONValue?
    public let secrets: [SecretDeclaration]
    public let limits: Limits
    public let ui: [UserInterface]

    public struct Action: Hashable, Sendable, Codable {
        public let name: String
        public let description: String
        /// JSON Schemas of the request's `data` and of the response's `data`.
        public let input: JSONValue
        public let output: JSONValue?
    }

    public struct Screenshot: Hashable, Sendable, Codable {
        public let path: String
        public let caption: String
    }

    public struct Engines: Hashable, Sendable, Codable {
        public let veroforge: VersionRange
    }

    public struct SecretDeclaration: Hashable, Sendable, Codable {
        public let name: String
        public let purpose: String
    }

    public struct UserInterface: Hashable, Sendable, Codable {
        public let name: String
        public let path: String
        public let description: String?
    }

    /// A range of versions of another plugin.
    public struct Dependency: Hashable, Sendable, Codable, CustomStringConvertible {
        public let id: PluginID
        public let range: VersionRange

        public init(id: PluginID, range: VersionRange) {
            self.id = id
            self.range = range
        }

        /// `publisher.name@range`
        public init?(_ text: String) {
            let parts = text.split(separator: "@", maxSplits: 1, omittingEmptySubsequences: false)
            guard parts.count == 2, let id = PluginID(String(parts[0])), !parts[1].isEmpty,
                let range = VersionRange(String(parts[1]))
            else { return nil }
            self.init(id: id, range: range)
        }

        public var description: String { "\(id)@\(range)" }

        public init(from decoder: any Decoder) throws {
            let text = try decoder.singleValueContainer().decode(String.self)
            guard let value = Dependency(text) else {
                throw DecodingError.dataCorrupted(
                    .init(
                        codingPath: decoder.codingPath, debugDescription: "not publisher.name@range: \(text)")
                )
            }
            self = value
        }

        public func encode(to encoder: any Encoder) throws {
            var container = encoder.singleValueContainer()
            try container.encode(description)
        }
    }

    public init(from decoder: any Decoder) throws {
        let c = try decoder.container(keyedBy: CodingKeys.self)
        id = try c.decode(PluginID.self, forKey: .id)
        name = try c.decode(String.self, forKey: .name)
        version = try c.decode(Version.self, forKey: .version)
        description = try c.decode(String.self, forKey: .description)
        author = try c.decode(String.self, forKey: .author)
        category = try c.decode(String.self, forKey: .category)
        pricing = try c.decode(Pricing.self, forKey: .pricing)
        dependencies = try c.decodeIfPresent([Dependency].self, forKey: .dependencies) ?? []
        apiSurface = try c.decodeIfPresent([String].self, forKey: .apiSurface) ?? []
        permissions = try c.decodeIfPresent(PermissionSet.self, forKey: .permissions) ?? PermissionSet([])
        main = try c.decode(String.self, forKey: .main)
        actions = try c.decode([Action].self, forKey: .actions)
        license = try c.decode(String.self, forKey: .license)
        homepage = try c.decodeIfPresent(String.self, forKey: .homepage)
        repository = try c.decodeIfPresent(String.self, forKey: .repository)
        support = try c.decodeIfPresent(String.self, forKey: .support)
        keywords = try c.decodeIfPresent([String].self, forKey: .keywords) ?? []
        icon = try c.decodeIfPresent(String.self, forKey: .icon)
        screenshots = try c.decodeIfPresent([Screenshot].self, forKey: .screenshots) ?? []
        engines = try c.decodeIfPresent(Engines.self, forKey: .engines)
        config = try c.decodeIfPresent(JSONValue.self, forKey: .config)
        secrets = try c.decodeIfPresent([SecretDeclaration].self, forKey: .secrets) ?? []
        limits = try c.decodeIfPresent(PartialLimits.self, forKey: .limits)?.whole ?? .standard
        ui = try c.decodeIfPresent([UserInterface].self, forKey: .ui) ?? []
    }

    /// What a manifest says of limits; the rest is the platform's standard.
    private struct PartialLimits: Decodable {
        let cpuMs, wallMs, memoryMiB, tempMiB, storageMiB, apiCalls, egressBytes, egressBytesPerSecond: Int64?

        var whole: Limits {
            let s = Limits.standard
            return Limits(
                cpuMs: cpuMs ?? s.cpuMs, wallMs: wallMs ?? s.wallMs, memoryMiB: memoryMiB ?? s.memoryMiB,
                tempMiB: tempMiB ?? s.tempMiB, storageMiB: storageMiB ?? s.storageMiB,
                apiCalls: apiCalls ?? s.apiCalls, egressBytes: egressBytes ?? s.egressBytes,
                egressBytesPerSecond: egressBytesPerSecond ?? s.egressBytesPerSecond)
        }
    }

    public func action(_ name: String) -> Action? { actions.first { $0.name == name } }
}

/// Everything that is wrong with a manifest, in one pass.
public struct ManifestError: Error, Hashable, Sendable, CustomStringConvertible {
    public let problems: [JSONSchema.Violation]

    public var description: String {
        problems.map { $0.pointer.isEmpty ? $0.message : "\($0.pointer): \($0.message)" }.joined(
            separator: "\n")
    }
}

extension Manifest {
    /// Reads a manifest: strict JSON, the schema, then the rules that a schema cannot say.
    public static func parse(_ bytes: [UInt8]) throws(ManifestError) -> Manifest {
        let limits = JSONLimits(bytes: PlatformLimits.manifestBytesMax, depth: 32)
        let value: JSONValue
        do {
            value = try JSONValue.parse(bytes, limits: limits)
        } catch {
            throw ManifestError(problems: [.init(pointer: "", message: "plugin.json \(error)")])
        }
        let violations = ManifestSchema.schema.validate(value)
        guard violations.isEmpty else { throw ManifestError(problems: violations) }
        let manifest: Manifest
        do {
            manifest = try JSONDecoder().decode(Manifest.self, from: Data(bytes))
        } catch {
            throw ManifestError(problems: [.init(pointer: "", message: Manifest.words(error))])
        }
        let problems = ManifestRules.problems(manifest)
        guard problems.isEmpty else { throw ManifestError(problems: problems) }
        return manifest
    }

    private static func words(_ error: any Error) -> String {
        switch error as? DecodingError {
        case .dataCorrupted(let context), .typeMismatch(_, let context), .valueNotFound(_, let context),
            .keyNotFound(_, let context):
            let path = context.codingPath.map { $0.intValue.map(String.init) ?? $0.stringValue }
            return "/" + path.joined(separator: "/") + ": " + context.debugDescription
        default: return "plugin.json cannot be read as a manifest"
        }
    }
}
