-- why: support finds a purchase by whatever the customer has; the order that an e-mail names is looked up once
-- breaking: no
-- lock: transactions against writes while the indexes are built
-- duration: about ten seconds per million transactions

-- Searches go from the newest purchase to the oldest. While Apple has not named the date of purchase, that of recording
-- stands in. The id makes the order total.
CREATE INDEX transactions_newest ON transactions ((coalesce(purchase_date, created_at)), transaction_id);
CREATE INDEX transactions_product ON transactions (product_id, (coalesce(purchase_date, created_at)), transaction_id);
-- Nearly all transactions are paid and confirmed, and in production: the others have indexes that stay small.
CREATE INDEX transactions_state ON transactions (state, (coalesce(purchase_date, created_at)), transaction_id)
    WHERE state <> 'paid';
CREATE INDEX transactions_reason ON transactions (reason, (coalesce(purchase_date, created_at)), transaction_id)
    WHERE reason <> 'confirmed';
CREATE INDEX transactions_sandbox ON transactions ((coalesce(purchase_date, created_at)), transaction_id)
    WHERE environment = 'Sandbox';

-- What Apple said to an order id. Erasable: an order id leads Apple to a customer, and no decision rests on it.
CREATE TABLE orders (
    order_id     text PRIMARY KEY CHECK (order_id ~ '^[A-Za-z0-9]{1,64}$'),
    looked_up_at timestamptz NOT NULL
);
CREATE TABLE order_transactions (
    order_id       text NOT NULL REFERENCES orders ON DELETE CASCADE,
    transaction_id text NOT NULL REFERENCES transactions,
    PRIMARY KEY (order_id, transaction_id)
);
CREATE INDEX order_transactions_transaction ON order_transactions (transaction_id);

GRANT SELECT, INSERT, UPDATE, DELETE ON orders, order_transactions TO vouch_service;
