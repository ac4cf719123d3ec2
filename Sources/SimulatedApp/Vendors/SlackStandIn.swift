public import Marketplace
import Synchronization

/// A strict, stateful stand-in of Slack's Web API: the methods that the launch plugin calls, answered in the shapes
/// of Slack's published description. An unknown method or argument, or a missing token, is a violation.
public final class SlackStandIn: VendorStandIn {
    /// A message that it holds.
    public struct Message: Sendable, Equatable {
        public let channel: String
        public let timestamp: String
        public let text: String
        /// The blocks as they were sent, JSON.
        public let blocks: JSONValue?
        public let thread: String?
        public let reactions: [String]
    }

    private struct State {
        var messages: [Message] = []
        var scheduled = 0
        var violations: [String] = []
        var clock: Int64
    }

    public let name = "slack"
    public let hosts = ["slack.com"]
    private let token: String
    private let state: Mutex<State>

    /// - Parameters:
    ///   - token: the bearer token that it accepts; empty accepts any that is there.
    ///   - now: the time of the first message; each later one comes a second after.
    public init(token: String = "", now: Instant = Instant(seconds: 1_767_225_600)) {
        self.token = token
        self.state = Mutex(State(clock: now.seconds))
    }

    /// The messages so far, in the order in which they came.
    public var messages: [Message] { state.withLock { $0.messages } }
    public var violations: [String] { state.withLock { $0.violations } }

    public func answer(_ request: VendorRequest) -> VendorAnswer {
        state.withLock { state in
            guard let method = request.path.hasPrefix("/api/") ? String(request.path.dropFirst(5)) : nil,
                let arguments = Self.arguments[method]
            else {
                state.violations.append("unknown path \(request.path)")
                return VendorAnswer(json: ["ok": false, "error": "unknown_method"])
            }
            if let refusal = refuseToken(request) {
                state.violations.append("\(method): \(refusal)")
                return VendorAnswer(json: ["ok": false, "error": .string(refusal)])
            }
            guard var fields = request.fields else {
                state.violations.append("\(method): the body is neither a form nor JSON")
                return VendorAnswer(json: ["ok": false, "error": "invalid_form_data"])
            }
            for item in request.query { fields[item.name] = .string(item.value) }
            let unknown = fields.keys.filter { !arguments.known.contains($0) }.sorted()
            if !unknown.isEmpty {
                state.violations.append("\(method): unknown arguments \(unknown.joined(separator: ", "))")
                return VendorAnswer(json: ["ok": false, "error": "invalid_arg_name"])
            }
            let missing = arguments.required.filter { (fields[$0] ?? .null).isNull }
            if !missing.isEmpty {
                state.violations.append("\(method): missing \(missing.joined(separator: ", "))")
                return VendorAnswer(json: ["ok": false, "error": "invalid_arguments"])
            }
            return VendorAnswer(json: Self.perform(method, fields, &state))
        }
    }

    private func refuseToken(_ request: VendorRequest) -> String? {
        guard let authorization = request.headers["authorization"], authorization.hasPrefix("Bearer ") else {
            return "not_authed"
        }
        let given = authorization.dropFirst(7)
        return given.isEmpty || (!token.isEmpty && given != token) ? "invalid_auth" : nil
    }

    private static func perform(
        _ method: String, _ fields: [String: JSONValue], _ state: inout State
    ) -> JSONValue {
        switch method {
        case "auth.test":
            return [
                "ok": true, "url": "https://example.slack.com/", "team": "Acme Field Services (sample)",
                "team_id": "T0SAMPLE01", "user": "veroforge", "user_id": "U0SAMPLE01", "bot_id": "B0SAMPLE01",
            ]
        case "chat.postMessage": return post(fields, &state)
        case "chat.scheduleMessage": return schedule(fields, &state)
        case "chat.update": return update(fields, &state)
        case "conversations.list":
            return [
                "ok": true, "channels": .array(channels.map(conversation)),
                "response_metadata": ["next_cursor": ""],
            ]
        case "conversations.info":
            guard let channel = channel(fields["channel"]) else { return failure("channel_not_found") }
            return ["ok": true, "channel": conversation(channel)]
        case "conversations.open": return ["ok": true, "channel": ["id": "D0SAMPLE01"]]
        case "reactions.add": return react(fields, &state)
        case "users.lookupByEmail":
            guard let email = fields["email"]?.stringValue, email.hasSuffix("@example.com") else {
                return failure("users_not_found")
            }
            return ["ok": true, "user": user(email)]
        case "views.open": return ["ok": true]
        default: return failure("unknown_method")
        }
    }

    private static func post(_ fields: [String: JSONValue], _ state: inout State) -> JSONValue {
        guard let channel = channel(fields["channel"]) else { return failure("channel_not_found") }
        let text = fields["text"]?.stringValue ?? ""
        let blocks = fields["blocks"]
        if text.isEmpty && (blocks ?? .null).isNull { return failure("no_text") }
        if text.utf8.count > 40_000 { return failure("msg_too_long") }
        let message = Message(
            channel: channel.id, timestamp: timestamp(&state), text: text, blocks: blocks,
            thread: fields["thread_ts"]?.stringValue, reactions: [])
        state.messages.append(message)
        return [
            "ok": true, "channel": .string(channel.id), "ts": .string(message.timestamp),
            "message": [
                "type": "message", "text": .string(text), "ts": .string(message.timestamp),
                "user": "U0SAMPLE01",
                "team": "T0SAMPLE01",
            ],
        ]
    }

    private static func schedule(_ fields: [String: JSONValue], _ state: inout State) -> JSONValue {
        guard let channel = channel(fields["channel"]) else { return failure("channel_not_found") }
        let asked = fields["post_at"]
        guard let at = asked?.integerValue ?? asked?.stringValue.flatMap(Int64.init) else {
            return failure("invalid_time")
        }
        if at <= state.clock { return failure("time_in_past") }
        state.scheduled += 1
        return [
            "ok": true, "channel": .string(channel.id), "post_at": .integer(at),
            "scheduled_message_id": .string("Q\(10_000_000 + state.scheduled)"),
            "message": [
                "type": "delayed_message", "text": .string(fields["text"]?.stringValue ?? ""),
                "bot_id": "B0SAMPLE01", "user": "U0SAMPLE01", "team": "T0SAMPLE01",
            ],
        ]
    }

    private static func update(_ fields: [String: JSONValue], _ state: inout State) -> JSONValue {
        guard let at = find(fields["channel"], fields["ts"], state) else {
            return failure("message_not_found")
        }
        let old = state.messages[at]
        let text = fields["text"]?.stringValue ?? old.text
        state.messages[at] = Message(
            channel: old.channel, timestamp: old.timestamp, text: text,
            blocks: fields["blocks"] ?? old.blocks,
            thread: old.thread, reactions: old.reactions)
        return [
            "ok": true, "channel": .string(old.channel), "ts": .string(old.timestamp), "text": .string(text),
            "message": ["text": .string(text)],
        ]
    }

    private static func react(_ fields: [String: JSONValue], _ state: inout State) -> JSONValue {
        guard let at = find(fields["channel"], fields["timestamp"], state),
            let name = fields["name"]?.stringValue
        else { return failure("message_not_found") }
        let old = state.messages[at]
        if old.reactions.contains(name) { return failure("already_reacted") }
        state.messages[at] = Message(
            channel: old.channel, timestamp: old.timestamp, text: old.text, blocks: old.blocks,
            thread: old.thread,
            reactions: old.reactions + [name])
        return ["ok": true]
    }

    private static func find(_ channel: JSONValue?, _ timestamp: JSONValue?, _ state: State) -> Int? {
        guard let id = self.channel(channel)?.id, let timestamp = timestamp?.stringValue else { return nil }
        return state.messages.firstIndex { $0.channel == id && $0.timestamp == timestamp }
    }

    private static func timestamp(_ state: inout State) -> String {
        state.clock += 1
        let count = String(state.messages.count + 1)
        return "\(state.clock).\(String(repeating: "0", count: 6 - min(6, count.count)))\(count)"
    }

    private static func failure(_ error: String) -> JSONValue { ["ok": false, "error": .string(error)] }
}

/// The sample workspace and the arguments of each method.
extension SlackStandIn {
    fileprivate struct Channel { let id: String, name: String }
    fileprivate struct Arguments { let required: [String], known: Set<String> }

    fileprivate static let channels = [
        Channel(id: "C0GENERAL1", name: "general"), Channel(id: "C0DISPATCH", name: "dispatch"),
        Channel(id: "C0BILLING1", name: "billing"), Channel(id: "C0ALERTS01", name: "alerts"),
        Channel(id: "C0SERVICE1", name: "service-desk"),
    ]

    /// A channel by id, `name` or `#name`; an id of a direct conversation is taken as it is.
    fileprivate static func channel(_ value: JSONValue?) -> Channel? {
        guard let text = value?.stringValue else { return nil }
        if text.hasPrefix("D0") || text.hasPrefix("U0") { return Channel(id: text, name: text) }
        let name = text.hasPrefix("#") ? String(text.dropFirst()) : text
        return channels.first { $0.id == text || $0.name == name }
    }

    fileprivate static func conversation(_ channel: Channel) -> JSONValue {
        [
            "id": .string(channel.id), "name": .string(channel.name),
            "name_normalized": .string(channel.name),
            "is_channel": true, "is_group": false, "is_im": false, "is_mpim": false, "is_private": false,
            "is_archived": false, "is_general": .bool(channel.name == "general"), "is_member": true,
            "is_shared": false, "is_org_shared": false, "created": 1_767_225_600, "creator": "U0SAMPLE01",
            "topic": ["value": "", "creator": "U0SAMPLE01", "last_set": 0],
            "purpose": ["value": "", "creator": "U0SAMPLE01", "last_set": 0],
        ]
    }

    fileprivate static func user(_ email: String) -> JSONValue {
        let name = String(email.prefix { $0 != "@" })
        return [
            "id": .string("U0" + name.uppercased().filter { $0.isASCII && ($0.isLetter || $0.isNumber) }),
            "name": .string(name), "is_bot": false, "is_app_user": false, "updated": 1_767_225_600,
            "team_id": "T0SAMPLE01",
            "profile": [
                "email": .string(email), "real_name": .string(name), "display_name": .string(name),
                "real_name_normalized": .string(name), "display_name_normalized": .string(name),
                "avatar_hash": "000000000000", "status_text": "", "status_emoji": "",
            ],
        ]
    }

    fileprivate static let arguments: [String: Arguments] = {
        func method(_ required: [String], _ optional: [String] = []) -> Arguments {
            Arguments(required: required, known: Set(required + optional))
        }
        let posting = [
            "as_user", "attachments", "blocks", "icon_emoji", "icon_url", "link_names", "metadata", "mrkdwn",
            "parse",
            "reply_broadcast", "text", "thread_ts", "unfurl_links", "unfurl_media", "username",
        ]
        return [
            "auth.test": method([]),
            "chat.postMessage": method(["channel"], posting),
            "chat.scheduleMessage": method(["channel", "post_at"], posting),
            "chat.update": method(["channel", "ts"], posting),
            "conversations.info": method(["channel"], ["include_locale", "include_num_members"]),
            "conversations.list": method([], ["cursor", "exclude_archived", "limit", "types"]),
            "conversations.open": method([], ["channel", "return_im", "users"]),
            "reactions.add": method(["channel", "name", "timestamp"]),
            "users.lookupByEmail": method(["email"]),
            "views.open": method(["view"], ["trigger_id"]),
        ]
    }()
}
