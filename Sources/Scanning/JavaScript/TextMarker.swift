/// What a text says by itself, whatever it is used for: one pass over its bytes, whatever the number of marks.
enum TextMarker {
    /// In the order in which a text's facts are named.
    private static let marks: [(fact: String, literals: [String])] = [
        (
            "text.credential-path",
            [
                "/.ssh/", ".ssh/id_", "id_rsa", "id_ed25519", ".aws/credentials", ".npmrc", ".netrc",
                ".git-credentials", ".docker/config.json", ".kube/config", "wallet.dat", "Login Data",
                "Local State", "cookies.sqlite", "logins.json", "key4.db", ".gnupg/",
                "application_default_credentials", ".config/gcloud", "/etc/shadow",
            ]
        ),
        (
            "text.webhook",
            [
                "discord.com/api/webhooks/", "discordapp.com/api/webhooks/", "api.telegram.org/bot",
                "webhook.site/", "pipedream.net", "requestbin.", "burpcollaborator.net", "oastify.com",
                "oast.fun", "oast.pro", "interact.sh", "ngrok.io", "ngrok-free.app", "trycloudflare.com",
                "transfer.sh", "pastebin.com/raw", "hastebin.com/raw", "paste.ee/r/", "dpaste.com/",
                "0x0.st", "file.io/", "anonfiles.com", "requestcatcher.com", "beeceptor.com",
            ]
        ),
        ("text.system-path", ["/etc/passwd", "/proc/self", "/etc/hosts", "/var/run/docker.sock"]),
        ("text.metadata-service", ["169.254.169.254", "metadata.google.internal"]),
        ("text.miner", ["stratum+tcp://", "coinhive", "xmrig", "minexmr"]),
        ("text.package-registry", ["registry.npmjs.org/-/"]),
        ("text.reverse-shell", ["/dev/tcp/", "bash -i", "nc -e ", "/bin/sh -i"]),
        // Of these both are needed for a download that is run.
        (download, ["curl ", "wget ", "Invoke-WebRequest", "DownloadString"]),
        (
            execution,
            ["| sh", "|sh", "| bash", "|bash", "IEX", "iex(", "| node", "|node", "| python", "&& chmod"]
        ),
        (address, ["://"]),
    ]
    private static let download = "download"
    private static let execution = "execution"
    private static let address = "address"

    private static let literals = LiteralSet(marks.flatMap(\.literals))
    /// For each literal, the bit of the mark that it belongs to.
    private static let bits: [UInt32] = marks.enumerated().flatMap { number, mark in
        mark.literals.map { _ in UInt32(1) << UInt32(number) }
    }

    static func facts(_ text: String) -> [String] {
        var text = text
        guard text.utf8.count >= 4, text.utf8.count <= 65_536 else { return [] }
        var seen: UInt32 = 0
        text.withUTF8 { bytes in literals.each(in: bytes) { literal, _ in seen |= bits[literal] } }
        guard seen != 0 else { return [] }
        let found = marks.indices.filter { seen & (1 << UInt32($0)) != 0 }.map { marks[$0].fact }
        var facts = found.filter { $0.hasPrefix("text.") }
        if found.contains(download), found.contains(execution) { facts.append("text.shell-download") }
        if found.contains(address), isRawAddress(text) { facts.append("text.raw-ip") }
        return facts
    }

    /// Networks of one's own, and those that documentation uses.
    private static let ownNetworks = [
        "127.", "0.", "10.", "192.168.", "192.0.2.", "198.51.100.", "203.0.113.",
    ]

    /// `http://1.2.3.4/…`, where the address is nobody's own.
    private static func isRawAddress(_ text: String) -> Bool {
        guard let scheme = text.firstRange(of: "://") else { return false }
        let host = text[scheme.upperBound...].prefix { $0 != "/" && $0 != ":" && $0 != "?" }
        let parts = host.split(separator: ".", omittingEmptySubsequences: false)
        guard parts.count == 4, parts.allSatisfy({ UInt8($0) != nil }) else { return false }
        return !ownNetworks.contains(where: host.hasPrefix)
    }
}
