/// Parts that the statements of erasing have in common.
enum ErasingSQL {
    /// A condition that a token is no other account's; one that several have, or are given by a shop, identifies none of them.
    ///
    /// `token` and `account` are SQL expressions. Accounts that are being erased too don't count.
    static func isNobodyElses(_ token: String, than account: String) -> String {
        """
        NOT EXISTS (SELECT FROM accounts z WHERE (z.stated_token = \(token) OR z.rule_token = \(token))
            AND z.account_number <> \(account)
            AND NOT EXISTS (SELECT FROM erasures x WHERE x.account_number = z.account_number))
        """
    }

    /// A query for the notifications about the transactions in the `transaction_id`s of a table.
    ///
    /// By the original one too where nothing was decided: a renewal that waits names a transaction nobody has seen yet.
    static func notifications(about subjects: String) -> String {
        """
        SELECT n.notification_uuid FROM notifications n JOIN \(subjects) s ON n.transaction_id = s.transaction_id
        UNION ALL
        SELECT n.notification_uuid FROM notifications n JOIN \(subjects) s ON n.original_transaction_id = s.transaction_id
        WHERE n.outcome <> 'applied'
        """
    }
}
