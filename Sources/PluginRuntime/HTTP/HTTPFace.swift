import HTTPTypes
import Hummingbird
import Marketplace
import NIOCore

/// Brings the server library's requests to the API and its answers back.
struct HTTPFace: HTTPResponder {
    typealias Context = ConnectionContext

    let api: RuntimeAPI
    let watch: ConnectionWatch
    /// How long a body may take to arrive.
    let requestSeconds: Int
    /// Pages and their forms; absent where the templates are not installed.
    let web: WebFace?

    func respond(to request: Request, context: ConnectionContext) async throws -> Response {
        var headers: [String: String] = [:]
        for field in request.headers {
            let name = field.name.canonicalName
            // Two values of a header that decides who asks are an attempt to be read in two ways.
            if headers[name] != nil, ["authorization", "content-type", "idempotency-key"].contains(name) {
                return Self.response(.problem(RuntimeError(.badRequest, name, "stands there twice")))
            }
            let joint = name == "cookie" ? "; " : ", "
            headers[name] = headers[name].map { "\($0)\(joint)\(field.value)" } ?? field.value
        }
        if let host = request.head.authority { headers["host"] = host }
        let target = request.head.path ?? "/"
        var plain: APIRequest
        do {
            plain = try APIRequest(
                method: request.method.rawValue, target: target, headers: headers)
        } catch {
            return Self.response(.problem(error))
        }
        let most = web?.formBytesMax(plain) ?? api.bodyBytesMax(method: plain.method, path: plain.path)
        let channel = context.channel
        let slow = channel.eventLoop.scheduleTask(in: .seconds(Int64(requestSeconds))) {
            channel.close(promise: nil)
        }
        defer { slow.cancel() }
        do {
            // One byte more than allowed is read where none is: a request with a body that nobody wants is answered.
            var body: [UInt8] = []
            for try await part in request.body {
                guard body.count + part.readableBytes <= max(most, 65_536) else {
                    return Self.response(
                        .problem(RuntimeError(.tooLarge, "body", "has more than \(most) bytes")), closes: true
                    )
                }
                body.append(contentsOf: part.readableBytesView)
            }
            plain.body = body
        } catch {
            return Self.response(.problem(RuntimeError(.badRequest, "body", "broke off")), closes: true)
        }
        slow.cancel()
        let api = self.api
        let web = self.web
        let ready = plain
        let isForm = web != nil && WebFace.formType(ready) != nil
        if !isForm, api.endsWithItsCaller(method: ready.method, path: ready.path) {
            return Self.response(await watch.whileCallerIsThere(channel) { await api.respond(to: ready) })
        }
        // Pages, searches and changes may compute for a while: not on the thread that carries others' calls.
        return Self.response(
            await withTaskExecutorPreference(globalConcurrentExecutor) {
                if let page = await web?.respond(to: ready, target: target) { return page }
                return await api.respond(to: ready)
            })
    }

    private static func response(_ answer: APIResponse, closes: Bool = false) -> Response {
        var fields = HTTPFields()
        for (name, value) in answer.headers.sorted(by: { $0.key < $1.key }) {
            if let field = HTTPField.Name(name) { fields.append(HTTPField(name: field, value: value)) }
        }
        if closes { fields.append(HTTPField(name: .connection, value: "close")) }
        return Response(
            status: HTTPResponse.Status(code: answer.status), headers: fields,
            body: ResponseBody(byteBuffer: ByteBuffer(bytes: answer.body)))
    }
}
