"""What a payer tells of a transfer by the bank's own number of it («mã giao dịch»). A word, never evidence of money."""
