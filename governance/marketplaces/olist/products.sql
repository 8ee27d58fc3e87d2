-- A listing, known at its first order, with the seller and price of that order.
SELECT DISTINCT ON (product_id)
    product_id,
    occurred_at,
    known_at,
    market,
    seller_id,
    category,
    price_minor,
    currency,
    reference_rate
FROM contract.orders
ORDER BY product_id, known_at, order_line_id
