"""The scoring service: answers in milliseconds whether a login, an order, a payout or a claim may go ahead, and why."""
