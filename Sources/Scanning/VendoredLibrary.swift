internal import Marketplace

/// A library that somebody copied into the bundle: recognised by its banner or by the constant in which it keeps its
/// version, where no lockfile names it.
enum VendoredLibrary {
    struct Match: Codable, Sendable, Equatable {
        var name: String
        var version: String
        var place: FileSummary.Place
    }

    /// How a library says who it is: a text that stands directly before its version, and one that must be near it.
    struct Mark: Sendable {
        var name: String
        var before: String
        /// Another text of the same file that only this library has; empty where the first says enough.
        var beside: String
    }

    /// Banners, and constants that survive minifying because they are texts or properties.
    static let marks: [Mark] = [
        Mark(name: "jquery", before: "jQuery JavaScript Library v", beside: ""),
        Mark(name: "jquery", before: "/*! jQuery v", beside: ""),
        Mark(name: "jquery-ui", before: "/*! jQuery UI - v", beside: ""),
        Mark(name: "lodash", before: "var VERSION = '", beside: "lodash"),
        Mark(name: "lodash", before: ".VERSION=\"", beside: "__lodash_hash_undefined__"),
        Mark(name: "underscore", before: "//     Underscore.js ", beside: ""),
        Mark(name: "moment", before: "//! version : ", beside: "//! moment.js"),
        Mark(name: "moment", before: ".version=\"", beside: "_isAMomentObject"),
        Mark(name: "handlebars", before: "handlebars v", beside: ""),
        Mark(name: "handlebars", before: ".VERSION=\"", beside: "HandlebarsEnvironment"),
        Mark(name: "bootstrap", before: "* Bootstrap v", beside: ""),
        Mark(name: "vue", before: "* Vue.js v", beside: ""),
        Mark(name: "react", before: "/** @license React v", beside: "react.production"),
        Mark(name: "angular", before: "AngularJS v", beside: ""),
        Mark(name: "axios", before: "/*! Axios v", beside: ""),
        Mark(name: "axios", before: "/* axios v", beside: ""),
        Mark(name: "dompurify", before: "/*! @license DOMPurify ", beside: ""),
        Mark(name: "marked", before: "* marked v", beside: ""),
        Mark(name: "mustache", before: "mustache.version = '", beside: ""),
        Mark(name: "ejs", before: "exports.VERSION = '", beside: "EJS"),
        Mark(name: "d3", before: "// https://d3js.org v", beside: ""),
        Mark(name: "chart.js", before: "* Chart.js v", beside: ""),
        Mark(name: "highlight.js", before: "Highlight.js v", beside: ""),
        Mark(name: "socket.io-client", before: "* Socket.IO v", beside: ""),
        Mark(name: "knockout", before: "// Knockout JavaScript library v", beside: ""),
        Mark(name: "backbone", before: "//     Backbone.js ", beside: ""),
        Mark(name: "ember-source", before: "* @version   ", beside: "Ember.js"),
        Mark(name: "minimatch", before: "minimatch@", beside: "brace-expansion"),
        Mark(name: "core-js", before: "version:\"", beside: "core-js/blob/"),
        Mark(name: "core-js", before: "version: '", beside: "core-js/blob/"),
        Mark(name: "prismjs", before: "/* PrismJS ", beside: ""),
        Mark(name: "crypto-js", before: "CryptoJS v", beside: ""),
        Mark(name: "node-forge", before: "* Forge v", beside: ""),
        Mark(name: "xlsx", before: "XLSX.version = '", beside: ""),
        Mark(name: "pdfjs-dist", before: "pdfjsVersion = '", beside: ""),
        Mark(name: "pdfjs-dist", before: "pdfjsVersion = ", beside: "pdfjsBuild"),
        Mark(name: "validator", before: "var version = '", beside: "isMobilePhone"),
        Mark(name: "bluebird", before: "* bluebird build version ", beside: ""),
        Mark(name: "sweetalert2", before: "* sweetalert2 v", beside: ""),
        Mark(name: "tinymce", before: "* TinyMCE version ", beside: ""),
    ]

    /// Whole files that are known by their SHA-256, for libraries that carry neither banner nor constant. The list is
    /// the rules': `rules/libraries.tsv`.
    struct Files: Sendable {
        private(set) var known: [String: (name: String, version: String)] = [:]

        init() {}

        /// `sha256 TAB name TAB version` a line; `#` begins a comment.
        init(_ text: [UInt8], name: String) throws(ScanError) {
            for line in String(decoding: text, as: UTF8.self).split(separator: "\n")
            where !line.hasPrefix("#") {
                let parts = line.split(separator: "\t").map(String.init)
                guard parts.count == 3, parts[0].utf8.count == 64, Version(parts[2]) != nil else {
                    throw ScanError(
                        .badRule, subject: name, cause: "sha256, name and version are needed: \(line)")
                }
                known[parts[0]] = (parts[1], parts[2])
            }
        }
    }

    /// Every library of which a mark stands in a text, each once, in the order of names.
    static func find(in text: SourceText, sha256: String, files: Files) -> [Match] {
        var found: [String: Match] = [:]
        func place(_ offset: Int) -> FileSummary.Place {
            let (line, column) = text.position(offset)
            let (evidence, caret) = text.excerptAndCaret(offset)
            return FileSummary.Place(line: line, column: column, evidence: evidence, caret: caret)
        }
        for item in Self.compiled where found[item.mark.name] == nil {
            guard let end = ByteSearch.first(item.before, in: text.bytes) else { continue }
            guard item.beside.isEmpty || ByteSearch.first(item.beside, in: text.bytes) != nil else {
                continue
            }
            guard let version = version(text.bytes, from: end + item.before.count) else { continue }
            found[item.mark.name] = Match(name: item.mark.name, version: version, place: place(end))
        }
        if let file = files.known[sha256], found[file.name] == nil {
            found[file.name] = Match(name: file.name, version: file.version, place: place(0))
        }
        return found.values.sorted { $0.name < $1.name }
    }

    private static let compiled: [(mark: Mark, before: [UInt8], beside: [UInt8])] = marks.map {
        ($0, Array($0.before.utf8), Array($0.beside.utf8))
    }

    private static func version(_ bytes: [UInt8], from begin: Int) -> String? {
        var end = begin
        while end < bytes.count, end - begin < 40,
            (0x30...0x39).contains(bytes[end]) || bytes[end] == 0x2E || bytes[end] == 0x2D
                || bytes[end] == 0x2B
                || end > begin && ((0x61...0x7A).contains(bytes[end]) || (0x41...0x5A).contains(bytes[end]))
        {
            end += 1
        }
        let text = String(decoding: bytes[begin..<end], as: UTF8.self)
        return Version(text)?.description
    }
}

/// A plain search for bytes.
enum ByteSearch {
    static func first(_ wanted: [UInt8], in bytes: [UInt8], from begin: Int = 0) -> Int? {
        guard let head = wanted.first, bytes.count >= wanted.count else { return nil }
        let last = bytes.count - wanted.count
        return bytes.withUnsafeBufferPointer { buffer in
            wanted.withUnsafeBufferPointer { wanted in
                var index = begin
                while index <= last {
                    guard let base = buffer.baseAddress,
                        let hit = CBytes.find(head, base + index, last - index + 1)
                    else { return nil }
                    index = hit - base
                    var step = 1
                    while step < wanted.count, buffer[index + step] == wanted[step] { step += 1 }
                    if step == wanted.count { return index }
                    index += 1
                }
                return nil
            }
        }
    }
}
