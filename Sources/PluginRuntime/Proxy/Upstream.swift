import AsyncHTTPClient
import Marketplace
import NIOCore
import NIOHTTP1
import NIOSSL
import Synchronization

/// A plain HTTP exchange with an application or a vendor.
struct UpstreamAnswer: Sendable {
    let status: Int
    /// Names in lower case, values of one name joined.
    let headers: [String: String]
    let body: [UInt8]
}

enum Upstream {
    /// Carries out one request; redirects are answers like any other.
    ///
    /// - Throws: `timeout`, `unavailable`, or `limit` when the answer is larger than `answerBytesMax`.
    static func send(
        _ request: HTTPClientRequest, by client: HTTPClient, deadline: ContinuousClock.Instant,
        answerBytesMax: Int
    ) async throws(OperationError) -> UpstreamAnswer {
        let left = ContinuousClock.now.duration(to: deadline)
        guard left > .zero else {
            throw OperationError(code: "timeout", message: "no time is left for the request")
        }
        do {
            let response = try await client.execute(
                request, deadline: .now() + .nanoseconds(Int64(left.seconds * 1e9)))
            var body = response.body.makeAsyncIterator()
            var bytes: [UInt8] = []
            while let part = try await body.next() {
                guard bytes.count + part.readableBytes <= answerBytesMax else {
                    throw OperationError(
                        code: "limit", message: "the answer is larger than \(answerBytesMax) bytes")
                }
                bytes.append(contentsOf: part.readableBytesView)
            }
            var headers: [String: String] = [:]
            for header in response.headers {
                let name = header.name.lowercased()
                headers[name] = headers[name].map { "\($0), \(header.value)" } ?? header.value
            }
            return UpstreamAnswer(status: Int(response.status.code), headers: headers, body: bytes)
        } catch let error as OperationError {
            throw error
        } catch let error as HTTPClientError {
            let late: [HTTPClientError] = [.deadlineExceeded, .connectTimeout, .readTimeout, .writeTimeout]
            throw OperationError(
                code: late.contains(error) ? "timeout" : "unavailable", message: error.shortDescription)
        } catch is CancellationError {
            throw OperationError(code: "timeout", message: "the call was given up")
        } catch {
            throw OperationError(code: "unavailable", message: "no connection could be made")
        }
    }

    /// The client for applications: it trusts the certificates of a PEM file beside the system's.
    static func client(trusting path: String?) throws(RuntimeError) -> HTTPClient {
        guard let path else { return client() }
        do {
            return client(roots: try NIOSSLCertificate.fromPEMFile(path))
        } catch {
            throw RuntimeError(.configuration, path, "holds no PEM certificates: \(error)")
        }
    }

    /// A client that follows no redirect and verifies certificates.
    static func client(
        addressOf host: String? = nil, at address: String? = nil, roots: [NIOSSLCertificate] = []
    ) -> HTTPClient {
        var configuration = HTTPClient.Configuration(
            redirectConfiguration: .disallow,
            timeout: HTTPClient.Configuration.Timeout(connect: .seconds(5)))
        configuration.connectionPool.concurrentHTTP1ConnectionsPerHostSoftLimit = 64
        configuration.connectionPool.retryConnectionEstablishment = false
        if !roots.isEmpty {
            var tls = TLSConfiguration.makeClientConfiguration()
            tls.additionalTrustRoots = [.certificates(roots)]
            configuration.tlsConfiguration = tls
        }
        if let host, let address { configuration.dnsOverride = [host: address] }
        return HTTPClient(eventLoopGroupProvider: .singleton, configuration: configuration)
    }
}

/// Clients that each connect to one checked address of one host, kept for as long as the check stands.
final class PinnedClients: Sendable {
    private struct Key: Hashable {
        let host: String
        let address: String
    }
    private struct Entry {
        let client: HTTPClient
        var users: Int
        var lastUse: ContinuousClock.Instant
    }

    private let entries = Mutex<[Key: Entry]>([:])
    private static let keptMax = 256

    func withClient<Result: Sendable>(
        host: String, address: String, _ body: (HTTPClient) async throws(OperationError) -> Result
    ) async throws(OperationError) -> Result {
        let key = Key(host: host, address: address)
        let (client, stale) = entries.withLock { entries -> (HTTPClient, [HTTPClient]) in
            var entry =
                entries[key]
                ?? Entry(client: Upstream.client(addressOf: host, at: address), users: 0, lastUse: .now)
            entry.users += 1
            entry.lastUse = .now
            entries[key] = entry
            return (entry.client, Self.evict(&entries, but: key))
        }
        for old in stale { Task { try? await old.shutdown() } }
        defer { entries.withLock { $0[key]?.users -= 1 } }
        return try await body(client)
    }

    func shutdown() async {
        let all = entries.withLock { entries in
            defer { entries = [:] }
            return entries.values.map(\.client)
        }
        for client in all { try? await client.shutdown() }
    }

    private static func evict(_ entries: inout [Key: Entry], but key: Key) -> [HTTPClient] {
        let border = ContinuousClock.now - .seconds(60)
        let old = entries.filter { $0.key != key && $0.value.users == 0 && $0.value.lastUse < border }
        let excess = entries.count > keptMax ? entries.filter { $0.key != key && $0.value.users == 0 } : [:]
        let gone = old.merging(excess) { kept, _ in kept }
        for key in gone.keys { entries[key] = nil }
        return gone.values.map(\.client)
    }
}
