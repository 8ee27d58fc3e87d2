-- One instalment plan, voucher or bank slip of an order that lands.
WITH landed AS (
    SELECT order_id, buyer_id, market, min(known_at) AS purchased_at
    FROM contract.orders
    GROUP BY order_id, buyer_id, market
),

moved AS (
    SELECT
        payment.*,
        landed.buyer_id,
        landed.market,
        -- Money moves on approval; 0.4 % of the orders have no time of approval and take that of the purchase.
        greatest(utc(coalesce(purchase.order_approved_at, purchase.order_purchase_timestamp)), landed.purchased_at)
            AS moved_at
    FROM source.payments AS payment
    INNER JOIN landed ON payment.order_id = landed.order_id
    INNER JOIN source.orders AS purchase ON payment.order_id = purchase.order_id
)

SELECT
    order_id || '-' || payment_sequential AS payment_id,
    moved_at AS occurred_at,
    moved_at AS known_at,
    market,
    order_id,
    buyer_id,
    'capture' AS kind,
    -- Olist lists no failed payments. To call a payment failed because its order was never approved would be hindsight.
    'succeeded' AS status,
    CASE payment_type
        WHEN 'credit_card' THEN 'card'
        WHEN 'debit_card' THEN 'card'
        WHEN 'boleto' THEN 'bank slip'
        WHEN 'voucher' THEN 'voucher'
        ELSE 'unknown'
    END AS method,
    CAST(round(payment_value * 100) AS BIGINT) AS amount_minor,
    'BRL' AS currency,
    1.0 AS reference_rate
FROM moved
