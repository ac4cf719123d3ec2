/// Pages that only the runtime answers with: signing in, registering, and what came of a form. A form is answered at the
/// address that it was sent to, so these pages name style and script from the site's root, not from where they stand.
public struct LivePages: Sendable {
    let pages: PrivatePages

    public init(templates: Templates, settings: PrivateSettings) {
        pages = PrivatePages(templates: templates, settings: settings)
    }

    /// The sign-in form; `problem` says why the last try failed.
    public func signIn(problem: String? = nil) throws(PublishingError) -> [UInt8] {
        let frame = PageFrame(
            settings: pages.settings.site, path: "sign-in/index.html", title: "Sign in",
            summary: "Exchange your token for a session of this browser.")
        return try pages.templates.render(
            "sign-in",
            frame.values(["live": true, "problem": .optional(problem)], root: pages.settings.publicRoot))
    }

    /// The form by which a developer becomes a publisher.
    public func register() throws(PublishingError) -> [UInt8] {
        let frame = PageFrame(
            settings: pages.settings.site, path: "register/index.html", title: "Become a publisher",
            summary: "Register an id and a key.")
        return try pages.templates.render(
            "register", frame.values(["live": true], root: pages.settings.publicRoot))
    }

    /// What came of a form.
    public struct Answer: Sendable {
        public var heading: String
        public var words: String
        public var isGood: Bool
        /// A token, shown this once.
        public var secret: String?
        /// JSON as text.
        public var document: String?
        /// What is wrong with which field.
        public var points: [(place: String, message: String)] = []
        /// Where the reader came from, and its name.
        public var back: String
        public var backWords: String
        /// When, RFC 3339.
        public var asOf: String

        public init(
            heading: String, words: String, isGood: Bool, back: String, backWords: String, asOf: String
        ) {
            self.heading = heading
            self.words = words
            self.isGood = isGood
            self.back = back
            self.backWords = backWords
            self.asOf = asOf
        }
    }

    public func answer(_ answer: Answer) throws(PublishingError) -> [UInt8] {
        let values = pages.values(
            path: "answer/index.html", title: answer.heading, area: answer.backWords, asOf: answer.asOf,
            home: answer.back, root: pages.settings.publicRoot,
            [
                "heading": .text(answer.heading), "words": .text(answer.words),
                "isGood": .flag(answer.isGood),
                "secret": .optional(answer.secret), "document": .optional(answer.document),
                "points": answer.points.isEmpty
                    ? .list([])
                    : .list([
                        [
                            "list": answer.points.asList {
                                ["place": .text($0.place), "message": .text($0.message)]
                            }
                        ]
                    ]), "back": .text(answer.back), "backWords": .text(answer.backWords),
            ])
        return try pages.templates.render("answer", values)
    }
}
