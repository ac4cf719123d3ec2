import Marketplace
import Synchronization

/// A strict, stateful stand-in of DocuSign's eSignature API: envelopes from templates, their state, the signed
/// document, and the token endpoint. Its recipients are quick: an envelope is delivered when its state is asked for
/// the first time, and signed when it is asked for the second.
public final class DocuSignStandIn: VendorStandIn {
    /// An envelope that it holds.
    public struct Envelope: Sendable, Equatable {
        public let id: String
        public let transaction: String?
        public var status: String
        public let subject: String
        let client: String?
        var looks = 0
    }

    private struct State {
        var envelopes: [Envelope] = []
        var oauth = VendorOAuth()
        var violations: [String] = []
    }

    public let name = "docusign"
    public let hosts = ["*.docusign.net", "account.docusign.com", "account-d.docusign.com"]
    private static let time = "2026-02-01T08:00:00.0000000Z"
    private let state = Mutex(State())

    public init() {}

    public var envelopes: [Envelope] { state.withLock { $0.envelopes } }
    public var violations: [String] { state.withLock { $0.violations } }

    public func answer(_ request: VendorRequest) -> VendorAnswer {
        state.withLock { state in
            if request.host.hasSuffix(".docusign.com") {
                guard request.path == "/oauth/token" else { return Self.unknown(request, &state) }
                return state.oauth.token(request, &state.violations)
            }
            guard state.oauth.admits(request) else {
                if request.headers["authorization"] == nil {
                    state.violations.append("\(request.path): no bearer token")
                }
                return Self.refusal(401, "AUTHORIZATION_INVALID_TOKEN", "The access token is expired")
            }
            let steps = request.steps
            guard steps.count >= 5, Array(steps[..<3]) == ["restapi", "v2", "accounts"],
                steps[4] == "envelopes"
            else { return Self.unknown(request, &state) }
            return Self.envelope(Array(steps[5...]), request, &state)
        }
    }

    private static func envelope(
        _ rest: [String], _ request: VendorRequest, _ state: inout State
    ) -> VendorAnswer {
        switch (request.method, rest.count) {
        case ("POST", 0): return create(request, &state)
        case ("GET", 0): return find(request, &state)
        default: break
        }
        guard let id = rest.first, let index = state.envelopes.firstIndex(where: { $0.id == id }) else {
            return refusal(400, "ENVELOPE_DOES_NOT_EXIST", "The envelope specified does not exist.")
        }
        switch (request.method, rest.dropFirst().joined(separator: "/")) {
        case ("GET", ""): return look(index, &state)
        case ("PUT", ""): return void(index, request, &state)
        case ("GET", "documents/combined"):
            guard state.envelopes[index].status == "completed" else {
                return refusal(400, "ENVELOPE_NOT_COMPLETE", "The envelope is not complete.")
            }
            return VendorAnswer(
                status: 200, headers: ["content-type": "application/pdf"],
                body: "%PDF-1.4\n% signed: \(state.envelopes[index].subject)\n%%EOF\n")
        case ("POST", "views/recipient"): return view(index, request, &state)
        default: return unknown(request, &state)
        }
    }

    /// The JSON body, where it has all that is required and nothing that is unknown.
    private static func body(
        _ request: VendorRequest, required: [String], optional: Set<String> = [], _ state: inout State
    ) -> [String: JSONValue]? {
        guard let fields = request.fields, request.headers["content-type"] == "application/json" else {
            state.violations.append("\(request.path): the body is no JSON object")
            return nil
        }
        let unknown = fields.keys.filter { !required.contains($0) && !optional.contains($0) }.sorted()
        let missing = required.filter { fields[$0] == nil }
        if !unknown.isEmpty { state.violations.append("\(request.path): unknown fields \(unknown)") }
        if !missing.isEmpty { state.violations.append("\(request.path): missing fields \(missing)") }
        return unknown.isEmpty && missing.isEmpty ? fields : nil
    }

    private static func create(_ request: VendorRequest, _ state: inout State) -> VendorAnswer {
        guard
            let body = body(
                request, required: ["status", "templateId", "templateRoles", "emailSubject"],
                optional: ["transactionId", "emailBlurb", "customFields"], &state),
            let role = body["templateRoles"]?.arrayValue?.first
        else {
            return refusal(
                400, "INVALID_REQUEST_BODY", "The request body is missing or improperly formatted.")
        }
        guard role["email"]?.stringValue?.contains("@") == true, role["roleName"]?.stringValue != nil else {
            return refusal(
                400, "INVALID_EMAIL_ADDRESS_FOR_RECIPIENT", "The email address for the recipient is invalid.")
        }
        guard body["templateId"]?.stringValue?.count == 36 else {
            return refusal(400, "TEMPLATE_ID_INVALID", "Invalid template ID.")
        }
        let transaction = body["transactionId"]?.stringValue
        if let transaction, state.envelopes.contains(where: { $0.transaction == transaction }) {
            return refusal(400, "ENVELOPE_TRANSACTION_ID_USED", "The transaction id was used before.")
        }
        let id = "00000000-0000-4000-9000-" + padded(state.envelopes.count + 1, 12)
        state.envelopes.append(
            Envelope(
                id: id, transaction: transaction, status: "sent",
                subject: body["emailSubject"]?.stringValue ?? "", client: role["clientUserId"]?.stringValue))
        return VendorAnswer(
            status: 201,
            json: [
                "envelopeId": .string(id), "status": "sent", "statusDateTime": .string(time),
                "uri": .string("/envelopes/\(id)"),
            ])
    }

    private static func find(_ request: VendorRequest, _ state: inout State) -> VendorAnswer {
        guard let transaction = request.queryValue("transaction_ids"),
            request.unknownQuery(["transaction_ids"]).isEmpty
        else { return unknown(request, &state) }
        let found = state.envelopes.filter { $0.transaction == transaction }
        return VendorAnswer(json: [
            "resultSetSize": .string("\(found.count)"),
            "envelopeTransactionStatuses": .array(
                found.map {
                    [
                        "envelopeId": .string($0.id), "transactionId": .string(transaction),
                        "status": .string($0.status),
                    ]
                }),
        ])
    }

    private static func look(_ index: Int, _ state: inout State) -> VendorAnswer {
        state.envelopes[index].looks += 1
        switch (state.envelopes[index].status, state.envelopes[index].looks) {
        case ("sent", 1): state.envelopes[index].status = "delivered"
        case ("sent", _), ("delivered", _): state.envelopes[index].status = "completed"
        default: break
        }
        let envelope = state.envelopes[index]
        var document: [String: JSONValue] = [
            "envelopeId": .string(envelope.id), "status": .string(envelope.status),
            "emailSubject": .string(envelope.subject),
        ]
        document["transactionId"] = envelope.transaction.map(JSONValue.string)
        return VendorAnswer(json: .object(document))
    }

    private static func void(_ index: Int, _ request: VendorRequest, _ state: inout State) -> VendorAnswer {
        guard let body = body(request, required: ["status", "voidedReason"], &state),
            body["status"] == "voided"
        else {
            return refusal(
                400, "INVALID_REQUEST_BODY", "The request body is missing or improperly formatted.")
        }
        guard ["sent", "delivered"].contains(state.envelopes[index].status) else {
            return refusal(
                400, "ENVELOPE_CANNOT_VOID_INVALID_STATE",
                "Only envelopes in the 'Sent' or 'Delivered' states may be voided.")
        }
        state.envelopes[index].status = "voided"
        return VendorAnswer(json: ["envelopeId": .string(state.envelopes[index].id)])
    }

    private static func view(_ index: Int, _ request: VendorRequest, _ state: inout State) -> VendorAnswer {
        guard
            let body = body(
                request,
                required: ["authenticationMethod", "clientUserId", "email", "userName", "returnUrl"], &state)
        else {
            return refusal(
                400, "INVALID_REQUEST_BODY", "The request body is missing or improperly formatted.")
        }
        let envelope = state.envelopes[index]
        guard envelope.client != nil, envelope.client == body["clientUserId"]?.stringValue else {
            return refusal(400, "UNKNOWN_ENVELOPE_RECIPIENT", "The recipient is not known for this envelope.")
        }
        return VendorAnswer(
            status: 201, json: ["url": .string("https://demo.docusign.net/Signing/\(envelope.id)")])
    }

    private static func unknown(_ request: VendorRequest, _ state: inout State) -> VendorAnswer {
        state.violations.append("unknown \(request.method) \(request.host)\(request.path)")
        return refusal(404, "RESOURCE_NOT_FOUND", "The URL provided does not resolve to a resource.")
    }

    private static func refusal(_ status: Int, _ code: String, _ message: String) -> VendorAnswer {
        VendorAnswer(status: status, json: ["errorCode": .string(code), "message": .string(message)])
    }
}
