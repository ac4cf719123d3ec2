import AsyncHTTPClient
public import Billing
import NIOCore
import NIOHTTP1

/// Billing's exchanges over the network: bounded answers, a deadline each, no redirects.
public struct HTTPSender: HTTPSending {
    public static let answerBytesMax = 16 << 20
    public static let deadlineSeconds: Int64 = 30

    public init() {}

    /// One client for one exchange: a night has few, and nothing is left open between them.
    public func send(_ request: HTTPExchange) -> (status: Int, body: [UInt8])? {
        var configuration = HTTPClient.Configuration()
        configuration.redirectConfiguration = .disallow
        configuration.timeout = .init(connect: .seconds(10), read: .seconds(Self.deadlineSeconds))
        let client = HTTPClient(eventLoopGroupProvider: .singleton, configuration: configuration)
        defer { try? client.syncShutdown() }
        guard
            var call = try? HTTPClient.Request(
                url: request.url, method: .RAW(value: request.method),
                body: request.body.isEmpty ? nil : .bytes(request.body))
        else { return nil }
        for (name, value) in request.headers.sorted(by: { $0.key < $1.key }) {
            call.headers.add(name: name, value: value)
        }
        let answer = client.execute(
            request: call, delegate: ResponseAccumulator(request: call, maxBodySize: Self.answerBytesMax),
            deadline: .now() + .seconds(Self.deadlineSeconds))
        guard let response = try? answer.wait() else { return nil }
        let body = response.body.map { Array($0.readableBytesView) } ?? []
        return (Int(response.status.code), body)
    }
}
