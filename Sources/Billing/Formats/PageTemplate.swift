internal import Marketplace
internal import Mustache

/// What a page shows under one name.
enum PageValue: Sendable {
    case text(String)
    case flag(Bool)
    case part(PageModel)
    case list([PageModel])

    /// The same, as the template engine takes it.
    fileprivate var forTemplate: Any {
        switch self {
        case .text(let text): PageText(renderText: text)
        case .flag(let flag): flag
        case .part(let part): PageNames(model: part)
        case .list(let parts): parts.map(PageNames.init)
        }
    }
}

typealias PageModel = [String: PageValue]

/// What the engine asks a model for, name by name. For a dictionary it would find out anew each time how that is asked.
private struct PageNames: MustacheParent {
    let model: PageModel

    func child(named name: String) -> Any? { model[name]?.forTemplate }
}

/// A text that the engine takes as it is: it would describe any other value anew each time.
private struct PageText: MustacheCustomRenderable {
    let renderText: String
    let isNull = false
}

/// Escapes by bytes. The engine's own escaping goes by characters, and lets a quote through that a mark has joined.
private struct PageContent: MustacheContentType {
    func escapeText(_ text: String) -> String { HTMLEscape.text(text) }

    /// Stands before a template that is escaped so.
    static let pragma: String = {
        MustacheContentTypes.register(PageContent(), named: "PAGE")
        return "{{%CONTENT_TYPE:PAGE}}"
    }()
}

/// A page's template, read once for many pages.
struct PageTemplate: Sendable {
    private let template: MustacheTemplate

    init(_ text: String, subject: String) throws(BillingError) {
        do { template = try MustacheTemplate(string: PageContent.pragma + text) } catch {
            throw BillingError(.configuration, subject, "the template cannot be read: \(error)")
        }
    }

    func page(_ model: PageModel) -> [UInt8] { Array(template.render(PageNames(model: model)).utf8) }
}
