internal import HTTPTypes
internal import Hummingbird
internal import Logging
internal import NIOCore

/// An HTTP server on 127.0.0.1 that answers until it is stopped.
public final class LoopbackServer: Sendable {
    /// The port that it listens on, also when it was started with port 0.
    public let port: Int
    private let task: Task<Void, Never>

    /// `http://127.0.0.1:<port>`
    public var url: String { "http://127.0.0.1:\(port)" }

    private init(port: Int, task: Task<Void, Never>) {
        self.port = port
        self.task = task
    }

    deinit {
        task.cancel()
    }

    /// Stops listening and waits until the last connection is closed.
    public func stop() async {
        task.cancel()
        await task.value
    }

    /// - Throws: `ServerError` when the port cannot be had.
    static func start(
        name: String, port: Int, answer: @escaping @Sendable (PlainRequest) async throws -> PlainResponse
    ) async throws(ServerError) -> LoopbackServer {
        let (events, continuation) = AsyncStream<Result<Int, ServerError>>.makeStream()
        var logger = Logger(label: name)
        logger.logLevel = .critical
        let application = Application(
            responder: PlainResponder(answer: answer),
            configuration: ApplicationConfiguration(
                address: .hostname("127.0.0.1", port: port), serverName: name),
            onServerRunning: { channel in
                continuation.yield(.success(channel.localAddress?.port ?? port))
            }, logger: logger)
        let task = Task {
            do {
                try await application.run()
                continuation.yield(.failure(ServerError(code: .stopped, subject: name, cause: nil)))
            } catch {
                continuation.yield(
                    .failure(
                        ServerError(code: .cannotListen, subject: "127.0.0.1:\(port)", cause: "\(error)")))
            }
            continuation.finish()
        }
        for await event in events {
            return LoopbackServer(port: try event.get(), task: task)
        }
        throw ServerError(code: .stopped, subject: name, cause: nil)
    }
}

/// Why a stand-in's server does not run.
public struct ServerError: Error, Sendable, Equatable, CustomStringConvertible {
    public enum Code: String, Sendable {
        case cannotListen, stopped
    }

    public let code: Code
    /// The address or the server's name.
    public let subject: String
    public let cause: String?

    public var description: String { "\(code.rawValue): \(subject)" + (cause.map { ": \($0)" } ?? "") }
}

/// A request without the server library's types. Header names are lower case.
struct PlainRequest: Sendable {
    let method: String
    /// The path before the query, still percent-encoded.
    let path: String
    let query: String
    let host: String
    let headers: [String: String]
    let body: String
}

/// A response without the server library's types.
struct PlainResponse: Sendable {
    var status: Int
    var headers: [String: String]
    var body: String
}

private struct PlainResponder: HTTPResponder {
    typealias Context = BasicRequestContext

    let answer: @Sendable (PlainRequest) async throws -> PlainResponse

    func respond(to request: Request, context: BasicRequestContext) async throws -> Response {
        let body: ByteBuffer
        do {
            body = try await request.body.collect(upTo: 4 * 1_048_576)
        } catch {
            return Response(status: .contentTooLarge)
        }
        var headers: [String: String] = [:]
        for field in request.headers {
            headers[field.name.canonicalName] =
                headers[field.name.canonicalName].map { "\($0), \(field.value)" } ?? field.value
        }
        let target = request.head.path ?? "/"
        let path = target.prefix { $0 != "?" }
        let plain = PlainRequest(
            method: request.method.rawValue, path: String(path),
            query: String(target.dropFirst(path.count + 1)),
            host: request.head.authority ?? headers["host"] ?? "", headers: headers,
            body: String(buffer: body))
        let answered = try await answer(plain)
        var fields = HTTPFields()
        for (name, value) in answered.headers.sorted(by: { $0.key < $1.key }) {
            if let field = HTTPField.Name(name) { fields.append(HTTPField(name: field, value: value)) }
        }
        return Response(
            status: HTTPResponse.Status(code: answered.status), headers: fields,
            body: ResponseBody(byteBuffer: ByteBuffer(string: answered.body)))
    }
}
