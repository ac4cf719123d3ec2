import FoundationEssentials
import Glibc

/// What is public: one symbolic link, replaced by one rename.
public enum SiteSwap {
    /// Points `<site>/public` at the build and keeps the one that was public before; older ones are removed.
    public static func publish(_ build: SiteBuild, in site: String) throws(PublishingError) {
        try publish(digest: build.digest, in: site)
    }

    /// The same, for a build that is there under its digest: how to go back.
    public static func publish(digest: String, in site: String) throws(PublishingError) {
        guard SiteFiles.isFolder("\(site)/builds/\(digest)") else {
            throw PublishingError(.file, subject: "builds/\(digest)", cause: "is not there")
        }
        let before = current(in: site)
        if before != digest {
            let next = "\(site)/.public-\(digest.prefix(12))"
            unlink(next)
            guard symlink("builds/\(digest)", next) == 0 else {
                throw SiteFiles.failure("cannot be made", next)
            }
            guard rename(next, "\(site)/public") == 0 else {
                throw SiteFiles.failure("cannot be put in place", "\(site)/public")
            }
        }
        let kept = try keep(digest, before: before, in: site)
        for name in SiteFiles.list("\(site)/builds") where !kept.contains(name) {
            SiteFiles.remove("\(site)/builds/\(name)")
        }
    }

    /// The digest of the public build, or nil before the first one.
    public static func current(in site: String) -> String? {
        guard let target = try? FileManager.default.destinationOfSymbolicLink(atPath: "\(site)/public"),
            let name = target.split(separator: "/").last
        else { return nil }
        return String(name)
    }

    /// Remembers which build was public before, in a file beside them, so that publishing the same build again
    /// does not forget it.
    private static func keep(_ digest: String, before: String?, in site: String) throws(PublishingError)
        -> Set<String>
    {
        let note = "\(site)/builds/previous"
        var previous = (try? SiteFiles.bytes(of: note)).map { String(decoding: $0, as: UTF8.self) }
        if let before, before != digest {
            previous = before
            unlink(note)
            try SiteFiles.write(Array(before.utf8), to: note)
        }
        return Set(["previous", digest] + (previous.map { [$0] } ?? []))
    }
}
