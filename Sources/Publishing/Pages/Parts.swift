/// The records of what stands on more than one kind of page.
enum Parts {
    /// One record: the bundle's own picture, or the title's first letter.
    static func icon(_ entry: CatalogueEntry) -> TemplateValue {
        [
            "picture": entry.icon.map {
                .list([
                    ["link": .text($0.sitePath), "width": .number($0.width), "height": .number($0.height)]
                ])
            } ?? .list([]),
            "letter": .text(String(entry.title.prefix(1)).uppercased()),
            "hue": .text("hue-\(entry.id.utf8.reduce(0) { ($0 * 31 + Int($1)) % 6 })"),
        ]
    }

    static func rating(_ rating: RatingSummary?) -> TemplateValue {
        guard let rating, rating.count > 0 else { return .list([]) }
        return .list([
            ["mean": .text(Words.mean(rating)), "count": .text(Words.count(rating.count, "review"))]
        ])
    }

    static func permission(_ row: PermissionRow) -> TemplateValue {
        let consequence = PlainWords.consequence(row)
        return [
            "words": .text(PlainWords.permission(row)), "operation": .text(row.operation),
            "target": .text(row.target), "methods": .optional(row.methods.joined(separator: " ")),
            "purpose": .optional(row.purpose), "declared": .flag(row.declared),
            "detected": row.detected.prefix(5).asList { ["place": .text("\($0.file):\($0.line)")] },
            "detectedMore": .optional(row.detected.count > 5 ? "and \(row.detected.count - 5) more" : nil),
            "isDetected": .flag(!row.detected.isEmpty), "observed": .text(Words.count(row.observed)),
            "isObserved": .flag(row.observed > 0), "change": .text(change(row.change)),
            "changeClass": .text(row.change.rawValue), "consequence": .text(consequence),
            "isWarning": .flag(
                !row.declared || row.change == .added || row.change == .changed
                    || (row.detected.isEmpty && row.observed == 0 && row.change != .removed)),
        ]
    }

    static func change(_ change: PermissionChange) -> String {
        switch change {
        case .first: "first version"
        case .same: "unchanged"
        case .added: "added"
        case .removed: "removed"
        case .changed: "changed"
        }
    }

    static func finding(_ finding: FindingRow, isRuleListed: Bool) -> TemplateValue {
        let place =
            finding.file.isEmpty ? "" : finding.line > 0 ? "\(finding.file):\(finding.line)" : finding.file
        return [
            "rule": .text(finding.rule), "kind": .text(finding.kind), "severity": .text(finding.severity),
            "place": .optional(place), "message": .text(finding.message), "why": .optional(finding.why),
            "legitimate": .optional(finding.legitimate), "isNew": .flag(finding.isNew),
            "ruleLink": isRuleListed
                ? .list([["anchor": .text("docs/reference/rules/#\(MarkdownHeadings.slug(finding.rule))")]])
                : .list([]),
            "isRulePlain": .flag(!isRuleListed), "hasExcerpt": .flag(!finding.excerpt.isEmpty),
            "excerpt": finding.excerpt.asList {
                ["number": .number($0.number), "text": .text($0.text), "marked": .flag($0.marked)]
            },
        ]
    }

    /// New ones first, then by severity, file, line.
    static func sorted(_ findings: [FindingRow]) -> [FindingRow] {
        let order = ["critical", "high", "medium", "low", "info"]
        func rank(_ finding: FindingRow) -> Int { order.firstIndex(of: finding.severity) ?? order.count }
        return findings.sorted {
            ($0.isNew ? 0 : 1, rank($0), $0.file, $0.line, $0.rule) < (
                $1.isNew ? 0 : 1, rank($1), $1.file, $1.line, $1.rule
            )
        }
    }

    static func check(_ check: CheckRow) -> TemplateValue {
        [
            "name": .text(check.name), "result": .text(check.result), "detail": .optional(check.detail),
            "files": .text(check.files == 0 ? "" : Words.count(check.files)),
            "isGood": .flag(check.result == "passed"),
            "isBad": .flag(check.result != "passed" && check.result != "skipped"),
        ]
    }

    static func trial(_ trial: TrialSummary?) -> TemplateValue {
        guard let trial else { return .list([]) }
        return .list([
            [
                "backEnd": .text(trial.backEnd), "startMs": .text(Words.count(trial.startMs)),
                "memory": .text(Words.bytes(trial.memoryKiBMax * 1_024)),
                "cpuMs": .text(Words.count(trial.cpuMs)),
                "wallMs": .text(Words.count(trial.wallMs)),
                "actions": trial.actions.asList {
                    [
                        "name": .text($0.name), "outcome": .text($0.outcome),
                        "isGood": .flag($0.outcome == "ok"),
                        // The plugin said no to what the trial sent: that is an answer.
                        "isRefused": .flag($0.outcome == "refused"),
                        "isBad": .flag($0.outcome != "ok" && $0.outcome != "refused"),
                        "wallMs": .text(Words.count($0.wallMs)), "cpuMs": .text(Words.count($0.cpuMs)),
                        "operations": .text(Words.count($0.operations)), "detail": .text($0.detail),
                    ]
                },
                "hasOperations": .flag(!trial.operations.isEmpty),
                "operations": trial.operations.asList {
                    [
                        "operation": .text($0.operation), "target": .text($0.target),
                        "count": .text(Words.count($0.count)), "allowed": .flag($0.allowed),
                    ]
                },
                "hasEvents": .flag(!trial.events.isEmpty),
                "events": trial.events.asList {
                    [
                        "at": .text(Words.count($0.atMs)), "kind": .text($0.kind), "detail": .text($0.detail),
                        "isBad": .flag($0.kind == "denied" || $0.kind == "limit"),
                    ]
                },
            ]
        ])
    }

    static func plan(_ plan: PlanInfo, _ currency: String) -> TemplateValue {
        let isFree = Words.isZero(plan.amount)
        return [
            "id": .text(plan.id),
            "price": .text(
                isFree ? (plan.charges.isEmpty ? "Free" : "No fixed fee") : "\(plan.amount) \(currency)"),
            "interval": .optional(isFree ? nil : PriceWords.interval(plan.interval)),
            "trial": .optional(plan.trialDays > 0 ? "\(Words.count(plan.trialDays, "day")) to try it" : nil),
            "hasIncluded": .flag(!plan.included.isEmpty),
            "included": plan.included.asList {
                ["line": .text("\(Words.count($0.quantity)) \(Words.metric($0.metric)) included")]
            },
            "charges": plan.charges.flatMap { PriceWords.lines($0, currency) }.asList { ["line": .text($0)] },
        ]
    }

    static func dependency(_ row: DependencyRow) -> TemplateValue {
        [
            "name": .text(row.name), "version": .text(row.version), "kind": .text(row.kind),
            "license": .text(row.license ?? "unknown"), "hasAdvisories": .flag(!row.advisories.isEmpty),
            "advisories": .text(row.advisories.joined(separator: ", ")),
        ]
    }

    static func file(_ file: BundleFile) -> TemplateValue {
        [
            "path": .text(file.path), "bytes": .text(Words.bytes(file.bytes)), "sha256": .text(file.sha256),
            "short": .text(Words.short(file.sha256)), "status": .text(file.status),
            "why": .text(file.why ?? ""),
            "isWhole": .flag(file.status == "scanned"),
        ]
    }

    static func verdict(_ verdict: Verdict) -> TemplateValue {
        let (title, words) =
            switch verdict {
            case .clean: ("Clean", "every check ran and found nothing that speaks against it")
            case .review: ("For review", "a person decided, or has to")
            case .reject: ("Rejected", "a rule that admits no exception was broken")
            case .incomplete: ("Incomplete", "a check did not run to its end; that is never counted as clean")
            }
        return ["id": .text(verdict.rawValue), "title": .text(title), "words": .text(words)]
    }

    /// Rendered text with its images' addresses made relative to the page, and its ids under `idPrefix` where a page
    /// shows two texts.
    static func markdown(
        _ text: RenderedMarkdown?, root: String, idPrefix: String? = nil
    ) -> TemplateValue {
        guard let text, !text.html.html.isEmpty else { return .list([]) }
        var html = text.html.html
        if let idPrefix {
            for attribute in ["id=\"", "href=\"#"] {
                html = html.split(separator: "\(attribute)readme-", omittingEmptySubsequences: false)
                    .joined(separator: "\(attribute)\(idPrefix)")
            }
        }
        let own =
            html.utf8.contains(UInt8(ascii: "@"))
            ? html.split(separator: "src=\"@root/", omittingEmptySubsequences: false)
                .joined(separator: "src=\"\(root)") : html
        return .list([["html": .markup(own), "truncated": .flag(text.truncated)]])
    }

    /// Links to a text's headings, those of the two upper levels it uses.
    static func contents(_ headings: [MarkdownHeading], levels: ClosedRange<Int>) -> TemplateValue {
        headings.filter { levels.contains($0.level) }.prefix(100).asList {
            ["id": .text($0.id), "name": .text($0.text), "level": .text("level-\($0.level)")]
        }
    }
}
