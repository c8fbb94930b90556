import Mustache

/// A context as templates see it: the properties of a typed value, by their names.
///
/// It closes three traps of rendering a value by reflection alone. A property that is there and `nil` is absent, where
/// the library would go on and take one of the same name from around it: another account's, say. Text is made safe to
/// escape first (``SafeText``). And a name that nothing around has is a fault of the template, caught in debug builds.
struct TemplateNode: MustacheParent {
    private let value: Any
    private let isRoot: Bool

    init(_ value: Any, isRoot: Bool = false) {
        self.value = value
        self.isRoot = isRoot
    }

    func child(named name: String) -> Any? {
        guard let property = Mirror(reflecting: value).children.first(where: { $0.label == name }) else {
            assert(!isRoot, "a template names \(name), which its context does not have")
            return nil
        }
        return Self.shown(property.value)
    }

    /// A value as the library takes it.
    private static func shown(_ value: Any) -> Any {
        switch value {
        case let text as String: return SafeText.escapable(text)
        case let flag as Bool: return flag
        case let number as Int: return String(number)
        case let number as Int64: return String(number)
        default: break
        }
        let mirror = Mirror(reflecting: value)
        switch mirror.displayStyle {
        case .optional: return mirror.children.first.map { shown($0.value) } ?? Absent()
        case .collection: return mirror.children.map { shown($0.value) }
        default: return TemplateNode(value)
        }
    }

    /// Nothing, and the end of the search for it.
    private struct Absent: MustacheCustomRepresentation {
        var representation: Any? { nil }
    }
}
