import AsyncHTTPClient
import Foundation
import Marketplace
import NIOCore
import NIOHTTP1
import Pipeline

/// A customer's application talking to the runtime.
struct DemoClient: Sendable {
    let base: String
    let token: String

    /// Sends JSON and gives the answer's status and body.
    func send(
        _ method: String, _ path: String, _ body: JSONValue? = nil
    ) async throws(PipelineError) -> (status: Int, body: JSONValue) {
        var request = HTTPClientRequest(url: base + path)
        request.method = .RAW(value: method)
        request.headers.add(name: "authorization", value: "Bearer \(token)")
        if let body {
            request.headers.add(name: "content-type", value: "application/json")
            request.body = .bytes(ByteBuffer(bytes: body.serializedBytes()))
        }
        do {
            let response = try await HTTPClient.shared.execute(request, timeout: .seconds(30))
            let bytes = Array(try await response.body.collect(upTo: 8 << 20).readableBytesView)
            return (
                Int(response.status.code),
                (try? JSONValue.parse(bytes)) ?? .string(String(decoding: bytes, as: UTF8.self))
            )
        } catch {
            throw PipelineError(.tryLater, "\(method) \(path): \(error)")
        }
    }

    /// Delivers a vendor's webhook: bytes as they are, with the vendor's headers and no token.
    func deliver(
        _ path: String, _ body: [UInt8], _ headers: [String: String]
    ) async throws(PipelineError) -> (status: Int, body: String) {
        var request = HTTPClientRequest(url: base + path)
        request.method = .POST
        request.headers.add(name: "content-type", value: "application/json")
        for (name, value) in headers { request.headers.add(name: name, value: value) }
        request.body = .bytes(ByteBuffer(bytes: body))
        do {
            let response = try await HTTPClient.shared.execute(request, timeout: .seconds(30))
            return (Int(response.status.code), String(buffer: try await response.body.collect(upTo: 1 << 20)))
        } catch {
            throw PipelineError(.tryLater, "POST \(path): \(error)")
        }
    }

    /// The same, where anything but success is the demo's failure.
    func expect(_ method: String, _ path: String, _ body: JSONValue? = nil) async throws(PipelineError)
        -> JSONValue
    {
        let answer = try await send(method, path, body)
        guard (200..<300).contains(answer.status) else {
            throw PipelineError(
                .findings, "\(method) \(path) answered \(answer.status): \(answer.body.serialized())")
        }
        return answer.body
    }
}
