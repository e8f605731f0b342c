"""Edge to the company's own records: orders, bookings, contracts. See docs/lookups.md."""
