"""Storebridge: keeps a merchant's store and the marketplaces it sells on in agreement."""
