"""WooCommerce stores over REST v3."""
