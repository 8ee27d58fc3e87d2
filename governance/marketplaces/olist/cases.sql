-- Complaints (reviews of one or two stars) and cancellations, both of whole orders.
WITH landed AS (
    SELECT
        order_id,
        buyer_id,
        market,
        min(occurred_at) AS purchased_at,
        CASE WHEN count(DISTINCT seller_id) = 1 THEN min(seller_id) END AS seller_id,
        CASE WHEN count(DISTINCT product_id) = 1 THEN min(product_id) END AS product_id,
        CASE WHEN count(DISTINCT category) = 1 THEN min(category) END AS category
    FROM contract.orders
    GROUP BY order_id, buyer_id, market
),

opened AS (
    SELECT
        -- Review ids repeat over orders, and one in ten is missing: then the time of the answer tells reviews apart.
        coalesce(review_id, 'unnamed-' || epoch_ms(review_answer_timestamp)) || '-' || order_id AS case_id,
        order_id,
        utc(review_answer_timestamp) AS opened_at,
        'complaint' AS kind,
        'buyer' AS opened_by,
        'rated_' || review_score AS reason_code,
        nullif(concat_ws(chr(10), review_comment_title, review_comment_message), '') AS text
    FROM source.reviews
    WHERE review_score <= 2
    UNION ALL
    SELECT
        'cancellation-' || order_id,
        order_id,
        -- An assumption: Olist has no time of cancellation, but on the day of the promised delivery
        -- everybody knows that nothing comes.
        utc(order_estimated_delivery_date),
        'cancellation',
        'unknown',
        order_status,
        NULL
    FROM source.orders
    WHERE order_status IN ('canceled', 'unavailable')
)

SELECT
    opened.case_id,
    opened.opened_at AS occurred_at,
    opened.opened_at AS known_at,
    landed.market,
    1 AS version,
    opened.order_id,
    landed.buyer_id,
    landed.seller_id,
    landed.product_id,
    landed.category,
    opened.kind,
    opened.opened_by,
    opened.reason_code,
    opened.text,
    'BRL' AS currency,
    1.0 AS reference_rate
FROM opened
INNER JOIN landed ON opened.order_id = landed.order_id
-- A review answered before the purchase cannot be about it.
WHERE opened.opened_at >= landed.purchased_at
