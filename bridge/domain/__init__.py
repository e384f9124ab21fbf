"""What commerce is made of: pure values and decisions. No I/O, no clock, no SQL; time and identifiers are arguments."""
