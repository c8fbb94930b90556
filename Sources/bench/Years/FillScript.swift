import Foundation
import PurchaseCore

/// The pattern as SQL: one statement that writes everything which happens in a span of time.
///
/// It reads a temporary table `b` with a row for each chain that has a scene in that span, and `h` with the headers.
struct FillScript: Sendable {
    let plan: FillPlan
    private let pattern: FillPattern
    private let withEnvelopes: Bool

    init(_ plan: FillPlan, _ pattern: FillPattern, withEnvelopes: Bool) {
        self.plan = plan
        self.pattern = pattern
        self.withEnvelopes = withEnvelopes
    }

    /// What each session begins with; `isChecked` leaves foreign keys and triggers on.
    func preparation(isChecked: Bool) -> String {
        let delays = pattern.scenes.enumerated().map {
            "(\($0.offset), \($0.element.story), \($0.element.after)::bigint)"
        }
        return """
            \(isChecked ? "" : "SET session_replication_role = replica;")
            SET synchronous_commit = off;
            SET work_mem = '256MB';
            -- Planned while the batch is empty: a scan of all of it for each scene would be chosen.
            SET enable_seqscan = off;
            SET jit = off;
            CREATE TEMP TABLE scenes AS SELECT * FROM (VALUES \(delays.joined(separator: ", "))) AS s(scene, story, delay);
            CREATE TEMP TABLE h AS SELECT leaf, sha256(convert_to(header, 'UTF8')) AS sha256, header FROM (
                SELECT leaf, (SELECT string_agg(translate(encode(sha512(int4send(leaf * 1000 + part)), 'base64'),
                    E'+/=\\n', '-_'), '') FROM generate_series(1, 49) part) AS header
                FROM generate_series(0, 9) leaf) AS made;
            INSERT INTO jws_headers (sha256, header) SELECT sha256, header FROM h WHERE leaf < \(plan.leaves)
                ON CONFLICT DO NOTHING;
            CREATE TEMP TABLE b (scene int, chain bigint, first bigint, account bigint, is_new boolean, t0 bigint,
                at bigint, variant text, currency text, storefront text, price bigint, token text, sweep_at bigint, leaf int);
            CREATE INDEX ON b (scene);
            PREPARE write AS \(statement);
            """
    }

    /// One window, in a transaction of its own.
    func window(_ number: Int) -> String {
        let (from, to) = plan.window(number)
        let delays = Set(pattern.scenes.map(\.after)).sorted()
        let parts = delays.map { plan.scenes(from: from, to: to, delay: $0) }
        return """
            BEGIN;
            TRUNCATE b;
            INSERT INTO b \(parts.joined(separator: "\nUNION ALL "));
            EXECUTE write;
            UPDATE bench.fill SET windows = \(number + 1);
            COMMIT;
            """
    }

    /// Every row of the batch's scenes, in the order of time.
    var statement: String {
        var parts = [
            """
            accounts_written AS (INSERT INTO accounts (account_number, account_id, stated_token, created_at)
                OVERRIDING SYSTEM VALUE SELECT account, 'account-' || (account - 1), token, instant(t0) FROM b
                WHERE is_new AND at = t0 ORDER BY account)
            """
        ]
        for (table, _) in FillPattern.tables where withEnvelopes || table != "notification_bodies" {
            guard let insert = insert(into: table) else { continue }
            parts.append("\(table)_written AS (\(insert))")
        }
        return "WITH " + parts.joined(separator: ",\n") + "\nSELECT FROM b WHERE false"
    }

    private func insert(into table: String) -> String? {
        guard let columns = pattern.columns[table] else { return nil }
        let rows = pattern.scenes.enumerated().flatMap { scene, element in
            (element.rows[table] ?? []).map { (scene, $0) }
        }
        let selects = rows.enumerated().map { order, row in
            let values = zip(columns, row.1).map { expression($0, $1, in: table, row.1, columns) }
            return "SELECT b.at AS at, b.chain AS k, \(order) AS o, \(values.joined(separator: ", ")) "
                + "FROM b JOIN h USING (leaf) WHERE b.scene = \(row.0)"
        }
        guard !selects.isEmpty else { return nil }
        let names = columns.map(\.name).joined(separator: ", ")
        let overriding = table == "chains" ? " OVERRIDING SYSTEM VALUE" : ""
        return """
            INSERT INTO \(table) (\(names))\(overriding) SELECT \(names)
            FROM (\(selects.joined(separator: "\nUNION ALL "))) AS r(at, k, o, \(names)) ORDER BY at, k, o
            """
    }

    private func expression(
        _ column: FillPattern.Column, _ value: String?, in table: String, _ row: [String?],
        _ columns: [FillPattern.Column]
    ) -> String {
        guard let value else { return "NULL::\(column.type)" }
        switch (column.name, column.type) {
        case ("chain_id", _): return "b.chain"
        case ("header_sha256", _): return "h.sha256"
        case ("due_at", _) where table == "checks" && isSweep(row, columns): return "instant(b.sweep_at)"
        case ("progress", _) where isSweep(row, columns):
            // Its next sweep, reckoned from now: those of three years would otherwise all be due.
            let json = Placeholder.expression(for: value) ?? "'\(value)'"
            return "jsonb_set((\(json))::jsonb, '{nextCheckAt}', to_jsonb(b.sweep_at))"
        case (_, "timestamptz"):
            let offset = (Int64(value) ?? 0) - Placeholder.beginning.millisecondsSince1970
            return "instant(b.t0 + \(offset))"
        case (_, "bytea"): return Placeholder.digest(Int(value.suffix(2)) ?? 0)
        default: break
        }
        guard let text = Placeholder.expression(for: value) else {
            return "'\(value.replacing("'", with: "''"))'::\(column.type)"
        }
        return column.type == "text" ? text : "(\(text))::\(column.type)"
    }

    private func isSweep(_ row: [String?], _ columns: [FillPattern.Column]) -> Bool {
        columns.firstIndex { $0.name == "sweep" }.map { row[$0] == "true" } ?? false
    }
}
