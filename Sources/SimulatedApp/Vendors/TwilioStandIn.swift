import FoundationEssentials
import Marketplace
import Synchronization

/// A strict, stateful stand-in of Twilio: messages and calls of its REST API, codes of Verify, in the shapes of
/// Twilio's published descriptions. Every code that it sends is `TwilioStandIn.code`.
public final class TwilioStandIn: VendorStandIn {
    /// The code that each verification sends.
    public static let code = "123456"
    /// A number that has said STOP.
    public static let unsubscribed = "+15550109999"
    private static let checksMax = 5

    /// A text message that it took.
    public struct Message: Sendable, Equatable {
        public let to: String
        public let body: String
    }

    private struct State {
        var messages: [Message] = []
        var calls = 0
        /// Wrong checks of the code that is out, by number.
        var codes: [String: Int] = [:]
        var sent = 0
        var violations: [String] = []
    }

    public let name = "twilio"
    public let hosts = ["api.twilio.com", "verify.twilio.com"]
    private let state = Mutex(State())

    public init() {}

    public var messages: [Message] { state.withLock { $0.messages } }
    public var violations: [String] { state.withLock { $0.violations } }

    public func answer(_ request: VendorRequest) -> VendorAnswer {
        state.withLock { state in
            guard let account = Self.account(request) else {
                state.violations.append("\(request.path): no account SID and token")
                return Self.refusal(401, 20003, "Authenticate")
            }
            let steps = request.steps
            guard request.method == "POST", request.query.isEmpty else {
                return Self.unknown(request, &state)
            }
            switch (request.host, steps.count) {
            case ("api.twilio.com", 4) where steps[0] == "2010-04-01" && steps[1] == "Accounts":
                guard steps[2] == account else { return Self.refusal(401, 20003, "Authenticate") }
                if steps[3] == "Messages.json" { return Self.message(account, request, &state) }
                if steps[3] == "Calls.json" { return Self.call(account, request, &state) }
            case ("verify.twilio.com", 4) where steps[0] == "v2" && steps[1] == "Services":
                guard steps[2].hasPrefix("VA"), steps[2].count == 34 else { break }
                if steps[3] == "Verifications" { return Self.verify(account, steps[2], request, &state) }
                if steps[3] == "VerificationCheck" { return Self.check(account, steps[2], request, &state) }
            default: break
            }
            return Self.unknown(request, &state)
        }
    }

    /// The account that the basic credentials name.
    private static func account(_ request: VendorRequest) -> String? {
        guard let header = request.headers["authorization"], header.hasPrefix("Basic "),
            let bytes = Data(base64Encoded: String(header.dropFirst(6)))
        else { return nil }
        let parts = String(decoding: bytes, as: UTF8.self).split(separator: ":", maxSplits: 1)
        guard parts.count == 2, parts[0].hasPrefix("AC"), parts[0].count == 34 else {
            // A sample secret has no account in it: the address says whose it is.
            return request.host == "api.twilio.com" && request.steps.count > 2
                ? request.steps[2] : "AC" + padded(1, 32)
        }
        return String(parts[0])
    }

    private static func unknown(_ request: VendorRequest, _ state: inout State) -> VendorAnswer {
        state.violations.append("unknown \(request.method) \(request.host)\(request.path)")
        return refusal(404, 20404, "The requested resource \(request.path) was not found")
    }

    /// The form, where it has all that is required and nothing that is unknown.
    private static func form(
        _ request: VendorRequest, required: [String], optional: Set<String> = [], _ state: inout State
    ) -> [String: String]? {
        guard request.headers["content-type"]?.hasPrefix("application/x-www-form-urlencoded") == true,
            let fields = request.fields
        else {
            state.violations.append("\(request.path): the body is no form")
            return nil
        }
        let unknown = fields.keys.filter { !required.contains($0) && !optional.contains($0) }.sorted()
        let missing = required.filter { (fields[$0]?.stringValue ?? "").isEmpty }
        if !unknown.isEmpty { state.violations.append("\(request.path): unknown fields \(unknown)") }
        if !missing.isEmpty { state.violations.append("\(request.path): missing fields \(missing)") }
        return unknown.isEmpty && missing.isEmpty ? fields.compactMapValues(\.stringValue) : nil
    }

    private static func message(
        _ account: String, _ request: VendorRequest, _ state: inout State
    ) -> VendorAnswer {
        guard
            let form = form(
                request, required: ["To", "Body"],
                optional: ["From", "MessagingServiceSid", "StatusCallback"],
                &state), let to = form["To"], let body = form["Body"]
        else { return refusal(400, 21604, "A required parameter is missing or unknown") }
        guard form["From"] != nil || form["MessagingServiceSid"] != nil else {
            return refusal(400, 21603, "A 'From' phone number is required")
        }
        guard isNumber(to) else {
            return refusal(400, 21211, "The 'To' number \(to) is not a valid phone number")
        }
        if to == unsubscribed { return refusal(400, 21610, "Attempt to send to unsubscribed recipient") }
        if body.unicodeScalars.count > 1_600 { return refusal(400, 21617, "The message body is too long") }
        state.messages.append(Message(to: to, body: body))
        return VendorAnswer(
            status: 201,
            json: [
                "sid": .string("SM" + padded(state.messages.count, 32)), "account_sid": .string(account),
                "to": .string(to), "from": form["From"].map(JSONValue.string) ?? .null,
                "messaging_service_sid": form["MessagingServiceSid"].map(JSONValue.string) ?? .null,
                "body": .string(body), "status": "queued", "direction": "outbound-api", "error_code": .null,
            ])
    }

    private static func call(
        _ account: String, _ request: VendorRequest, _ state: inout State
    ) -> VendorAnswer {
        guard let form = form(request, required: ["To", "From", "Twiml"], &state), let to = form["To"] else {
            return refusal(400, 21205, "A required parameter is missing or unknown")
        }
        guard isNumber(to) else {
            return refusal(400, 21211, "The 'To' number \(to) is not a valid phone number")
        }
        guard form["Twiml"]?.hasPrefix("<Response>") == true else {
            return refusal(400, 12100, "Document parse failure")
        }
        state.calls += 1
        return VendorAnswer(
            status: 201,
            json: [
                "sid": .string("CA" + padded(state.calls, 32)), "account_sid": .string(account),
                "to": .string(to), "from": .string(form["From"] ?? ""), "status": "queued",
            ])
    }

    private static func verify(
        _ account: String, _ service: String, _ request: VendorRequest, _ state: inout State
    ) -> VendorAnswer {
        guard let form = form(request, required: ["To", "Channel"], &state), let to = form["To"],
            let channel = form["Channel"]
        else { return refusal(400, 60200, "Invalid parameter") }
        guard ["sms", "call"].contains(channel), isNumber(to) else {
            return refusal(400, 60200, "Invalid parameter")
        }
        state.sent += 1
        state.codes[to] = 0
        return VendorAnswer(
            status: 201, json: verification(account, service, to, channel, "pending", state.sent))
    }

    private static func check(
        _ account: String, _ service: String, _ request: VendorRequest, _ state: inout State
    ) -> VendorAnswer {
        guard let form = form(request, required: ["To", "Code"], &state), let to = form["To"] else {
            return refusal(400, 60200, "Invalid parameter")
        }
        guard let wrong = state.codes[to] else {
            return refusal(404, 20404, "The requested resource \(request.path) was not found")
        }
        if wrong >= checksMax { return refusal(429, 60202, "Max check attempts reached") }
        let isRight = form["Code"] == code
        state.codes[to] = isRight ? nil : wrong + 1
        return VendorAnswer(
            json: verification(account, service, to, "sms", isRight ? "approved" : "pending", state.sent))
    }

    private static func verification(
        _ account: String, _ service: String, _ to: String, _ channel: String, _ status: String, _ number: Int
    ) -> JSONValue {
        [
            "sid": .string("VE" + padded(number, 32)), "account_sid": .string(account),
            "service_sid": .string(service), "to": .string(to), "channel": .string(channel),
            "status": .string(status), "valid": .bool(status == "approved"),
        ]
    }

    private static func isNumber(_ text: String) -> Bool {
        let digits = text.dropFirst()
        return text.hasPrefix("+") && (7...15).contains(digits.count)
            && digits.utf8.allSatisfy { (UInt8(ascii: "0")...UInt8(ascii: "9")).contains($0) }
    }

    private static func refusal(_ status: Int, _ code: Int64, _ message: String) -> VendorAnswer {
        VendorAnswer(
            status: status,
            json: [
                "code": .integer(code), "message": .string(message), "status": .integer(Int64(status)),
                "more_info": .string("https://www.twilio.com/docs/errors/\(code)"),
            ])
    }
}
