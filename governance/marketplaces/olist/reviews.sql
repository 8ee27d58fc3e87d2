-- Olist reviews whole orders: one row for each line of the order, known when the buyer answered.
SELECT
    -- Review ids repeat over orders, and one in ten is missing: then the time of the answer tells reviews apart.
    coalesce(review.review_id, 'unnamed-' || epoch_ms(review.review_answer_timestamp)) || '-' || line.order_line_id
        AS review_id,
    utc(review.review_answer_timestamp) AS occurred_at,
    utc(review.review_answer_timestamp) AS known_at,
    line.market,
    line.order_line_id,
    line.order_id,
    line.buyer_id,
    line.seller_id,
    line.product_id,
    line.category,
    review.review_score AS rating,
    nullif(concat_ws(chr(10), review.review_comment_title, review.review_comment_message), '') AS text,
    'published' AS moderation
FROM source.reviews AS review
INNER JOIN contract.orders AS line ON review.order_id = line.order_id
-- A review answered before the purchase cannot be about it.
WHERE utc(review.review_answer_timestamp) >= line.occurred_at
