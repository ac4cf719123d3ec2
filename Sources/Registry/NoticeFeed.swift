// A tenant's notices as an Atom feed (RFC 4287).
import Marketplace

public enum NoticeFeed {
    /// The feed; `base` is the URL of the folder it is served from, without a slash at its end. Its time is that of the
    /// newest notice, so equal notices give equal bytes.
    public static func atom(for tenant: Tenant, notices: [Notice], base: String) -> [UInt8] {
        let newest = notices.map(\.createdAt).max() ?? tenant.createdAt
        var text = """
            <?xml version="1.0" encoding="utf-8"?>
            <feed xmlns="http://www.w3.org/2005/Atom">
            <id>\(XMLText.escaped("\(base)/\(tenant.id)/feed.atom"))</id>
            <title>\(XMLText.escaped("Notices for \(tenant.name)"))</title>
            <updated>\(newest)</updated>
            <link rel="self" href="\(XMLText.escaped("\(base)/\(tenant.id)/feed.atom"))"/>
            <author><name>VeroForge Marketplace</name></author>

            """
        for notice in notices.sorted(by: { $0.id > $1.id }) {
            text += """
                <entry>
                <id>\(XMLText.escaped("\(base)/\(tenant.id)/notices/\(notice.id)"))</id>
                <title>\(XMLText.escaped(notice.title))</title>
                <updated>\(notice.createdAt)</updated>
                <category term="\(notice.kind.rawValue)"/>
                <content type="text">\(XMLText.escaped(notice.sentences))</content>
                </entry>

                """
        }
        return Array((text + "</feed>\n").utf8)
    }
}

extension Notice {
    private func text(_ key: String) -> String { body[key]?.stringValue ?? "" }

    /// One line.
    public var title: String {
        let plugin = text("plugin")
        return switch kind {
        case .updateWaiting: "\(plugin): version \(text("version")) waits for you"
        case .updated: "\(plugin): updated to \(text("version"))"
        case .deprecated: "\(plugin): version \(text("version")) is deprecated"
        case .yanked: "\(plugin): version \(text("version")) was withdrawn"
        case .revoked: "\(plugin): version \(text("version")) was revoked"
        }
    }

    /// What it means and what to do, in plain words.
    public var sentences: String {
        switch kind {
        case .updateWaiting:
            let grown = (body["newPermissions"]?.arrayValue ?? []).compactMap(\.stringValue)
            var text = "Version \(self.text("installed")) runs on until you approve \(self.text("version"))."
            if !grown.isEmpty { text += " It asks for more: \(grown.joined(separator: "; "))." }
            if body["priceChanges"]?.boolValue == true { text += " Its price is another." }
            if body["securityFix"]?.boolValue == true { text += " It mends a security hole." }
            return text
        case .updated: return "Nothing more was asked for, and your policy allows such updates."
        case .deprecated: return text("message")
        case .yanked: return "It runs on here, and can no longer be installed anew. Reason: \(text("reason"))"
        case .revoked: return "Reason: \(text("reason")). Evidence: \(text("evidence"))"
        }
    }
}
