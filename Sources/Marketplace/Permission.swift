/// One thing a plugin may touch in its customer's application or outside it, with the publisher's reason.
public struct Permission: Hashable, Sendable, Codable, Comparable, CustomStringConvertible {
    public enum Operation: String, Hashable, Sendable, Codable, CaseIterable, Comparable {
        case readData, writeData, triggerWorkflow, fetch
        public static func < (a: Operation, b: Operation) -> Bool { a.rawValue < b.rawValue }
    }

    public let operation: Operation
    /// For `readData` and `writeData`; `*` is every entity.
    public let entity: String?
    /// For `triggerWorkflow`; `*` is every workflow.
    public let workflow: String?
    /// For `fetch`: a host name in lower case, or `*.` before a domain for its subdomains.
    public let host: String?
    /// For `fetch`: upper case, sorted; `GET` where the manifest names none.
    public let methods: [String]?
    /// In the publisher's words, for the customer who consents.
    public let purpose: String

    public init(
        operation: Operation, entity: String? = nil, workflow: String? = nil, host: String? = nil,
        methods: [String]? = nil, purpose: String
    ) {
        self.operation = operation
        self.entity = entity
        self.workflow = workflow
        self.host = host?.lowercased()
        self.methods =
            operation == .fetch ? Array(Set(methods?.map { $0.uppercased() } ?? ["GET"])).sorted() : nil
        self.purpose = purpose
    }

    public init(from decoder: any Decoder) throws {
        let container = try decoder.container(keyedBy: CodingKeys.self)
        self.init(
            operation: try container.decode(Operation.self, forKey: .operation),
            entity: try container.decodeIfPresent(String.self, forKey: .entity),
            workflow: try container.decodeIfPresent(String.self, forKey: .workflow),
            host: try container.decodeIfPresent(String.self, forKey: .host),
            methods: try container.decodeIfPresent([String].self, forKey: .methods),
            purpose: try container.decode(String.self, forKey: .purpose))
    }

    /// The single thing that the operation is about: entity, workflow or host.
    public var target: String { entity ?? workflow ?? host ?? "*" }

    /// `readData invoices`, `fetch api.stripe.com GET POST`: how a permission is named in reports and on consent.
    public var description: String {
        ([operation.rawValue, target] + (methods ?? [])).joined(separator: " ")
    }

    /// What it means for the customer.
    public var plainWords: String {
        let all = target == "*"
        return switch operation {
        case .readData: all ? "Read all of your data" : "Read your \(target)"
        case .writeData: all ? "Create and change all of your data" : "Create and change your \(target)"
        case .triggerWorkflow: all ? "Start any of your workflows" : "Start your workflow “\(target)”"
        case .fetch:
            (methods ?? []).allSatisfy { ["GET", "HEAD", "OPTIONS"].contains($0) }
                ? "Fetch from \(target)" : "Exchange data with \(target)"
        }
    }

    public static func < (a: Permission, b: Permission) -> Bool {
        (a.operation, a.target, a.methods?.joined() ?? "") < (
            b.operation, b.target, b.methods?.joined() ?? ""
        )
    }

    /// Whether everything that `other` grants is granted by this one; the purpose grants nothing.
    public func covers(_ other: Permission) -> Bool {
        guard operation == other.operation else { return false }
        guard operation == .fetch else { return target == "*" || target == other.target }
        guard Set(other.methods ?? []).isSubset(of: methods ?? []) else { return false }
        return Permission.host(target, covers: other.target)
    }

    /// `*.example.com` stands for one or more labels before `.example.com`, not for `example.com` itself.
    static func host(_ pattern: String, covers host: String) -> Bool {
        if pattern == host { return true }
        guard pattern.hasPrefix("*.") else { return false }
        let suffix = pattern.dropFirst(1)
        if host.hasPrefix("*.") { return host.dropFirst(1).hasSuffix(suffix) }
        return host.hasSuffix(suffix) && host.utf8.count > suffix.utf8.count
    }
}

/// What a plugin may do: the grants of a manifest, of an acceptance, or of a trial's observations.
public struct PermissionSet: Hashable, Sendable, Codable {
    /// Sorted, without duplicates.
    public let permissions: [Permission]

    public init(_ permissions: some Sequence<Permission>) {
        self.permissions = Array(Set(permissions)).sorted()
    }

    public init(from decoder: any Decoder) throws {
        self.init(try decoder.singleValueContainer().decode([Permission].self))
    }

    public func encode(to encoder: any Encoder) throws {
        var container = encoder.singleValueContainer()
        try container.encode(permissions)
    }

    public var isEmpty: Bool { permissions.isEmpty }

    /// Whether one permission here covers all of `permission`. A `fetch` with several methods may be covered by
    /// several permissions together, method by method.
    public func covers(_ permission: Permission) -> Bool {
        if permissions.contains(where: { $0.covers(permission) }) { return true }
        guard permission.operation == .fetch, let methods = permission.methods else { return false }
        return methods.allSatisfy { method in
            let one = Permission(operation: .fetch, host: permission.host, methods: [method], purpose: "")
            return permissions.contains { $0.covers(one) }
        }
    }

    /// Whether everything granted here is granted there: the rule of silent updates.
    public func isSubset(of other: PermissionSet) -> Bool { permissions.allSatisfy(other.covers) }

    /// What is granted here and not there.
    public func exceeding(_ other: PermissionSet) -> [Permission] { permissions.filter { !other.covers($0) } }

    /// Whether the request is allowed; operations on the installation's own things always are.
    public func allows(_ request: OperationRequest) -> Bool {
        if OperationName.ofTheInstallation.contains(request.name) { return true }
        guard let needed = Permission(needed: request) else { return false }
        return covers(needed)
    }
}

extension Permission {
    /// The least permission that a request needs; `nil` if its arguments do not say what it is about.
    public init?(needed request: OperationRequest) {
        let arguments = request.arguments
        switch Operation(rawValue: request.name) {
        case .readData:
            guard let entity = arguments["entity"]?.stringValue, entity != "*" else { return nil }
            self.init(operation: .readData, entity: entity, purpose: "")
        case .writeData:
            guard let entity = arguments["entity"]?.stringValue, entity != "*" else { return nil }
            self.init(operation: .writeData, entity: entity, purpose: "")
        case .triggerWorkflow:
            guard let workflow = arguments["workflow"]?.stringValue, workflow != "*" else { return nil }
            self.init(operation: .triggerWorkflow, workflow: workflow, purpose: "")
        case .fetch:
            guard let url = arguments["url"]?.stringValue, let host = Permission.host(ofURL: url) else {
                return nil
            }
            let method = arguments["method"]?.stringValue ?? "GET"
            self.init(operation: .fetch, host: host, methods: [method], purpose: "")
        case nil: return nil
        }
    }

    /// The host of an `https://host[:port]/…` URL in lower case. Deliberately narrow: no user information, no
    /// brackets, no percent signs, no back-slashes; what we cannot read the same way as a client is refused.
    public static func host(ofURL url: String) -> String? {
        let lower = url.lowercased()
        guard let scheme = ["https://", "http://"].first(where: lower.hasPrefix) else { return nil }
        let rest = lower.dropFirst(scheme.count)
        let authority = rest.prefix { $0 != "/" && $0 != "?" && $0 != "#" }
        let parts = authority.split(separator: ":", omittingEmptySubsequences: false)
        guard parts.count <= 2, let host = parts.first, !host.isEmpty,
            host.utf8.allSatisfy({ unit in
                IdentifierRule.isLetter(unit) || IdentifierRule.isDigit(unit) || unit == UInt8(ascii: "-")
                    || unit == UInt8(ascii: ".")
            }),
            parts.count == 1 || UInt16(parts[1]) != nil
        else { return nil }
        return String(host)
    }
}
