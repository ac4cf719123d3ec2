import Accounts
import Billing
import Marketplace
import Metering
import Provenance
import Registry

/// What a publisher does through the API besides submitting: registering, managing versions, reading payouts.
struct PublisherEndpoints: Sendable {
    let registry: Registry
    let books: AccountBooks
    let clock: RuntimeClock
    let audit: AuditLog
    let node: String
    /// Strangers may register; not all at once.
    private let registrations = RateLimiter<String>()

    init(registry: Registry, books: AccountBooks, clock: RuntimeClock, audit: AuditLog, node: String) {
        self.registry = registry
        self.books = books
        self.clock = clock
        self.audit = audit
        self.node = node
    }

    var all: [Endpoint] { [register, manage, payouts] }

    private static let registrationRate = TokenBucket.Rate(perSecond: 0.2, burst: 20)

    /// An Ed25519 key alone, or as a SubjectPublicKeyInfo whose first 12 bytes say that it is one.
    private static let keyPattern = {
        let end = "[ \\t]*\\r?\\n"
        let pem =
            "-----BEGIN PUBLIC KEY-----\(end)MCowBQYDK2VwAyEA[A-Za-z0-9+/]{42}[AEIMQUYcgkosw048]=\(end)"
            + "-----END PUBLIC KEY-----"
        return "^[ \\t\\r\\n]*([0-9a-fA-F]{64}|\(pem))[ \\t\\r\\n]*$"
    }()

    private var register: Endpoint {
        Endpoint(
            method: "POST", path: "/v1/publishers", id: "registerPublisher",
            summary: "Registers a publisher with its first key; the token in the answer is shown once",
            access: .open,
            body: .json(
                Schemas.object(
                    [
                        "id": Schemas.text(
                            "stays for ever", max: 40, pattern: "^[a-z](-?[a-z0-9])+$"),
                        "name": Schemas.text("as customers read it"),
                        "email": Schemas.text(
                            "where the marketplace writes to", max: 254, pattern: "^[!-?A-~]+@[!-?A-~]+$"),
                        "country": Schemas.text("ISO 3166, two letters", max: 2, pattern: "^[A-Z]{2}$"),
                        "currency": [
                            "type": "string", "description": "of payouts, ISO 4217",
                            "enum": .array(Currency.codes.map(JSONValue.string)),
                        ],
                        "key": Schemas.text(
                            "the public key, as `veroforge plugin new` shows it: PEM or 64 hexadecimal digits",
                            max: 512, pattern: Self.keyPattern),
                    ], required: ["id", "name", "email", "country", "currency", "key"]), bytesMax: 16_384),
            success: Endpoint.Success(
                status: 201, description: "Registered; its name is not verified yet",
                schema: Schemas.object(
                    ["id": ["type": "string"], "token": ["type": "string"]], required: ["id", "token"]))
        ) { [registry, clock, registrations] asked throws(RuntimeError) in
            if case .wait = registrations.take("register", Self.registrationRate) {
                throw RuntimeError(
                    .rateLimited, "publishers", "too many are registering", retryAfterSeconds: 5)
            }
            func text(_ name: String) -> String { asked.json[name]?.stringValue ?? "" }
            guard let id = PublisherID(text("id")) else {
                throw RuntimeError(.invalid, "id", "has lower-case letters, digits and inner hyphens")
            }
            guard let currency = Currency(text("currency")) else {
                throw RuntimeError(.invalid, "currency", "\(text("currency")) is no currency")
            }
            guard text("email").contains("@") else { throw RuntimeError(.invalid, "email", "is no address") }
            let key: VerifyingKey
            do { key = try VerifyingKey(text: text("key").trimmingSpaces) } catch {
                throw RuntimeError(.invalid, "key", "is no public key: \(error)")
            }
            let (name, email, country) = (text("name"), text("email"), text("country"))
            let now = clock.now()
            let token = try await blocking { () -> String in
                try registry.registerPublisher(
                    id, name: name, email: email, country: country, currency: currency, key: key, now: now)
                return try registry.issueToken(for: .publisher(id), now: now).token
            }
            try note("register", "\(id)", id.text, now)
            return .json(["id": .string(id.text), "token": .string(token)], status: 201)
        }
    }

    private static let version = Schemas.object(
        [
            "plugin": ["type": "string"], "version": Schemas.version,
            "state": ["type": "string", "enum": ["listed", "deprecated", "yanked", "revoked"]],
            "channel": ["type": "string"], "rolloutPercent": ["type": "integer"], "listedAt": Schemas.time,
            "reason": ["type": ["string", "null"]], "sha256": ["type": "string"],
        ], required: ["plugin", "version", "state", "channel", "listedAt", "sha256"])

    private static func document(_ version: ListedVersion) -> JSONValue {
        let state =
            version.revocation != nil
            ? "revoked"
            : version.yankedAt != nil ? "yanked" : version.deprecated != nil ? "deprecated" : "listed"
        let reason = version.revocation?.reason ?? version.yankReason ?? version.deprecated
        return [
            "plugin": .string(version.plugin.text), "version": .string(version.version.description),
            "state": .string(state), "channel": .string(version.channel.rawValue),
            "rolloutPercent": .integer(Int64(version.rolloutPercent)),
            "listedAt": .string(version.listedAt.description),
            "reason": reason.map(JSONValue.string) ?? .null, "sha256": .string(version.bundle.hex),
        ]
    }

    private var manage: Endpoint {
        Endpoint(
            method: "POST", path: "/v1/publishers/{publisher}/versions", id: "changeVersion",
            summary:
                "Deprecates, yanks or puts back a version, or moves it to a channel and a share of customers",
            access: .publisher,
            body: .json(
                Schemas.object(
                    [
                        "plugin": Schemas.text("publisher.name"), "version": Schemas.version,
                        "change": ["type": "string", "enum": ["deprecate", "yank", "restore", "channel"]],
                        "reason": Schemas.text("customers read it", max: 1_000, min: 0),
                        "channel": ["type": "string", "enum": ["stable", "beta"]],
                        "rolloutPercent": ["type": "integer", "minimum": 0, "maximum": 100],
                    ], required: ["plugin", "version", "change"])),
            success: Endpoint.Success(description: "The version", schema: Self.version), repeatable: true
        ) { [registry, clock] asked throws(RuntimeError) in
            let publisher = try asked.publisher()
            let version = try asked.version(asked.json["version"]?.stringValue)
            // Another publisher's plugin is not there for this one.
            guard let plugin = asked.json["plugin"]?.stringValue.flatMap({ PluginID($0) }),
                plugin.publisher == publisher
            else {
                throw RuntimeError(
                    .notFound, asked.json["plugin"]?.stringValue ?? "plugin", "is no plugin of yours")
            }
            let reason = asked.json["reason"]?.stringValue ?? ""
            let change = asked.json["change"]?.stringValue ?? ""
            let channel = asked.json["channel"]?.stringValue.flatMap { Channel(rawValue: $0) } ?? .stable
            let percent = Int(asked.json["rolloutPercent"]?.integerValue ?? 100)
            guard change == "channel" || !reason.isEmpty else {
                throw RuntimeError(.invalid, "reason", "is needed: customers ask why")
            }
            let now = clock.now()
            let actor = "publisher:\(publisher)"
            let row = try await blocking { () -> ListedVersion in
                switch change {
                case "deprecate": try registry.deprecate(plugin, version, message: reason)
                case "yank": try registry.yank(plugin, version, reason: reason, actor: actor, now: now)
                case "restore": try registry.restore(plugin, version, reason: reason, actor: actor, now: now)
                default:
                    try registry.setChannel(
                        plugin, version, channel: channel, rolloutPercent: percent, now: now)
                }
                return try registry.version(plugin, version)
            }
            try note(change, "\(plugin)@\(version)", publisher.text, now)
            return .json(Self.document(row))
        }
    }

    private var payouts: Endpoint {
        Endpoint(
            method: "GET", path: "/v1/publishers/{publisher}/payouts", id: "listPayouts",
            summary: "The publisher's payout statements, newest first", access: .publisher,
            success: Endpoint.Success(
                description: "The statements as they were sent",
                schema: Schemas.object(
                    ["payouts": Schemas.list(["type": "object"], max: 10_000)], required: ["payouts"]))
        ) { [books] asked throws(RuntimeError) in
            let publisher = try asked.publisher()
            let rows = try await BooksWork.run { try books.statements(of: publisher).map(\.value) }
            return .json(["payouts": .array(try rows.map(BooksWork.document))])
        }
    }

    private func note(_ act: String, _ subject: String, _ publisher: String, _ now: Instant)
        throws(RuntimeError)
    {
        try audit.append(
            AuditLine(
                time: now, node: node, actor: "publisher:\(publisher)", act: act, subject: subject,
                outcome: "ok"))
    }
}
