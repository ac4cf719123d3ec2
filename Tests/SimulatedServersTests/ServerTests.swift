import AsyncHTTPClient
import Marketplace
import NIOCore
import NIOHTTP1
import SimulatedApp
import SimulatedServers
import Testing

/// Asks over a real connection on loopback.
private func ask(
    _ url: String, method: String = "GET", body: String? = nil, headers: [(String, String)] = []
) async throws -> (status: UInt, headers: [String: String], body: String) {
    var request = HTTPClientRequest(url: url)
    request.method = .init(rawValue: method)
    for (name, value) in headers { request.headers.replaceOrAdd(name: name, value: value) }
    if let body { request.body = .bytes(ByteBuffer(string: body)) }
    let response = try await HTTPClient.shared.execute(request, timeout: .seconds(5))
    let bytes = try await response.body.collect(upTo: 4_194_304)
    let fields = Dictionary(
        response.headers.map { ($0.name.lowercased(), $0.value) }, uniquingKeysWith: { first, _ in first })
    return (response.status.code, fields, String(buffer: bytes))
}

private let bearer = [("Authorization", "Bearer sample-credential")]

@Suite struct ServerTests {
    @Test func applicationContractIsAnsweredOverHTTP() async throws {
        let app = SimulatedApp(seed: 2)
        let server = try await SimulatedServers.application(app, credential: "sample-credential")
        #expect(server.port > 0)

        let filter =
            "%5B%7B%22field%22%3A%22status%22%2C%22op%22%3A%22eq%22%2C%22value%22%3A%22overdue%22%7D%5D"
        let read = try await ask("\(server.url)/entities/invoices?filter=\(filter)", headers: bearer)
        #expect(read.status == 200)
        let records = try #require(try JSONValue.parse(read.body).arrayValue)
        #expect(!records.isEmpty)
        #expect(records.allSatisfy { $0["status"] == "overdue" })

        let written = try await ask(
            "\(server.url)/entities/orders", method: "POST", body: #"{"customer":"cus-00001","title":"Tap"}"#,
            headers: bearer)
        #expect(written.status == 201)
        let run = try await ask(
            "\(server.url)/workflows/send-email", method: "POST", body: #"{"to":"a@example.com"}"#,
            headers: bearer)
        #expect(run.status == 202)
        #expect(app.workflowRuns.map(\.workflow) == ["send-email"])
        await server.stop()
    }

    @Test(arguments: [
        ("/entities/orders", "GET", false, 401), ("/entities/ghosts", "GET", true, 404),
        ("/entities/orders?filter=nonsense", "GET", true, 422), ("/entities/orders", "DELETE", true, 405),
        ("/entities", "GET", true, 404), ("/workflows/unknown", "POST", true, 404),
        ("/entities/orders%ZZ", "GET", true, 404),
    ])
    func wrongRequestGetsItsStatus(path: String, method: String, known: Bool, status: UInt) async throws {
        let server = try await SimulatedServers.application(SimulatedApp(), credential: "sample-credential")
        let answer = try await ask(
            server.url + path, method: method, body: method == "POST" ? "{}" : nil,
            headers: known ? bearer : [])
        #expect(answer.status == status)
        #expect(try JSONValue.parse(answer.body)["message"] != nil)
        await server.stop()
    }

    @Test func faultsReachTheWire() async throws {
        let app = SimulatedApp()
        let server = try await SimulatedServers.application(app, credential: "sample-credential")
        app.inject(Fault(.rateLimited(retryAfterSeconds: 3)))
        let limited = try await ask("\(server.url)/entities/orders", headers: bearer)
        #expect(limited.status == 429)
        #expect(limited.headers["retry-after"] == "3")
        app.inject(Fault(.malformed))
        let broken = try await ask("\(server.url)/entities/orders", headers: bearer)
        #expect(broken.status == 200)
        #expect(throws: JSONError.self) { try JSONValue.parse(broken.body) }
        app.inject(Fault(.slow(milliseconds: 120)))
        let start = ContinuousClock.now
        #expect(try await ask("\(server.url)/entities/orders", headers: bearer).status == 200)
        #expect(ContinuousClock.now - start >= .milliseconds(120))
        await server.stop()
    }

    @Test func vendorIsChosenByHost() async throws {
        let slack = SlackStandIn()
        let server = try await SimulatedServers.vendors(of: SimulatedApp(vendors: [slack]))
        let posted = try await ask(
            "\(server.url)/api/chat.postMessage", method: "POST",
            body: #"{"channel":"general","text":"hello"}"#,
            headers: [
                ("Host", "slack.com"), ("Authorization", "Bearer xoxb"), ("Content-Type", "application/json"),
            ])
        #expect(posted.status == 200)
        #expect(slack.messages.map(\.text) == ["hello"])
        await server.stop()
    }

    @Test func takenPortIsAnErrorThatNamesIt() async throws {
        let first = try await SimulatedServers.application(SimulatedApp(), credential: "x")
        await #expect(throws: ServerError.self) {
            _ = try await SimulatedServers.application(SimulatedApp(), credential: "x", port: first.port)
        }
        await first.stop()
        let again = try await SimulatedServers.application(SimulatedApp(), credential: "x", port: first.port)
        #expect(again.port == first.port)
        await again.stop()
    }
}
