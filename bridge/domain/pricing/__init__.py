"""Prices: exchange rates, VAT, rounding to what a marketplace takes, and the guard that holds a slip."""
