-- Buyers and sellers, known at their first order: Olist does not say when they signed up.
WITH appearance AS (
    SELECT buyer_id AS account_id, 'buyer' AS role, market, known_at FROM contract.orders
    UNION ALL
    SELECT seller_id, 'seller', market, known_at FROM contract.orders
)

SELECT
    account_id,
    min(known_at) AS occurred_at,
    min(known_at) AS known_at,
    market,
    role,
    'BR' AS country,
    min(known_at) AS signed_up_at
FROM appearance
GROUP BY account_id, role, market
