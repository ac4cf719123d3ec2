import FoundationEssentials
import Marketplace
import Provenance

/// The one way out of the sandbox: every operation of a plugin passes here, is checked against what the customer has
/// accepted, limited, carried out with the tenant's own credential, audited and counted.
///
/// Nothing that the plugin sends says for whom it acts: tenant, application, credential and secrets come from the
/// installation that the runner was started for.
final class APIProxy: Sendable {
    /// Rates and sizes, from the configuration.
    struct Settings: Sendable {
        var tenantRate = TokenBucket.Rate(perSecond: 2_000, burst: 4_000)
        var pluginRate = TokenBucket.Rate(perSecond: 500, burst: 1_000)
        var operationRate = TokenBucket.Rate(perSecond: 200, burst: 400)
    }

    private struct RateKey: Hashable, Sendable {
        let tenant: TenantID
        var plugin: PluginID?
        var operation: String?
    }

    private let settings: Settings
    private let applications: ApplicationClient
    private let fetcher: FetchClient
    private let credentials: OAuthCredentials
    private let storage: any InstallationStorage
    private let audit: AuditLog
    private let clock: RuntimeClock
    private let node: String
    private let metrics: RuntimeMetrics
    private let limiter = RateLimiter<RateKey>()
    private let bandwidth = RateLimiter<String>()

    init(
        settings: Settings, applications: ApplicationClient, fetcher: FetchClient,
        credentials: OAuthCredentials,
        storage: any InstallationStorage, audit: AuditLog, clock: RuntimeClock, node: String,
        metrics: RuntimeMetrics
    ) {
        self.settings = settings
        self.applications = applications
        self.fetcher = fetcher
        self.credentials = credentials
        self.storage = storage
        self.audit = audit
        self.clock = clock
        self.node = node
        self.metrics = metrics
    }

    /// Carries out one operation of a running call. Whatever happens, one line stands in the audit log before the
    /// plugin hears of it; where the line cannot be written, the operation has not taken place for the plugin.
    func perform(_ request: OperationRequest, in call: CallContext) async -> OperationOutcome {
        let begin = ContinuousClock.now
        call.waits(true)
        defer { call.waits(false) }
        let number = call.count { counters in
            counters.begun += 1
            return counters.begun
        }
        let isAway = Self.away.contains(request.name)
        if isAway { call.turn?.leave() }
        var outcome: OperationOutcome
        do throws(OperationError) {
            try admit(request, call)
            outcome = .success(try await carryOut(request, number, call))
            if OperationName.needingPermission.contains(request.name) { call.count { $0.apiCalls += 1 } }
        } catch {
            outcome = .failure(error)
        }
        let took = begin.duration(to: .now)
        if isAway { await call.turn?.comeBack() }
        metrics.operation(request.name, outcome: Self.word(outcome), took: took)
        do {
            try audit.append(line(request, outcome, took, call))
        } catch {
            outcome = .failure(
                OperationError(code: "unavailable", message: "the operation cannot be audited"))
        }
        return outcome
    }

    /// Operations in which the call waits for an application, a vendor or the disk.
    private static let away: Set<String> = [
        "readData", "writeData", "triggerWorkflow", "fetch", "storage.get", "storage.set", "storage.delete",
        "storage.list",
    ]

    static func word(_ outcome: OperationOutcome) -> String {
        if case .failure(let error) = outcome { error.code } else { "ok" }
    }

    private func line(
        _ request: OperationRequest, _ outcome: OperationOutcome, _ took: Duration, _ call: CallContext
    ) -> AuditLine {
        AuditLine(
            time: clock.now(), node: node, actor: "plugin", tenant: call.plugin.tenant,
            installation: call.plugin.installation, plugin: call.plugin.plugin, version: call.plugin.version,
            act: request.name, subject: Self.subject(request), outcome: Self.word(outcome),
            milliseconds: took.wholeMilliseconds, call: call.id)
    }

    /// What the operation is about, without anything of its payload: for `fetch` the host alone.
    static func subject(_ request: OperationRequest) -> String {
        let arguments = request.arguments
        let text: String? =
            switch request.name {
            case "readData", "writeData": arguments["entity"]?.stringValue
            case "triggerWorkflow": arguments["workflow"]?.stringValue
            case "fetch":
                arguments["url"]?.stringValue.flatMap(Permission.host(ofURL:)).map {
                    "\(arguments["method"]?.stringValue?.uppercased() ?? "GET") \($0)"
                }
            case "secret": arguments["name"]?.stringValue
            case "crypto.sign", "crypto.verifyHmac": arguments["secret"]?.stringValue
            default: nil
            }
        return String((text ?? "").prefix(256))
    }

    // MARK: Checking

    private func admit(_ request: OperationRequest, _ call: CallContext) throws(OperationError) {
        guard call.plugin.accepted.allows(request) else {
            throw OperationError(
                code: "denied",
                message:
                    "\(request.name) \(Self.subject(request)) is not among the permissions that were accepted"
            )
        }
        guard call.deadline > .now else {
            throw OperationError(code: "timeout", message: "the call's time is over")
        }
        let tenant = call.plugin.tenant
        let plugin = call.plugin.plugin
        let wait = [
            (RateKey(tenant: tenant), settings.tenantRate),
            (RateKey(tenant: tenant, plugin: plugin), settings.pluginRate),
            (RateKey(tenant: tenant, plugin: plugin, operation: request.name), settings.operationRate),
        ].lazy.compactMap { [limiter] key, rate -> Double? in
            if case .wait(let seconds) = limiter.take(key, rate) { seconds } else { nil }
        }.first
        if let wait {
            metrics.rateLimited(request.name)
            throw OperationError(
                code: "rateLimited",
                message: "too many operations; try again in \(Int((wait * 1000).rounded(.up))) ms")
        }
    }

    // MARK: Carrying out

    private func carryOut(
        _ request: OperationRequest, _ number: Int64, _ call: CallContext
    ) async throws(OperationError) -> JSONValue {
        let arguments = request.arguments
        switch request.name {
        case "readData", "writeData", "triggerWorkflow":
            return try await applications.perform(
                CheckedOperation(request), on: call.plugin.application, key: "\(call.id)-\(number)",
                deadline: call.deadline)
        case "fetch": return try await fetch(arguments, call)
        case "secret":
            guard let name = arguments["name"]?.stringValue, call.plugin.secrets[name] != nil else {
                throw OperationError(code: "denied", message: "the secret is not set for this installation")
            }
            return .string("\(SecretVault.markStart)\(name)}}")
        case "crypto.sign", "crypto.verifyHmac": return try sign(request.name, arguments, call)
        case "storage.get", "storage.set", "storage.delete", "storage.list":
            return try await store(request.name, arguments, call)
        case "usage.report":
            try report(arguments, call)
            return .null
        default: throw OperationError(code: "invalid", message: "there is no operation \(request.name)")
        }
    }

    private func fetch(_ arguments: JSONValue, _ call: CallContext) async throws(OperationError) -> JSONValue
    {
        let authorization = try await authorization(arguments["auth"] ?? .null, call, refreshed: false)
        var prepared = try PreparedFetch(
            arguments, secrets: call.plugin.secrets, authorization: authorization)
        try await spendEgress(prepared, call)
        var answer = try await fetcher.send(prepared, deadline: call.deadline)
        if answer.status == 401, arguments["auth"]?["oauth"] != nil {
            // The token may have been taken back before its time: once with a new one.
            let fresh = try await self.authorization(arguments["auth"] ?? .null, call, refreshed: true)
            prepared = try PreparedFetch(arguments, secrets: call.plugin.secrets, authorization: fresh)
            try await spendEgress(prepared, call)
            answer = try await fetcher.send(prepared, deadline: call.deadline)
        }
        var hidden = call.plugin.secrets
        if let authorization { hidden = hidden.hiding(authorization) }
        var shown: [String: JSONValue] = [:]
        for (name, value) in answer.headers where HeaderPolicy.isShown(name) {
            shown[name] = .string(hidden.scrub(value))
        }
        let body = hidden.scrub(answer.body)
        var result: [String: JSONValue] = [
            "status": .integer(Int64(answer.status)), "headers": .object(shown),
        ]
        if let text = String(validating: body, as: UTF8.self) {
            result["body"] = .string(text)
        } else {
            result["body"] = .string(Data(body).base64EncodedString())
            result["bodyEncoding"] = "base64"
        }
        return .object(result)
    }

    /// The `Authorization` header that `auth` asks for.
    private func authorization(
        _ auth: JSONValue, _ call: CallContext, refreshed: Bool
    ) async throws(OperationError) -> String? {
        guard let members = auth.objectValue else { return nil }
        guard members.count == 1, let (scheme, value) = members.first, let name = value.stringValue else {
            throw OperationError(
                code: "invalid", message: "auth is one of {bearer}, {basic}, {oauth} with a secret's name")
        }
        guard let secret = call.plugin.secrets[name] else {
            throw OperationError(
                code: "denied", message: "the secret \(name) is not set for this installation")
        }
        switch scheme {
        case "bearer": return "Bearer \(secret)"
        case "basic": return "Basic \(Data(secret.utf8).base64EncodedString())"
        case "oauth":
            return "Bearer "
                + (try await credentials.accessToken(
                    name, initial: secret, of: call.plugin, refresh: refreshed, by: fetcher,
                    deadline: call.deadline))
        default:
            throw OperationError(code: "invalid", message: "auth is one of bearer, basic, oauth")
        }
    }

    private func spendEgress(_ fetch: PreparedFetch, _ call: CallContext) async throws(OperationError) {
        let bytes = Int64(fetch.egressBytes)
        let limits = call.plugin.limits
        let fits = call.count { counters in
            counters.egressBytes += bytes
            return counters.egressBytes <= limits.egressBytes
        }
        guard fits else {
            throw OperationError(
                code: "limit", message: "egress: more than \(limits.egressBytes) bytes in one call")
        }
        let perSecond = Double(limits.egressBytesPerSecond)
        let wait = bandwidth.borrow(
            call.plugin.installation, TokenBucket.Rate(perSecond: perSecond, burst: perSecond), Double(bytes))
        if wait > 0 {
            guard ContinuousClock.now + .seconds(wait) < call.deadline else {
                throw OperationError(
                    code: "limit", message: "egress: more than \(limits.egressBytesPerSecond) bytes a second")
            }
            try? await Task.sleep(for: .seconds(wait))
        }
    }

    private func sign(
        _ name: String, _ arguments: JSONValue, _ call: CallContext
    ) throws(OperationError) -> JSONValue {
        guard let secret = arguments["secret"]?.stringValue,
            let algorithm = arguments["algorithm"]?.stringValue,
            let data = arguments["data"]?.stringValue.flatMap({ Data(base64Encoded: $0) })
        else {
            throw OperationError(code: "invalid", message: "\(name) takes secret, algorithm and base64 data")
        }
        let code = try call.plugin.secrets.sign(secret, algorithm: algorithm, Array(data))
        let asBase64 = arguments["encoding"]?.stringValue == "base64"
        if name == "crypto.sign" {
            return ["signature": .string(asBase64 ? Data(code).base64EncodedString() : Hex.encode(code))]
        }
        let given = arguments["signature"]?.stringValue ?? ""
        let bytes = asBase64 ? Data(base64Encoded: given).map { Array($0) } : Hex.decode(given.lowercased())
        return ["valid": .bool(bytes.map { constantTimeEquals($0, code) } ?? false)]
    }

    private func store(
        _ name: String, _ arguments: JSONValue, _ call: CallContext
    ) async throws(OperationError) -> JSONValue {
        if name == "storage.list" {
            let keys = try await storage.keys(prefix: arguments["prefix"]?.stringValue ?? "", of: call.plugin)
            return ["keys": .array(keys.map(JSONValue.string))]
        }
        guard let key = arguments["key"]?.stringValue, !key.isEmpty, key.utf8.count <= 512 else {
            throw OperationError(code: "invalid", message: "a storage key has 1 to 512 bytes")
        }
        switch name {
        case "storage.get":
            guard let bytes = try await storage.value(key, of: call.plugin) else { return .null }
            return ["value": (try? JSONValue.parse(bytes)) ?? .null]
        case "storage.set":
            let value = (arguments["value"] ?? .null).serializedBytes()
            try await storage.set(value, key, of: call.plugin)
        default: try await storage.set(nil, key, of: call.plugin)
        }
        return .null
    }

    /// Notes an amount for percentage pricing; it counts once the call has succeeded.
    private func report(_ arguments: JSONValue, _ call: CallContext) throws(OperationError) {
        let pricing = call.plugin.manifest.pricing
        let charge = pricing.plan(call.plugin.plan)?.charges?.first { $0.scheme == .percentage }
        guard let charge else {
            throw OperationError(
                code: "denied", message: "the plan \(call.plugin.plan) has no percentage charge")
        }
        guard let text = arguments["amount"]?.stringValue,
            let currency = arguments["currency"]?.stringValue.flatMap({ Currency($0) }),
            currency == pricing.currency,
            let amount = Money(text, currency), amount.minor >= 0
        else {
            throw OperationError(
                code: "invalid", message: "usage.report takes a decimal amount in \(pricing.currency)")
        }
        if let most = charge.reportedMax.flatMap({ Money($0, currency) }), amount.minor > most.minor {
            throw OperationError(code: "limit", message: "one report carries at most \(most)")
        }
        let taken = call.count { counters in
            guard counters.amounts.count < 100 else { return false }
            counters.amounts.append(amount)
            return true
        }
        if !taken { throw OperationError(code: "limit", message: "one call reports at most 100 amounts") }
    }
}

/// The key-value store of an installation.
protocol InstallationStorage: Sendable {
    func value(_ key: String, of plugin: InstalledPlugin) async throws(OperationError) -> [UInt8]?
    /// Stores within the manifest's quota; nil deletes.
    func set(_ value: [UInt8]?, _ key: String, of plugin: InstalledPlugin) async throws(OperationError)
    func keys(prefix: String, of plugin: InstalledPlugin) async throws(OperationError) -> [String]
}
