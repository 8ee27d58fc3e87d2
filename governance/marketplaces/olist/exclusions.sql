-- What the other files leave out, or had to decide, counted.
WITH has_lines AS (SELECT DISTINCT order_id, occurred_at FROM contract.orders),

missing AS (SELECT order_id, order_status FROM source.orders ANTI JOIN has_lines USING (order_id)),

local_time AS (
    SELECT unnest([order_purchase_timestamp, order_estimated_delivery_date]) AS said, 'orders' AS "table"
    FROM source.orders SEMI JOIN has_lines USING (order_id)
    UNION ALL
    SELECT shipping_limit_date, 'orders' FROM source.items SEMI JOIN has_lines USING (order_id)
    UNION ALL
    SELECT order_approved_at, 'payments' FROM source.orders SEMI JOIN has_lines USING (order_id)
    UNION ALL
    SELECT unnest([order_delivered_carrier_date, order_delivered_customer_date]), 'shipments'
    FROM source.orders SEMI JOIN has_lines USING (order_id)
    UNION ALL
    SELECT review_answer_timestamp, 'reviews' FROM source.reviews SEMI JOIN has_lines USING (order_id)
)

SELECT
    'orders' AS "table",
    'orders without an item line' AS what,
    count(*) AS count,
    'left out: an order line needs a seller and a price' AS why
FROM missing
UNION ALL
SELECT 'orders', 'item lines without an order', count(*), 'left out: the file of orders is a sample'
FROM source.items ANTI JOIN source.orders USING (order_id)
UNION ALL
SELECT
    'orders',
    'lines of a buyer known by this order only',
    count(*),
    'kept: the file of customers is a sample, so the customer id of the order stands for the person'
FROM source.orders INNER JOIN source.items USING (order_id) ANTI JOIN source.customers USING (customer_id)
UNION ALL
SELECT 'payments', 'payments without an order', count(*), 'left out: the file of orders is a sample'
FROM source.payments ANTI JOIN source.orders USING (order_id)
UNION ALL
SELECT 'payments', 'payments of orders without an item line', count(*), 'left out with their orders'
FROM source.payments SEMI JOIN missing USING (order_id)
UNION ALL
SELECT
    'shipments',
    'order lines handed over before they were bought',
    count(*),
    'the scan is left out: it cannot be about this purchase'
FROM source.orders INNER JOIN contract.orders AS line USING (order_id)
WHERE utc(order_delivered_carrier_date) < line.occurred_at
UNION ALL
SELECT 'reviews', 'reviews without an order', count(*), 'left out: the file of orders is a sample'
FROM source.reviews ANTI JOIN source.orders USING (order_id)
UNION ALL
SELECT 'reviews', 'reviews of orders without an item line', count(*), 'left out with their orders'
FROM source.reviews SEMI JOIN missing USING (order_id)
UNION ALL
SELECT 'reviews', 'reviews answered before the purchase', count(*), 'left out: they cannot be about this purchase'
FROM source.reviews INNER JOIN has_lines USING (order_id)
WHERE utc(review_answer_timestamp) < occurred_at
UNION ALL
SELECT 'cases', 'low reviews of orders without an item line', count(*), 'left out with their orders'
FROM source.reviews SEMI JOIN missing USING (order_id)
WHERE review_score <= 2
UNION ALL
SELECT 'cases', 'low reviews answered before the purchase', count(*), 'left out: they cannot be about this purchase'
FROM source.reviews INNER JOIN has_lines USING (order_id)
WHERE review_score <= 2 AND utc(review_answer_timestamp) < occurred_at
UNION ALL
SELECT
    'cases',
    'cancelled or unavailable orders without an item line',
    count(*) FILTER (order_status IN ('canceled', 'unavailable')),
    'left out with their orders'
FROM missing
UNION ALL
SELECT
    "table",
    'local times that exist twice',
    count(*) FILTER (is_ambiguous(said)),
    'kept as the earlier instant'
FROM local_time
GROUP BY "table"
UNION ALL
SELECT
    "table",
    'local times that clocks jump over',
    count(*) FILTER (is_nonexistent(said)),
    'kept, moved forward by the jump'
FROM local_time
GROUP BY "table"
