-- An order line at checkout. The joins leave out orders without items and item lines without an order.
WITH largest_payment AS (
    SELECT DISTINCT ON (order_id) order_id, payment_type, payment_installments
    FROM source.payments
    ORDER BY order_id, payment_value DESC, payment_sequential
),

coarse_place AS (
    -- A tenth of a degree, about 11 km: near enough for distance, too coarse for an address.
    SELECT
        geolocation_zip_code_prefix AS zip,
        round(geolocation_lat, 1) AS latitude,
        round(geolocation_lng, 1) AS longitude
    FROM source.places
)

SELECT
    item.order_id || '-' || item.order_item_id AS order_line_id,
    utc(purchase.order_purchase_timestamp) AS occurred_at,
    utc(purchase.order_purchase_timestamp) AS known_at,
    'BR' AS market,
    item.order_id,
    count(*) OVER (PARTITION BY item.order_id) AS line_count,
    -- Customer ids are made anew for each order; where the sample lacks the person, the buyer has this order only.
    coalesce(customer.customer_unique_id, purchase.customer_id) AS buyer_id,
    item.seller_id,
    item.product_id,
    coalesce(category.product_category_name_english, product.product_category_name, 'unknown') AS category,
    customer.customer_zip_code_prefix AS address,
    CASE largest_payment.payment_type
        WHEN 'credit_card' THEN 'card'
        WHEN 'debit_card' THEN 'card'
        WHEN 'boleto' THEN 'bank slip'
        WHEN 'voucher' THEN 'voucher'
    END AS payment_method,
    largest_payment.payment_installments AS instalments,
    CAST(round(item.price * 100) AS BIGINT) AS price_minor,
    CAST(round(item.freight_value * 100) AS BIGINT) AS shipping_minor,
    -- Olist tells of no discounts or subsidies: prices are what buyers paid.
    0 AS discount_minor,
    0 AS subsidy_minor,
    'BRL' AS currency,
    1.0 AS reference_rate,
    utc(item.shipping_limit_date) AS ship_by,
    utc(purchase.order_estimated_delivery_date) AS deliver_by,
    origin.latitude AS origin_latitude,
    origin.longitude AS origin_longitude,
    destination.latitude AS destination_latitude,
    destination.longitude AS destination_longitude,
    product.product_photos_qty AS listing_photos,
    product.product_description_lenght AS listing_description_characters,
    product.product_weight_g AS parcel_weight_grams,
    purchase.sample_weight AS weight
FROM source.orders AS purchase
INNER JOIN source.items AS item ON purchase.order_id = item.order_id
LEFT JOIN source.customers AS customer ON purchase.customer_id = customer.customer_id
LEFT JOIN source.products AS product ON item.product_id = product.product_id
LEFT JOIN source.categories AS category ON product.product_category_name = category.product_category_name
LEFT JOIN source.sellers AS seller ON item.seller_id = seller.seller_id
LEFT JOIN coarse_place AS origin ON seller.seller_zip_code_prefix = origin.zip
LEFT JOIN coarse_place AS destination ON customer.customer_zip_code_prefix = destination.zip
LEFT JOIN largest_payment ON purchase.order_id = largest_payment.order_id
