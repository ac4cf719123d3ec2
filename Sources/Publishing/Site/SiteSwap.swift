import FoundationEssentials
import Glibc

/// What is public: one symbolic link, replaced by one rename. Beside `builds` stand `records`, what each build was made
/// from, and `spare`: the build that fell out last, or before there is one, copies of the public build. The next build
/// writes only the difference into a spare one.
public enum SiteSwap {
    /// Points `<site>/public` at the build and keeps the one that was public before; of older ones one stays spare.
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
            if !keepSpare(name, in: site) { SiteFiles.remove("\(site)/builds/\(name)") }
        }
        let spare = Set(SiteFiles.list("\(site)/spare").map(digest(ofSpare:)))
        for name in SiteFiles.list("\(site)/records") where !kept.contains(name) && !spare.contains(name) {
            SiteFiles.remove("\(site)/records/\(name)")
        }
        layOutSpares(of: digest, in: site)
    }

    // MARK: The spare builds

    /// The public build, the one before it, and the spare one.
    private static let folders = 3

    /// A second spare folder of the same build has a point and a number behind the digest.
    private static func digest(ofSpare name: String) -> String { String(name.prefix { $0 != "." }) }

    /// Puts a build that fell out aside, if it has its record and none is there yet.
    private static func keepSpare(_ digest: String, in site: String) -> Bool {
        guard !digest.hasPrefix("."), SiteFiles.isFolder("\(site)/builds/\(digest)"),
            record(of: digest, in: site) != nil, SiteFiles.list("\(site)/spare").isEmpty
        else { return false }
        putAside("\(site)/builds/\(digest)", as: digest, in: site)
        return true
    }

    /// Makes a folder that holds the build `digest` a spare one.
    static func putAside(_ folder: String, as digest: String, in site: String) {
        mkdir("\(site)/spare", 0o755)
        let there = SiteFiles.list("\(site)/spare")
        let names = [digest] + (2...folders).map { "\(digest).\($0)" }
        if let name = names.first(where: { !there.contains($0) }),
            rename(folder, "\(site)/spare/\(name)") == 0
        {
            return
        }
        SiteFiles.remove(folder)
    }

    /// Links the public build into as many spare folders as are missing, so that the next build need not. A machine
    /// that cannot (another file system, a full disk) does without them.
    private static func layOutSpares(of digest: String, in site: String) {
        guard let record = record(of: digest, in: site) else { return }
        let builds = SiteFiles.list("\(site)/builds").count { $0.utf8.count == 64 }
        let spares = SiteFiles.list("\(site)/spare").count
        let missing = max(0, folders - builds - spares)
        for _ in 0..<missing {
            let copy = "\(site)/builds/.spare"
            SiteFiles.remove(copy)
            guard mkdir(copy, 0o755) == 0,
                SiteWriter(folder: copy).linkFiles(of: record, from: "\(site)/builds/\(digest)")
            else {
                SiteFiles.remove(copy)
                return
            }
            putAside(copy, as: digest, in: site)
        }
        // Or else the next build, which has little to write, waits until all these links are on the disk.
        if missing > 0 { try? SiteFiles.sync(site) }
    }

    /// Moves a spare build to `folder`, which is empty, and says what it holds; nothing where there is none.
    static func takeSpare(in site: String, as folder: String) -> BuildRecord? {
        for name in SiteFiles.list("\(site)/spare") {
            if let record = record(of: digest(ofSpare: name), in: site),
                rename("\(site)/spare/\(name)", folder) == 0
            {
                return record
            }
            SiteFiles.remove("\(site)/spare/\(name)")
        }
        return nil
    }

    static func record(of digest: String, in site: String) -> BuildRecord? {
        BuildRecord(file: "\(site)/records/\(digest)")
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
