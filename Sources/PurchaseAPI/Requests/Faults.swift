/// The faults of one request, gathered so that a client learns of all of them at once.
struct Faults {
    private(set) var items: [Fault] = []

    /// Adds a fault of the body's property `name`; names from outside are made printable and bounded.
    mutating func add(property name: String, _ detail: String) {
        let escaped = Syntax.printable(name).replacing("~", with: "~0").replacing("/", with: "~1")
        items.append(Fault(pointer: "/" + escaped, detail: detail))
    }

    /// Adds a fault of one item of the body's list `name`; the name is one of the contract's.
    mutating func add(property name: String, item: Int, _ detail: String) {
        items.append(Fault(pointer: "/\(name)/\(item)", detail: detail))
    }

    /// Adds a fault of the body as a whole.
    mutating func add(body detail: String) { items.append(Fault(pointer: "", detail: detail)) }

    /// Adds a fault of a path parameter.
    mutating func add(path name: String, _ detail: String) {
        items.append(Fault(pointer: "/path/" + name, detail: detail))
    }

    /// Adds a fault of a query parameter; names from outside are made printable and bounded.
    mutating func add(query name: String, _ detail: String) {
        let escaped = Syntax.printable(name).replacing("~", with: "~0").replacing("/", with: "~1")
        items.append(Fault(pointer: "/query/" + escaped, detail: detail))
    }

    /// Adds a fault of a header field.
    mutating func add(header name: String, _ detail: String) {
        items.append(Fault(pointer: "/header/" + name, detail: detail))
    }

    /// Throws a 400 that lists them, if there are any.
    func check() throws(Problem) {
        guard items.isEmpty else { throw .invalidRequest(items) }
    }
}
