import Dispatch
import Synchronization

/// Catalogues of any size for benches and tests of scale: the same number and seed give the same catalogue. Names are
/// invented from syllables.
public enum GeneratedCatalogue {
    /// A catalogue whose texts are not rendered yet: one README for each entry, in their order.
    public struct Draft: Sendable {
        public var model: SiteModel
        public var readmes: [String]
    }

    /// A site with so many plugins of a twentieth as many publishers. READMEs are 1 to 30 KB of Markdown.
    public static func model(plugins: Int, seed: UInt64 = 1) -> SiteModel {
        let draft = draft(plugins: plugins, seed: seed)
        return rendered(draft.model, readmes: draft.readmes.map { Array($0.utf8) })
    }

    public static func draft(plugins: Int, seed: UInt64 = 1) -> Draft {
        var chance = SeededChance(state: seed)
        let publishers = (0..<max(1, plugins / 20)).map { number in
            PublisherPage(
                id: "publisher-\(number)", name: "\(chance.title(2)) (generated)", verified: number % 3 != 0,
                verifiedHow: "generated", since: "2026-01-01")
        }
        var readmes: [String] = []
        let entries = (0..<plugins).map {
            entry($0, publishers[$0 % publishers.count].id, &chance, &readmes)
        }
        let model = SiteModel(
            settings: SiteSettings(), asOf: "2026-03-01T00:00:00Z", publishers: publishers, entries: entries,
            docs: ["index", "concepts", "installing", "verifying"].map {
                DocSource(path: "\($0).md", text: "# Page \($0)\n\nText.\n")
            })
        return Draft(model: model, readmes: readmes)
    }

    /// The model with the READMEs as HTML, made over the cores.
    public static func rendered(_ model: SiteModel, readmes: [[UInt8]]) -> SiteModel {
        let texts = Mutex([RenderedMarkdown?](repeating: nil, count: readmes.count))
        DispatchQueue.concurrentPerform(iterations: readmes.count) { index in
            let text = Markdown.render(readmes[index], profile: .untrusted())
            texts.withLock { $0[index] = text }
        }
        var model = model
        for (index, text) in texts.withLock({ $0 }).enumerated() {
            model.entries[index].versions[0].readme = text
        }
        return model
    }

    /// The bundles that the pages link to, as files of a few bytes.
    public static func extraFiles(of model: SiteModel) -> [SiteFile] {
        model.entries.flatMap(\.versions).map { SiteFile("bundles/\($0.sha256).vfp", Array($0.sha256.utf8)) }
    }

    /// The Markdown of a README of about so many bytes.
    public static func readme(bytes: Int, seed: UInt64) -> String {
        var chance = SeededChance(state: seed)
        var text = "# \(chance.title(3))\n\n"
        while text.utf8.count < bytes {
            switch chance.next(below: 8) {
            case 0: text += "## \(chance.title(3))\n\n"
            case 1: text += "| key | meaning |\n|---|---|\n| `\(chance.word())` | \(chance.words(5)) |\n\n"
            case 2: text += "- \(chance.words(6))\n- [x] \(chance.words(4))\n\n"
            case 3:
                text +=
                    "```js\nconst \(chance.word()) = \"\(chance.words(2))\"; // \(chance.words(3))\n```\n\n"
            case 4: text += "> [!NOTE]\n> \(chance.words(12))\n\n"
            case 5: text += "See [\(chance.words(2))](https://example.com/\(chance.word())).\n\n"
            default: text += "\(chance.words(40)), *\(chance.words(3))* and **\(chance.word())**.\n\n"
            }
        }
        return text
    }

    private static func entry(
        _ number: Int, _ publisher: String, _ chance: inout SeededChance, _ readmes: inout [String]
    ) -> CatalogueEntry {
        let models = ["freemium", "subscription", "payPerUse", "oneTime"]
        return CatalogueEntry(
            publisher: publisher, name: "plugin-\(number)", title: chance.title(2),
            summary: "\(chance.title(14)).",
            category: CategoryInfo.standard[chance.next(below: CategoryInfo.standard.count)].id,
            author: "Generated",
            license: "MIT", keywords: [chance.word(), chance.word()],
            pricing: PricingInfo(
                model: models[chance.next(below: models.count)],
                plans: [PlanInfo(id: "pro", amount: "\(1 + chance.next(below: 90)).00", interval: "month")]),
            rating: chance.next(below: 2) == 0
                ? nil : RatingSummary(count: 10, sum: 20 + chance.next(below: 31)),
            installs: chance.next(below: 5_000), versions: [version(&chance, &readmes)])
    }

    private static func version(_ chance: inout SeededChance, _ readmes: inout [String]) -> ListedVersion {
        readmes.append(readme(bytes: 1_000 + chance.next(below: 29_000), seed: chance.next()))
        let operations = ["readData", "writeData", "fetch"]
        let permissions = (0..<chance.next(below: 4)).map { _ in
            PermissionRow(
                operation: operations[chance.next(below: 3)], target: chance.word(), purpose: chance.words(5),
                detected: [SourcePlace(file: "dist/index.js", line: 1 + chance.next(below: 400))],
                observed: chance.next(below: 9))
        }
        return ListedVersion(
            version: "1.\(chance.next(below: 30)).\(chance.next(below: 10))", sha256: chance.digest(),
            bytes: 2_000 + chance.next(below: 200_000),
            listedAt: "2026-02-\(10 + chance.next(below: 18))T08:00:00Z",
            permissions: permissions,
            actions: [ActionInfo(name: chance.word(), summary: chance.words(7))], verdict: .clean,
            checks: [
                CheckRow(name: "yara", result: "passed", files: 9),
                CheckRow(name: "secrets", result: "passed", files: 9),
            ],
            trial: TrialSummary(
                backEnd: "native", startMs: 1 + chance.next(below: 9),
                memoryKiBMax: 900 + chance.next(below: 4_000),
                cpuMs: chance.next(below: 90), wallMs: 50 + chance.next(below: 900),
                actions: [TrialAction(name: "run", outcome: "ok", wallMs: 9, cpuMs: 3, operations: 2)]))
    }
}

/// A small seeded sequence (SplitMix64), so that generated catalogues are the same everywhere.
private struct SeededChance {
    var state: UInt64

    private static let syllables = [
        "ba", "cor", "da", "el", "fi", "gan", "hu", "in", "jo", "ka", "lor", "mi", "na", "or", "pel", "qua",
        "ri", "so",
        "ta", "ul", "ver", "wi", "xan", "yo", "zen",
    ]

    mutating func next() -> UInt64 {
        state &+= 0x9E37_79B9_7F4A_7C15
        var mixed = state
        mixed = (mixed ^ (mixed >> 30)) &* 0xBF58_476D_1CE4_E5B9
        mixed = (mixed ^ (mixed >> 27)) &* 0x94D0_49BB_1331_11EB
        return mixed ^ (mixed >> 31)
    }

    mutating func next(below bound: Int) -> Int { Int(next() % UInt64(max(1, bound))) }

    mutating func word() -> String {
        (0..<(2 + next(below: 2))).map { _ in Self.syllables[next(below: Self.syllables.count)] }.joined()
    }

    mutating func words(_ count: Int) -> String { (0..<count).map { _ in word() }.joined(separator: " ") }

    mutating func title(_ count: Int) -> String {
        let text = words(count)
        return text.prefix(1).uppercased() + text.dropFirst()
    }

    mutating func digest() -> String {
        var out = ""
        for _ in 0..<4 {
            let part = String(next(), radix: 16)
            out += String(repeating: "0", count: 16 - part.utf8.count) + part
        }
        return out
    }
}
