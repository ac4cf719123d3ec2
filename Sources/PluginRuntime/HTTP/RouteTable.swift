/// Finds the endpoint of a path. Templates are taken apart once, not at every request: a request that is refused must
/// cost next to nothing, however many paths there are.
struct RouteTable: Sendable {
    private enum Step: Sendable {
        case word(String)
        case parameter(String)
    }

    private struct Route: Sendable {
        let endpoint: Endpoint
        let steps: [Step]
        /// The parameter that takes what is left of the path, which is a path of its own.
        let rest: String?
    }

    /// By the number of the template's steps.
    private var routes: [Int: [Route]] = [:]
    /// Routes whose last parameter takes any number of steps.
    private var open: [Route] = []

    init(_ endpoints: [Endpoint]) {
        for endpoint in endpoints {
            var words = endpoint.steps
            var rest: String?
            if let last = words.last, last.hasSuffix("*}") {
                rest = String(last.dropFirst().dropLast(2))
                words.removeLast()
            }
            let steps = words.map { word in
                word.hasPrefix("{") ? Step.parameter(String(word.dropFirst().dropLast())) : Step.word(word)
            }
            let route = Route(endpoint: endpoint, steps: steps, rest: rest)
            if rest == nil { routes[steps.count, default: []].append(route) } else { open.append(route) }
        }
    }

    /// The endpoint of a method and path, with the path's parameters; nil where there is none.
    func find(_ method: String, _ path: [String]) -> (Endpoint, [String: String])? {
        for route in candidates(path) where route.endpoint.method == method && Self.fits(route, path) {
            return (route.endpoint, Self.parameters(route, path))
        }
        return nil
    }

    /// The methods that a path is answered with.
    func methods(of path: [String]) -> Set<String> {
        Set(candidates(path).filter { Self.fits($0, path) }.map(\.endpoint.method))
    }

    private func candidates(_ path: [String]) -> [Route] {
        let exact = routes[path.count] ?? []
        return open.isEmpty ? exact : exact + open
    }

    private static func fits(_ route: Route, _ path: [String]) -> Bool {
        guard path.count >= route.steps.count + (route.rest == nil ? 0 : 1) else { return false }
        for (step, given) in zip(route.steps, path) {
            switch step {
            case .word(let word): if word != given { return false }
            case .parameter: if given.isEmpty { return false }
            }
        }
        return route.rest == nil
            || path[route.steps.count...].allSatisfy { !["", ".", ".."].contains($0) }
    }

    private static func parameters(_ route: Route, _ path: [String]) -> [String: String] {
        var parameters: [String: String] = [:]
        for (step, given) in zip(route.steps, path) {
            if case .parameter(let name) = step { parameters[name] = given }
        }
        if let rest = route.rest {
            parameters[rest] = path[route.steps.count...].joined(separator: "/")
        }
        return parameters
    }
}
