import Marketplace
import Registry

/// What a publisher does with its listed versions. The next publish run shows it on the pages.
struct VersionEndpoints: Sendable {
    let registry: Registry
    let clock: RuntimeClock

    var all: [Endpoint] { [list, change] }

    private static let row = Schemas.object(
        [
            "plugin": ["type": "string"], "version": Schemas.version, "bundle": ["type": "string"],
            "channel": ["enum": ["stable", "beta"]], "rolloutPercent": ["type": "integer"],
            "listedAt": Schemas.time, "securityFix": ["type": "boolean"],
            "deprecated": ["type": ["string", "null"]], "yanked": ["type": ["string", "null"]],
            "revoked": ["type": ["string", "null"]], "installations": ["type": "integer"],
        ], required: ["plugin", "version", "channel", "rolloutPercent", "listedAt"])

    private var list: Endpoint {
        Endpoint(
            method: "GET", path: "/v1/publishers/{publisher}/versions", id: "listVersions",
            summary: "The publisher's listed versions", access: .publisher,
            success: Endpoint.Success(
                description: "By plugin, newest first",
                schema: Schemas.object(["versions": Schemas.list(Self.row)], required: ["versions"]))
        ) { [registry] asked throws(RuntimeError) in
            let publisher = try asked.publisher()
            let rows = try await blocking { () -> [JSONValue] in
                var rows: [JSONValue] = []
                for version in try registry.allVersions() where version.plugin.publisher == publisher {
                    let counts = try registry.installationCounts(of: version.plugin)
                    rows.append(Self.document(version, installations: counts[version.version] ?? 0))
                }
                return rows
            }
            return .json(["versions": .array(rows)])
        }
    }

    private var change: Endpoint {
        Endpoint(
            method: "PATCH", path: "/v1/publishers/{publisher}/versions/{plugin}/{version}",
            id: "changeVersion",
            summary: "Yanks, restores, deprecates or moves a version; what is not named stays as it is",
            access: .publisher,
            body: .json(
                Schemas.object([
                    "yank": Schemas.text("why; new installs are refused", max: 1_000),
                    "restore": Schemas.text("why it is put back", max: 1_000),
                    "deprecate": ["type": ["string", "null"], "maxLength": 1_000],
                    "channel": ["enum": ["stable", "beta"]],
                    "rolloutPercent": ["type": "integer", "minimum": 0, "maximum": 100],
                ])),
            success: Endpoint.Success(description: "The version", schema: Self.row), repeatable: true
        ) { [registry, clock] asked throws(RuntimeError) in
            let (publisher, plugin) = (try asked.publisher(), try asked.plugin())
            let version = try asked.version(asked.parameters["version"])
            guard plugin.publisher == publisher else {
                throw RuntimeError(.notFound, plugin.text, "is no plugin of \(publisher)")
            }
            let json = asked.json
            let now = clock.now()
            let row = try await blocking { () -> ListedVersion in
                let present = try registry.version(plugin, version)
                if let reason = json["yank"]?.stringValue {
                    try registry.yank(plugin, version, reason: reason, actor: publisher.text, now: now)
                }
                if let reason = json["restore"]?.stringValue {
                    try registry.restore(plugin, version, reason: reason, actor: publisher.text, now: now)
                }
                if let message = json["deprecate"] {
                    try registry.deprecate(plugin, version, message: message.stringValue)
                }
                if json["channel"] != nil || json["rolloutPercent"] != nil {
                    try registry.setChannel(
                        plugin, version,
                        channel: json["channel"]?.stringValue.flatMap(Channel.init) ?? present.channel,
                        rolloutPercent: json["rolloutPercent"]?.integerValue.map { Int($0) }
                            ?? present.rolloutPercent, now: now)
                }
                return try registry.version(plugin, version)
            }
            return .json(Self.document(row, installations: nil))
        }
    }

    private static func document(_ row: ListedVersion, installations: Int?) -> JSONValue {
        var members: [String: JSONValue] = [
            "plugin": .string(row.plugin.text), "version": .string(row.version.description),
            "bundle": .string(row.bundle.hex), "channel": .string(row.channel.rawValue),
            "rolloutPercent": .integer(Int64(row.rolloutPercent)),
            "listedAt": .string(row.listedAt.description), "securityFix": .bool(row.securityFix),
            "deprecated": row.deprecated.map(JSONValue.string) ?? .null,
            "yanked": row.yankReason.map(JSONValue.string) ?? .null,
            "revoked": row.revocation.map { .string($0.reason) } ?? .null,
        ]
        members["installations"] = installations.map { .integer(Int64($0)) }
        return .object(members)
    }
}
