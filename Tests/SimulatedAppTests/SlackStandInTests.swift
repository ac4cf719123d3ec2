import Foundation
import Marketplace
import Testing

@testable import SimulatedApp

private func ask(
    _ slack: SlackStandIn, _ method: String, _ body: JSONValue, token: String? = "xoxb-sample"
) -> JSONValue {
    var headers = ["content-type": "application/json"]
    if let token { headers["authorization"] = "Bearer \(token)" }
    let answer = slack.answer(
        VendorRequest(
            method: "POST", host: "slack.com", path: "/api/\(method)", headers: headers,
            body: body.serialized()))
    return (try? JSONValue.parse(answer.body)) ?? .null
}

@Suite struct SlackStandInTests {
    @Test func postedMessageIsKeptAndCanBeChanged() throws {
        let slack = SlackStandIn()
        let posted = ask(slack, "chat.postMessage", ["channel": "#dispatch", "text": "On the way"])
        #expect(posted["ok"] == true)
        #expect(slack.messages.map(\.text) == ["On the way"])
        let channel = try #require(posted["channel"])
        let ts = try #require(posted["ts"])
        #expect(ask(slack, "chat.update", ["channel": channel, "ts": ts, "text": "Arrived"])["ok"] == true)
        #expect(
            ask(slack, "reactions.add", ["channel": channel, "timestamp": ts, "name": "tada"])["ok"] == true)
        #expect(slack.messages.first?.text == "Arrived")
        #expect(slack.messages.first?.reactions == ["tada"])
        #expect(slack.violations == [])
    }

    static let refused: [(String, JSONValue, String)] = [
        (
            "chat.postMessage", ["channel": "C0GENERAL1", "colour": "red", "text": "x"],
            "invalid_arg_name"
        ),
        ("chat.postMessage", ["text": "x"], "invalid_arguments"),
        ("chat.shout", [:], "unknown_method"),
    ]

    @Test(arguments: refused)
    func whatSlackWouldRefuseIsAViolation(method: String, body: JSONValue, error: String) {
        let slack = SlackStandIn()
        #expect(ask(slack, method, body)["error"] == .string(error))
        #expect(slack.violations.count == 1)
        #expect(slack.messages.isEmpty)
    }

    @Test func tokenIsAskedFor() {
        let slack = SlackStandIn(token: "xoxb-right")
        #expect(ask(slack, "auth.test", [:], token: nil)["error"] == "not_authed")
        #expect(ask(slack, "auth.test", [:], token: "xoxb-wrong")["error"] == "invalid_auth")
        #expect(ask(slack, "auth.test", [:], token: "xoxb-right")["ok"] == true)
        #expect(slack.violations.count == 2)
    }

    @Test func unknownChannelIsAnErrorAndNoViolation() {
        let slack = SlackStandIn()
        #expect(
            ask(slack, "chat.postMessage", ["channel": "#nowhere", "text": "x"])["error"]
                == "channel_not_found")
        #expect(slack.violations == [])
    }

    /// Slack's published description, where it is at hand, must take every argument that the stand-in knows and
    /// describe every field that it answers with.
    @Test(.enabled(if: SlackDescription.isAtHand, "Slack's description is not at hand (VEROFORGE_SHARED)"))
    func answersAreOfThePublishedShape() throws {
        let description = try SlackDescription()
        let slack = SlackStandIn()
        let posted = ask(slack, "chat.postMessage", ["channel": "#general", "text": "hello"])
        let ts = posted["ts"] ?? .null
        let answers: [(String, JSONValue)] = [
            ("chat.postMessage", posted),
            ("chat.update", ask(slack, "chat.update", ["channel": "C0GENERAL1", "ts": ts, "text": "hi"])),
            ("auth.test", ask(slack, "auth.test", [:])),
            ("conversations.list", ask(slack, "conversations.list", [:])),
            ("conversations.open", ask(slack, "conversations.open", ["users": "U0SAMPLE01"])),
            ("users.lookupByEmail", ask(slack, "users.lookupByEmail", ["email": "ada@example.com"])),
            (
                "reactions.add",
                ask(slack, "reactions.add", ["channel": "C0GENERAL1", "timestamp": ts, "name": "eyes"])
            ),
        ]
        for (method, answer) in answers {
            #expect(answer["ok"] == true, "\(method)")
            #expect(description.missing(in: answer, of: method) == [], "\(method)")
        }
    }
}

/// The parts of Slack's published description that the test reads.
private struct SlackDescription {
    static let path =
        (ProcessInfo.processInfo.environment["VEROFORGE_SHARED"] ?? "../shared")
        + "/openapi/slack-web.swagger2.json"
    static var isAtHand: Bool { FileManager.default.fileExists(atPath: path) }

    private let document: JSONValue

    init() throws {
        document = try JSONValue.parse(Array(Data(contentsOf: URL(filePath: Self.path))))
    }

    /// Required members that the answer lacks and members that the closed schema does not know.
    func missing(in answer: JSONValue, of method: String) -> [String] {
        let operations = document["paths"]?["/\(method)"]?.objectValue ?? [:]
        let schema = operations.values.first?["responses"]?["200"]?["schema"]
        let required = (schema?["required"]?.arrayValue ?? []).compactMap(\.stringValue)
        let given = Set((answer.objectValue ?? [:]).keys)
        let known = Set((schema?["properties"]?.objectValue ?? [:]).keys)
        let closed = schema?["additionalProperties"] == false
        return required.filter { !given.contains($0) } + (closed ? given.subtracting(known).sorted() : [])
    }
}
