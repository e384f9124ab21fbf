"""bol.com (Retailer API v10, Offers v11)."""
