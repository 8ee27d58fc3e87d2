-- Two scans of each line: handed to the carrier and delivered to the buyer. A scan is known when it happens.
WITH scan AS (
    SELECT line.*, 'handed_over' AS kind, utc(purchase.order_delivered_carrier_date) AS scanned_at, line.ship_by AS due_at
    FROM contract.orders AS line
    INNER JOIN source.orders AS purchase ON line.order_id = purchase.order_id
    UNION ALL
    SELECT line.*, 'delivered', utc(purchase.order_delivered_customer_date), line.deliver_by
    FROM contract.orders AS line
    INNER JOIN source.orders AS purchase ON line.order_id = purchase.order_id
)

SELECT
    order_line_id || '-' || kind AS scan_id,
    scanned_at AS occurred_at,
    scanned_at AS known_at,
    market,
    order_line_id,
    order_id,
    buyer_id,
    seller_id,
    product_id,
    category,
    'forward' AS direction,
    kind,
    due_at
FROM scan
-- Leaves out lines without such a scan, and the few handed over before they were bought.
WHERE scanned_at >= occurred_at
