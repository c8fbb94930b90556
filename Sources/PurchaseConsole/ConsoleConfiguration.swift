/// Bounds and fixed values of the pages under `/console`.
package struct ConsoleConfiguration: Sendable {
    /// Takes the defaults.
    package init() {}
}
