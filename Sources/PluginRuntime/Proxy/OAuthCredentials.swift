import FoundationEssentials
import Marketplace

/// Keeps OAuth 2 tokens for installations: gives out the access token, refreshes it before it ends or when the vendor
/// refuses it, and keeps the rotated refresh token sealed. Tokens never reach the sandbox.
///
/// The secret that a customer sets is a JSON object `{tokenEndpoint, clientId, clientSecret, refreshToken}`, with
/// `accessToken` and `expiresAt` (RFC 3339) where they are known.
actor OAuthCredentials {
    /// Where rotated tokens are kept, sealed.
    protocol Store: Sendable {
        func token(_ name: String, of plugin: InstalledPlugin) async -> JSONValue?
        func keep(_ token: JSONValue, _ name: String, of plugin: InstalledPlugin) async throws(OperationError)
    }

    private struct Key: Hashable {
        let installation: String
        let name: String
    }

    private let store: any Store
    private let clock: RuntimeClock
    private var tokens: [Key: JSONValue] = [:]
    private var refreshing: [Key: Task<Result<JSONValue, OperationError>, Never>] = [:]

    init(store: any Store, clock: RuntimeClock) {
        self.store = store
        self.clock = clock
    }

    /// The access token, refreshed where it has ended or `refresh` asks for it. Callers that come together share one
    /// refresh: a refresh token that rotates may be used once.
    func accessToken(
        _ name: String, initial: String, of plugin: InstalledPlugin, refresh: Bool, by fetcher: FetchClient,
        deadline: ContinuousClock.Instant
    ) async throws(OperationError) -> String {
        let key = Key(installation: plugin.installation, name: name)
        var token: JSONValue
        if let known = tokens[key] {
            token = known
        } else {
            let kept = await store.token(name, of: plugin)
            guard let first = kept ?? (try? JSONValue.parse(initial)), first.objectValue != nil else {
                throw OperationError(code: "invalid", message: "the secret \(name) is no OAuth credential")
            }
            token = first
        }
        let ends = token["expiresAt"]?.stringValue.flatMap { Instant($0) }
        let isOver = ends.map { $0 < clock.now().adding(seconds: 30) } ?? false
        if refresh || isOver || token["accessToken"]?.stringValue == nil {
            token = try await renew(key, token, plugin, fetcher, deadline)
        }
        tokens[key] = token
        guard let access = token["accessToken"]?.stringValue else {
            throw OperationError(code: "upstream", message: "the token endpoint gave no access token")
        }
        return access
    }

    private func renew(
        _ key: Key, _ token: JSONValue, _ plugin: InstalledPlugin, _ fetcher: FetchClient,
        _ deadline: ContinuousClock.Instant
    ) async throws(OperationError) -> JSONValue {
        if let running = refreshing[key] { return try await running.value.get() }
        let now = clock.now()
        let task = Task { () -> Result<JSONValue, OperationError> in
            do throws(OperationError) {
                return .success(try await Self.ask(token, plugin, fetcher, deadline, now))
            } catch {
                return .failure(error)
            }
        }
        refreshing[key] = task
        defer { refreshing[key] = nil }
        let fresh = try await task.value.get()
        try await store.keep(fresh, key.name, of: plugin)
        tokens[key] = fresh
        return fresh
    }

    private static func ask(
        _ token: JSONValue, _ plugin: InstalledPlugin, _ fetcher: FetchClient,
        _ deadline: ContinuousClock.Instant,
        _ now: Instant
    ) async throws(OperationError) -> JSONValue {
        guard var members = token.objectValue, let endpoint = members["tokenEndpoint"]?.stringValue,
            let refreshToken = members["refreshToken"]?.stringValue
        else {
            throw OperationError(
                code: "invalid", message: "the credential names no token endpoint or refresh token")
        }
        let request = OperationRequest(
            name: "fetch", arguments: ["url": .string(endpoint), "method": "POST"])
        guard plugin.accepted.allows(request) else {
            throw OperationError(
                code: "denied", message: "the token endpoint is not among the accepted hosts")
        }
        let form = "grant_type=refresh_token&refresh_token=" + PercentEncoding.encode(refreshToken)
        let client = "\(members["clientId"]?.stringValue ?? ""):\(members["clientSecret"]?.stringValue ?? "")"
        let prepared = try PreparedFetch(
            [
                "url": .string(endpoint), "method": "POST", "body": .string(form),
                "headers": [
                    "content-type": "application/x-www-form-urlencoded", "accept": "application/json",
                ],
            ], secrets: SecretVault([:]), authorization: "Basic \(Data(client.utf8).base64EncodedString())")
        let answer = try await fetcher.send(prepared, deadline: deadline)
        guard answer.status == 200, let given = try? JSONValue.parse(answer.body),
            let access = given["access_token"]?.stringValue
        else {
            throw OperationError(
                code: "denied", message: "the token endpoint refused the refresh (\(answer.status))")
        }
        members["accessToken"] = .string(access)
        if let rotated = given["refresh_token"]?.stringValue { members["refreshToken"] = .string(rotated) }
        let seconds = given["expires_in"]?.integerValue ?? 3600
        members["expiresAt"] = .string(now.adding(seconds: seconds).description)
        return .object(members)
    }

    /// Forgets what is held for an installation.
    func forget(_ installation: String) {
        tokens = tokens.filter { $0.key.installation != installation }
    }
}
