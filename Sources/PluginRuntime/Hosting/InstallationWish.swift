import Marketplace

/// What a customer asks for when installing.
struct InstallationWish: Sendable {
    var version: Version
    var plan: String
    var accepted: PermissionSet
    var config: JSONValue
    var secrets: [String: String]
    var backEnd: String?
    var seats: Int64

    /// From a document that satisfies `Schemas.installationRequest`.
    init(_ document: JSONValue) throws(RuntimeError) {
        guard let version = document["version"]?.stringValue.flatMap({ Version($0) }) else {
            throw RuntimeError(.invalid, "version", "is no version")
        }
        self.version = version
        plan = document["plan"]?.stringValue ?? ""
        accepted = try Self.permissions(document["permissions"] ?? [])
        config = document["config"] ?? [:]
        secrets = (document["secrets"]?.objectValue ?? [:]).compactMapValues(\.stringValue)
        backEnd = document["backEnd"]?.stringValue
        seats = document["seats"]?.integerValue ?? 1
    }

    static func permissions(_ value: JSONValue) throws(RuntimeError) -> PermissionSet {
        var permissions: [Permission] = []
        for item in value.arrayValue ?? [] {
            guard let operation = item["operation"]?.stringValue.flatMap(Permission.Operation.init) else {
                throw RuntimeError(.invalid, "permissions", "a permission names no operation")
            }
            permissions.append(
                Permission(
                    operation: operation, entity: item["entity"]?.stringValue,
                    workflow: item["workflow"]?.stringValue, host: item["host"]?.stringValue,
                    methods: item["methods"]?.arrayValue?.compactMap(\.stringValue),
                    purpose: item["purpose"]?.stringValue ?? ""))
        }
        return PermissionSet(permissions)
    }

    static func document(_ permissions: some Sequence<Permission>) -> JSONValue {
        .array(
            permissions.map { permission in
                var members: [String: JSONValue] = [
                    "operation": .string(permission.operation.rawValue),
                    "purpose": .string(permission.purpose),
                ]
                members["entity"] = permission.entity.map(JSONValue.string)
                members["workflow"] = permission.workflow.map(JSONValue.string)
                members["host"] = permission.host.map(JSONValue.string)
                members["methods"] = permission.methods.map { .array($0.map(JSONValue.string)) }
                return .object(members)
            })
    }
}
