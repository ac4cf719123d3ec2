import Marketplace

/// Home, categories, publishers, pricing, search, 404.
struct GeneralPages: Sendable {
    let catalogue: Catalogue
    let shelves: Shelves

    private func frame(
        _ path: String, _ title: String, _ summary: String, section: String = "",
        crumbs: [(String, String)] = []
    ) -> PageFrame {
        PageFrame(
            settings: catalogue.settings, path: path, title: title, summary: summary, section: section,
            crumbs: crumbs)
    }

    func home(with templates: Templates) throws(PublishingError) -> [SiteFile] {
        let settings = catalogue.settings
        let newest = shelves.groups[0].shelves[1].cards.prefix(6)
        let rated = shelves.groups[0].shelves[2].cards.prefix(6)
        let versions = catalogue.entries.reduce(0) { $0 + $1.versions.count }
        let values = frame(
            "index.html", settings.name,
            "Plugins for your business application, each one checked, sandboxed and signed.",
            section: "home"
        ).values([
            "pluginCount": .text(Words.count(shelves.all.cards.count)),
            "publisherCount": .text(Words.count(catalogue.publishers.count)),
            "versionCount": .text(Words.count(versions)), "asOf": .text(Words.minute(catalogue.model.asOf)),
            "isEmpty": .flag(newest.isEmpty), "newest": newest.asList(\.values),
            "hasRated": .flag(!rated.isEmpty), "rated": rated.asList(\.values),
            "categories": shelves.categories.asList {
                [
                    "name": .text($0.title), "link": .text($0.path), "summary": .text($0.summary),
                    "count": .text(Words.count($0.cards.count, "plugin")),
                ]
            },
        ])
        return [SiteFile("index.html", try templates.render("home", values))]
    }

    func categories(with templates: Templates) throws(PublishingError) -> [SiteFile] {
        let values = frame(
            "categories/index.html", "Categories", "The shelves of the catalogue.", section: "plugins",
            crumbs: [("browse/", "Plugins")]
        ).values([
            "categories": shelves.categories.asList {
                [
                    "name": .text($0.title), "link": .text($0.path), "summary": .text($0.summary),
                    "count": .text(Words.count($0.cards.count, "plugin")),
                ]
            }
        ])
        return [SiteFile("categories/index.html", try templates.render("categories", values))]
    }

    func publishers(with templates: Templates) throws(PublishingError) -> [SiteFile] {
        let sorted = catalogue.publishers.values.sorted {
            ($0.name.lowercased(), $0.id) < ($1.name.lowercased(), $1.id)
        }
        let values = frame(
            "publishers/index.html", "Publishers", "Who makes the plugins, and how we know.",
            section: "publishers"
        ).values([
            "isEmpty": .flag(sorted.isEmpty),
            "publishers": sorted.asList {
                [
                    "name": .text($0.name), "id": .text($0.id), "link": .text("publishers/\($0.id)/"),
                    "verified": .flag($0.verified), "since": .optional($0.since),
                    "count": .text(Words.count(catalogue.entries(of: $0.id).count, "plugin")),
                ]
            },
        ])
        return [SiteFile("publishers/index.html", try templates.render("publishers", values))]
    }

    /// The split drawn on one example, in minor units: the platform bears the processor's fee from its share.
    func pricing(with templates: Templates) throws(PublishingError) -> [SiteFile] {
        let percent = catalogue.settings.developerSharePercent
        let examples = [2_900, 999, 1].map { net in
            // The developer's share is rounded half up to a cent; the platform gets what is left, so nothing is lost.
            let developer = (net * percent * 2 + 100) / 200
            let tax = (net * 20 * 2 + 100) / 200
            return (net: net, tax: tax, developer: developer, platform: net - developer)
        }
        func amount(_ minor: Int) -> String {
            let cents = minor % 100
            return "\(Words.count(minor / 100)).\(cents < 10 ? "0" : "")\(cents)"
        }
        let values = frame(
            "pricing/index.html", "What plugins cost",
            "Price models, and where the money goes, in whole cents.",
            section: "pricing"
        ).values([
            "developerPercent": .number(percent), "platformPercent": .number(100 - percent),
            "bar": .markup(Charts.split(percent: percent)),
            "examples": examples.asList {
                [
                    "net": .text(amount($0.net)), "tax": .text(amount($0.tax)),
                    "gross": .text(amount($0.net + $0.tax)),
                    "developer": .text(amount($0.developer)), "platform": .text(amount($0.platform)),
                ]
            },
        ])
        return [SiteFile("pricing/index.html", try templates.render("pricing", values))]
    }

    func search(with templates: Templates) throws(PublishingError) -> [SiteFile] {
        let values = frame(
            "search/index.html", "Search", "Find a plugin by name, word or publisher.", section: "search"
        ).values([
            "categories": catalogue.model.categories.asList {
                ["id": .text($0.id), "name": .text($0.title)]
            },
            "count": .text(Words.count(shelves.all.cards.count, "plugin")),
        ])
        return [SiteFile("search/index.html", try templates.render("search", values))]
    }

    func signIn(with templates: Templates) throws(PublishingError) -> [SiteFile] {
        let values = frame(
            "sign-in/index.html", "Sign in", "Exchange your token for a session of this browser."
        ).values(["live": false, "problem": .absent])
        return [SiteFile("sign-in/index.html", try templates.render("sign-in", values))]
    }

    func register(with templates: Templates) throws(PublishingError) -> [SiteFile] {
        let values = frame("register/index.html", "Become a publisher", "Register an id and a key.")
            .values(["live": false])
        return [SiteFile("register/index.html", try templates.render("register", values))]
    }

    func notFound(with templates: Templates) throws(PublishingError) -> [SiteFile] {
        let values = frame("404.html", "Page not found", "There is no page at this address.").values([:])
        return [SiteFile("404.html", try templates.render("404", values))]
    }
}

/// Drawings as inline SVG, with presentation attributes only: the pages' policy forbids inline style.
enum Charts {
    /// A bar cut in the developer's and the platform's share.
    static func split(percent: Int) -> String {
        let left = 600 * percent / 100
        return """
            <svg class="split" viewBox="0 0 600 44" role="img" aria-label="\(percent) % to the developer, \
            \(100 - percent) % to the platform"><rect class="bar-a" width="\(left)" height="44"></rect>\
            <rect class="bar-b" x="\(left)" width="\(600 - left)" height="44"></rect>\
            <text x="\(left / 2)" y="28" text-anchor="middle" class="on-bar">\(percent) % developer</text>\
            <text x="\(left + (600 - left) / 2)" y="28" text-anchor="middle" class="on-bar">\(100 - percent) % platform</text></svg>
            """
    }

    /// One bar a day; heights are integers of a fixed field.
    static func days(_ values: [(day: String, value: Int)], label: String) -> String {
        let top = max(1, values.map(\.value).max() ?? 1)
        let step = max(4, 600 / max(31, values.count))
        var bars = ""
        for (index, value) in values.enumerated() {
            let height = value.value * 100 / top
            bars +=
                "<rect class=\"bar-a\" x=\"\(index * step)\" y=\"\(104 - height)\" width=\"\(max(2, step - 2))\" "
                + "height=\"\(height)\"><title>\(HTMLEscape.text(value.day)): \(Words.count(value.value))</title></rect>"
        }
        return "<svg class=\"chart\" viewBox=\"0 0 \(max(600, step * values.count)) 106\" role=\"img\" "
            + "aria-label=\"\(HTMLEscape.text(label))\">\(bars)"
            + "<line class=\"axis\" x1=\"0\" y1=\"105\" x2=\"\(max(600, step * values.count))\" y2=\"105\"></line></svg>"
    }

    /// A quota as a bar of 100 units.
    static func quota(used: Int, included: Int) -> String {
        let filled = included > 0 ? min(100, used * 100 / included) : 100
        let kind = used > included ? "bar-over" : "bar-a"
        return "<svg class=\"quota\" viewBox=\"0 0 100 6\" preserveAspectRatio=\"none\" aria-hidden=\"true\">"
            + "<rect class=\"bar-c\" width=\"100\" height=\"6\"></rect>"
            + "<rect class=\"\(kind)\" width=\"\(filled)\" height=\"6\"></rect></svg>"
    }
}
