import AsyncHTTPClient
import Marketplace
import NIOCore
import NIOHTTP1
import Pipeline
import Registry

/// The file by which a publisher proves its domain, fetched by the operator's command: https, no redirect, 64 KiB, 15
/// seconds.
enum WellKnownFile {
    private static let bytesMax = 65_536

    static func fetch(_ domain: String, via: String?, _ context: RunContext) async throws(PipelineError)
        -> String
    {
        guard via == nil || context.data.configuration.demo else {
            throw PipelineError(
                .usage, "--via takes the domain's place, and \(context.data.root) is not marked as a demo",
                remedy: "Leave it out.")
        }
        let url = (via ?? "https://\(domain)") + PublisherChallenge.path
        let client = HTTPClient(
            eventLoopGroupProvider: .singleton,
            configuration: HTTPClient.Configuration(
                redirectConfiguration: .disallow, timeout: .init(connect: .seconds(5))))
        do {
            let response = try await client.execute(HTTPClientRequest(url: url), timeout: .seconds(15))
            let body = try await response.body.collect(upTo: bytesMax)
            try await client.shutdown()
            guard response.status == .ok else {
                throw PipelineError(
                    .notFound, "\(url) answered \(response.status.code)",
                    remedy: "Put the file there; a redirect is not followed.")
            }
            return String(decoding: body.readableBytesView, as: UTF8.self)
        } catch let error as PipelineError {
            throw error
        } catch {
            try? await client.shutdown()
            throw PipelineError(.tryLater, "\(url) cannot be fetched: \(error)")
        }
    }
}
